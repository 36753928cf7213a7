"""Builds the governed tables and the vault from the accepted rows, in SQL, and writes them as Parquet.

The catalogue decides what a governed table holds: its columns in its order, with its types, and no value outside its
domains and bounds. So nothing that was not meant to be asked about can be in a file that the query engine opens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from node.ingest.maps import draw_maps
from node.ingest.staged import sql_path
from query_engine.catalogue import Column, GovernedTable, load_catalogue

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

RELATIONS = (
    "returns",
    "censuses",
    "care_episodes",
    "placement_spells",
    "care_years",
    "populations",
    "identities",
    "pupil_numbers",
    "care_history",
    "schools",
    "establishments",
    "inspections",
    "roll",
    "pupil_years",
    "absence",
    "begun_exclusions",
    "exclusions",
    "sen_needs",
    "meals",
    "registrations",
    "school_moves",
    "school_changes",
    "changes_in_care",
    "assessments",
    "outcomes",
    "enrolled",
    "host_facts",
    "elsewhere",
    "schooling",
    "pupil_record",
    "attainment_at_entry",
    "attendance_fed",
    "leaver_outcomes",
    "activities",
    "destinations",
    "pep_terms",
    "plans",
    "child_record",
    "children",
    "placement_record",
    "school_move_record",
    "absence_record",
    "exclusion_record",
    "attainment_record",
    "pep_record",
    "support_record",
)
"""The files of `record/` that are worked out one after another."""

RECORDS: Mapping[str, str] = {
    "child_year": "child_record",
    "pupil_year": "pupil_record",
    "placements": "placement_record",
    "school_moves": "school_move_record",
    "absences": "absence_record",
    "exclusions": "exclusion_record",
    "attainment": "attainment_record",
    "pep": "pep_record",
    "support": "support_record",
}
"""The relation each governed table is made from."""

VAULT = ("children", "pupils", "rolls")
_RECORD = Path(__file__).with_name("record")
_SQL_TYPES = {"category": "VARCHAR", "integer": "INTEGER", "boolean": "BOOLEAN"}


@dataclass(frozen=True, slots=True)
class TableSummary:
    """What came of one governed table, without a value of it.

    `null_columns` have no value at all, for lack of a source. `outside` counts, by column, the values that the
    catalogue has no place for: a measure was moved to the nearer bound, another value left missing.
    """

    rows: int
    null_columns: tuple[str, ...]
    outside: Mapping[str, int]


def build_record(connection: DuckDBPyConnection, authority: str) -> None:
    """Work out the relations of the record for one authority, over the views of the accepted rows."""
    connection.execute((_RECORD.parent / "definitions.sql").read_text(encoding="utf-8"))
    connection.execute("SET VARIABLE authority = $code", {"code": authority})
    draw_maps(connection, authority)
    for name in RELATIONS:
        connection.execute(f"CREATE TABLE {name} AS {_statement(name)}")


def write_governed(connection: DuckDBPyConnection, directory: Path) -> dict[str, TableSummary]:
    """Write every governed table of the catalogue, sorted by token."""
    directory.mkdir(parents=True)
    return {
        name: _write_table(connection, table, directory / f"{name}.parquet")
        for name, table in load_catalogue().tables.items()
    }


def write_vault(connection: DuckDBPyConnection, directory: Path) -> None:
    """Write whom the tokens stand for. These files are never given to the query engine."""
    for name in VAULT:
        path = sql_path(directory / f"{name}.parquet")
        connection.execute(f"COPY ({_statement(f'identified_{name}')}) TO {path} (FORMAT parquet)")


def _statement(name: str) -> str:
    return (_RECORD / f"{name}.sql").read_text(encoding="utf-8")


def _write_table(connection: DuckDBPyConnection, table: GovernedTable, path: Path) -> TableSummary:
    record = RECORDS[table.name]
    described = connection.execute(f"DESCRIBE {record}").fetchall()
    known = {str(row[0]) for row in described}
    columns = [each for each in table.columns.values() if each.name in known]
    chosen = ", ".join(
        f'{_shaped(each) if each in columns else f"NULL::{sql_type(each)}"} AS "{each.name}"'
        for each in table.columns.values()
    )
    # Every column, so that a child's rows too have one order, and the same files always make the same snapshot.
    order = ", ".join(dict.fromkeys([table.child_key, "academic_year", *table.columns]))
    connection.execute(f"COPY (FROM {record} SELECT {chosen} ORDER BY {order}) TO {sql_path(path)} (FORMAT parquet)")
    return _summarise(connection, record, table, columns)


def _summarise(
    connection: DuckDBPyConnection, record: str, table: GovernedTable, columns: list[Column]
) -> TableSummary:
    present = ", ".join(f'count("{each.name}")' for each in columns)
    outside = ", ".join(f"count(*) FILTER (WHERE {_is_outside(each)})" for each in columns)
    counts = connection.execute(f"FROM {record} SELECT count(*), {present}, {outside}").fetchone() or ()
    rows, middle = counts[0], len(columns) + 1
    filled = {each.name for each, count in zip(columns, counts[1:middle], strict=True) if count}
    return TableSummary(
        rows=rows,
        null_columns=tuple(name for name in table.columns if name not in filled) if rows else (),
        outside={each.name: count for each, count in zip(columns, counts[middle:], strict=True) if count},
    )


def sql_type(column: Column) -> str:
    """The DuckDB type, and so the Parquet type, of a catalogue column."""
    return f"DECIMAL(9,{column.scale})" if column.type == "decimal" else _SQL_TYPES[column.type]


def _shaped(column: Column) -> str:
    """SQL of a column's values as the catalogue has them."""
    value = f'"{column.name}"'
    if column.bounds is not None:
        low, high = column.bounds
        value = f"CASE WHEN {value} IS NOT NULL THEN greatest({low}, least({high}, {value})) END"
    elif column.domain is not None:
        value = f"CASE WHEN NOT ({_is_outside(column)}) THEN {value} END"
    return f"CAST({value} AS {sql_type(column)})"


def _is_outside(column: Column) -> str:
    """SQL that is true of a value the catalogue has no place for."""
    if column.bounds is not None:
        low, high = column.bounds
        return f'"{column.name}" NOT BETWEEN {low} AND {high}'
    if column.domain is None or column.type == "boolean":
        return "false"
    return f'"{column.name}" NOT IN ({", ".join(map(_literal, (*column.domain, *column.former)))})'


def _literal(value: str | int | bool) -> str:
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)

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
from node.ingest.staged import PARQUET, sql_path
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
    "tracked_children",
    "told_reviews",
    "told_targets",
    "told_support",
    "told_admissions",
    "care_history",
    "schools",
    "establishments",
    "inspections",
    "entries",
    "repeated_entries",
    "roll",
    "merged_entries",
    "pupil_years",
    "departures",
    "sessions_on_roll",
    "sessions_off_roll",
    "absence",
    "begun_exclusions",
    "exclusions",
    "sen_needs",
    "meals",
    "national_meals",
    "registrations",
    "school_moves",
    "school_changes",
    "changes_in_care",
    "assessments",
    "outcomes",
    "enrolled",
    "host_facts",
    "elsewhere",
    "prior_attainment",
    "schooling",
    "pupils",
    "pupil_record",
    "attainment_at_entry",
    "attendance_fed",
    "leaver_outcomes",
    "activities",
    "destinations",
    "pep_terms",
    "plans",
    "child_record",
    "statuses_told",
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

PASSING = frozenset(
    {"roll", "pupil_years", "sessions_on_roll", "sessions_off_roll", "enrolled", "schooling", "pupil_record"}
)
"""Relations that are worked out within those that read them, because holding them costs more than it saves."""

SORTED = frozenset({"pupil_record"})
"""Records that stand in the order of their tokens already, each token once in a year."""

VAULT = ("children", "pupils", "area_children")
_UNPACKED = f"{PARQUET}, COMPRESSION uncompressed"
"""How what is worked out is written: tokens cannot be packed, and words that go by number hardly."""

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
        kind = "VIEW" if name in PASSING else "TABLE"
        connection.execute(f"CREATE {kind} {name} AS {_statement(name)}")


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
        connection.execute(f"COPY ({_statement(f'identified_{name}')}) TO {path} ({_UNPACKED})")


def _statement(name: str) -> str:
    return (_RECORD / f"{name}.sql").read_text(encoding="utf-8")


def _write_table(connection: DuckDBPyConnection, table: GovernedTable, path: Path) -> TableSummary:
    record = RECORDS[table.name]
    known = {str(row[0]) for row in connection.execute(f"DESCRIBE {record}").fetchall()}
    columns = [each for each in table.columns.values() if each.name in known]
    chosen = ", ".join(
        f'{_shaped(each) if each in columns else f"NULL::{sql_type(each)}"} AS "{each.name}"'
        for each in table.columns.values()
    )
    written = connection.execute(
        f"COPY (FROM {record} SELECT {chosen} {_order(table)}) TO {sql_path(path)} ({_UNPACKED}, RETURN_STATS)"
    ).fetchone()
    assert written is not None
    _, rows, _, _, statistics, *_ = written
    kept = {each.name: rows - int(statistics[f'"{each.name}"']["null_count"]) for each in columns}
    return _summarise(connection, table, rows, kept)


def _order(table: GovernedTable) -> str:
    """SQL of the order in which the rows of a table tell nothing, and the same files make the same snapshot.

    By every column, so that a child's rows too have one order.
    """
    if RECORDS[table.name] in SORTED:
        return ""
    return "ORDER BY " + ", ".join(dict.fromkeys([table.child_key, "academic_year", *table.columns]))


def _summarise(
    connection: DuckDBPyConnection, table: GovernedTable, rows: int, kept: Mapping[str, int]
) -> TableSummary:
    """Compare a record with what was written of it: how many rows, and how many values of each column it has.

    A column that was written without a gap has lost nothing, and is not counted again.
    """
    if not rows:
        return TableSummary(rows=0, null_columns=(), outside={})
    gaps = {name: f'count("{name}")' for name, values in kept.items() if values < rows}
    moved = {name: f"count(*) FILTER (WHERE {beyond})" for name in kept if (beyond := _beyond(table.columns[name]))}
    counts = connection.execute(
        f"FROM {RECORDS[table.name]} SELECT count(*), {', '.join([*gaps.values(), *moved.values()])}"
    ).fetchone()
    assert counts is not None
    read = {**kept, **dict(zip(gaps, counts[1:], strict=False))}
    outside = {name: read[name] - kept[name] for name in kept}
    outside |= dict(zip(moved, counts[1 + len(gaps) :], strict=True))
    return TableSummary(
        rows=rows,
        null_columns=tuple(name for name in table.columns if not read.get(name)),
        outside={name: count for name, count in outside.items() if count},
    )


def sql_type(column: Column) -> str:
    """The DuckDB type, and so the Parquet type, of a catalogue column."""
    return f"DECIMAL(9,{column.scale})" if column.type == "decimal" else _SQL_TYPES[column.type]


def _shaped(column: Column) -> str:
    """SQL of a column's values as the catalogue has them.

    Words become items of an enumeration: it has no place for a word outside, and Parquet, which knows words alone,
    takes the enumeration for its dictionary.
    """
    value, domain = f'"{column.name}"', (*(column.domain or ()), *column.former)
    if column.bounds is not None:
        low, high = column.bounds
        value = f"CASE WHEN {value} IS NOT NULL THEN greatest({low}, least({high}, {value})) END"
    elif domain and column.type == "category":
        return f"TRY_CAST({value} AS ENUM ({', '.join(map(_literal, domain))}))"
    elif domain and column.type == "integer":
        value = f"CASE WHEN {value} IN ({', '.join(map(_literal, domain))}) THEN {value} END"
    return f"CAST({value} AS {sql_type(column)})"


def _beyond(column: Column) -> str | None:
    """SQL that is true of a value that is moved to the nearer bound; None where there are no bounds."""
    return f'"{column.name}" NOT BETWEEN {column.bounds[0]} AND {column.bounds[1]}' if column.bounds else None


def _literal(value: str | int | bool) -> str:
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)

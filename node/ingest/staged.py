"""The accepted rows of every input table and period, kept beside the snapshot so that a later load builds on them.

They hold identifiers: they lie in the vault, which the query engine is never given.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from node.ingest.batches import Batch
from node.ingest.formats import InputTable, load_formats
from node.ingest.periods import UNDATED, Period

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

PARQUET = "FORMAT parquet, DICTIONARY_SIZE_LIMIT 1000"
"""How Parquet is written: no dictionary of what is different in every row, which takes longer to build than to do
without."""

StagedRows = Mapping[tuple[str, Period], Path]


def find_staged(directory: Path) -> StagedRows:
    """The staged rows in a directory, by table and period. A table that is not known any more is left out."""
    by_relation = {table.relation: name for name, table in load_formats().items()}
    found = {}
    for path in sorted(directory.glob("*.parquet")):
        relation, _, period = path.stem.partition("-")
        if relation in by_relation:
            found[by_relation[relation], Period.parse(period)] = path
    return found


def write_staged(
    connection: DuckDBPyConnection, batches: Iterable[Batch], earlier: StagedRows, directory: Path
) -> StagedRows:
    """Write the accepted rows of the batches, and keep the earlier ones that they do not replace.

    A batch of which no row was accepted replaces nothing, and does not count as loaded.
    """
    directory.mkdir(parents=True)
    replaced = {batch.key for batch in batches if _write_batch(connection, batch, earlier.get(batch.key), directory)}
    for key, path in earlier.items():
        if key not in replaced:
            _share(path, directory / path.name)
    return find_staged(directory)


def _write_batch(connection: DuckDBPyConnection, batch: Batch, before: Path | None, directory: Path) -> bool:
    path = directory / f"{batch.table.relation}-{batch.period}.parquet"
    earlier = _kept(batch, before) if batch.table.accumulates and before is not None else ""
    done = connection.execute(f"COPY ({batch.values}{earlier}) TO {sql_path(path)} ({PARQUET})").fetchone()
    is_wanted = bool(done and done[0]) or not (batch.size or before)
    if not is_wanted:
        path.unlink()
    return is_wanted


def _kept(batch: Batch, before: Path) -> str:
    """SQL that adds the rows of an earlier load whose key this one does not bring again."""
    same = " AND ".join(f'earlier."{name}" IS NOT DISTINCT FROM new."{name}"' for name in batch.table.unique)
    earlier = f"(FROM read_parquet({sql_path(before)}) AS earlier ANTI JOIN {batch.values} AS new ON {same})"
    return f" UNION ALL BY NAME {earlier}"


def _share(path: Path, place: Path) -> None:
    """Snapshots never change, so two may share a file, where the file system lets them."""
    try:
        os.link(path, place)
    except OSError:
        shutil.copyfile(path, place)


def show_period(
    connection: DuckDBPyConnection, period: Period, batches: Iterable[Batch], earlier: StagedRows
) -> set[str]:
    """Make views of every input table's rows of one period, of this load or an earlier one; returns which exist."""
    being_read = {batch.table.name: batch for batch in batches if batch.period == period}
    present = set()
    for name, table in load_formats().items():
        rows = _no_rows(table)
        if name in being_read:
            rows = being_read[name].values
            present.add(name)
        elif (name, period) in earlier:
            rows = _with_all_columns(table, f"read_parquet({sql_path(earlier[name, period])})")
            present.add(name)
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {table.relation} AS FROM {rows}")
    return present


def show_all(connection: DuckDBPyConnection, staged: StagedRows) -> None:
    """Make views of every input table's rows of every period, which adds their academic year and term.

    The table `loaded` says which tables and periods there are. A register has no year.
    """
    connection.execute("CREATE TABLE loaded (name VARCHAR, family VARCHAR, academic_year INTEGER, term VARCHAR)")
    for name, table in load_formats().items():
        parts = [f"(FROM {_no_rows(table)} SELECT {_dated(table, UNDATED)})"]
        for (staged_name, period), path in staged.items():
            if staged_name == name:
                parts.append(f"(FROM read_parquet({sql_path(path)}) SELECT {_dated(table, period)})")
                year = None if period == UNDATED else period.academic_year
                connection.execute("INSERT INTO loaded VALUES (?, ?, ?, ?)", [name, table.family, year, period.term])
        # By name, because an earlier version may have staged fewer columns.
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {table.relation} AS {' UNION ALL BY NAME '.join(parts)}")


def _dated(table: InputTable, period: Period) -> str:
    """SQL of a table's columns with the period of its rows. A term of the table's own is written in full."""
    year = "NULL" if period == UNDATED else str(period.academic_year)
    term = f"'{period.term}'::VARCHAR" if period.term else "NULL::VARCHAR"
    if table.column("term") is not None:
        told = f"'{period}'" if table.period is not None else term
        return f"* REPLACE ({told} AS term), {year}::INTEGER AS academic_year"
    return f"*, {year}::INTEGER AS academic_year, {term} AS term"


def sql_path(path: Path) -> str:
    """A path as an SQL string."""
    return "'" + str(path).replace("'", "''") + "'"


def _with_all_columns(table: InputTable, rows: str) -> str:
    return f"(FROM {_no_rows(table)} UNION ALL BY NAME FROM {rows})"


def _no_rows(table: InputTable) -> str:
    columns = ", ".join(f'NULL::{column.sql_type} AS "{column.field}"' for column in table.columns)
    return f"(SELECT {columns} WHERE false)"

"""Small governed tables made in a test, written as a snapshot holds them."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import duckdb

from query_engine.catalogue import Column, GovernedTable, Value

Row = Mapping[str, Value | None]

_TYPES = {"category": "VARCHAR", "integer": "INTEGER", "boolean": "BOOLEAN"}


def write_table(path: Path, table: GovernedTable, columns: Sequence[str], rows: Sequence[Row]) -> Path:
    """Write rows as Parquet with the types of the catalogue. A column that a row leaves out is missing there."""
    declared = ", ".join(f"{name} {_type(table.columns[name])}" for name in columns)
    writer = _writer()
    writer.execute(f"CREATE OR REPLACE TABLE written ({declared})")
    if rows:
        places = ", ".join(["(" + ", ".join("?" for _ in columns) + ")"] * len(rows))
        writer.execute(f"INSERT INTO written VALUES {places}", [row.get(name) for row in rows for name in columns])
    writer.execute("COPY written TO ? (FORMAT parquet)", [str(path)])
    return path


@cache
def _writer() -> duckdb.DuckDBPyConnection:
    """One connection for all the tests: opening another takes longer than writing a small table."""
    return duckdb.connect(":memory:", config={"threads": 1})


def _type(column: Column) -> str:
    return _TYPES.get(column.type) or f"DECIMAL(9, {column.scale})"

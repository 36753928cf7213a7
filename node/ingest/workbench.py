"""The private DuckDB a load is done in: in memory, spilling only into the load's own scratch directory."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from node.ingest.formats import InputTable, load_formats
from node.ingest.tokens import token_prefix
from node.upn import LETTERS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ACCOUNTING = "file INTEGER, record BIGINT, fingerprint UBIGINT, broken UBIGINT"
"""What every row being read carries: where it stands, a hash of what is written there where its table has no key, and a
bit for each rule that it breaks by itself."""


@contextmanager
def open_workbench(scratch: Path, *, token_key: bytes, today: date) -> Iterator[DuckDBPyConnection]:
    """A connection with the macros, the empty input tables, and the variables that the SQL files use."""
    import duckdb

    settings: dict[str, str | bool | int | float | list[str]] = {
        "temp_directory": str(scratch),
        "memory_limit": "700MB",
        "threads": min(2, len(os.sched_getaffinity(0))),
        "enable_external_file_cache": False,  # Each file is read once.
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    with duckdb.connect(":memory:", config=settings) as connection:
        connection.execute("SET enable_progress_bar = false")  # It would be printed among the results.
        connection.execute(Path(__file__).with_name("macros.sql").read_text(encoding="utf-8"))
        variables = {"token_prefix": token_prefix(token_key), "today": today, "upn_letters": LETTERS}
        for name, value in variables.items():
            connection.execute(f"SET VARIABLE {name} = $value", {"value": value})
        connection.execute("CREATE TABLE findings (file INTEGER, record BIGINT, rule VARCHAR)")
        clear_readings(connection, load_formats().values())
        yield connection


def clear_readings(connection: DuckDBPyConnection, tables: Iterable[InputTable]) -> None:
    """Make input tables empty: before any file is read, and again when what was accepted has been kept."""
    for table in tables:
        connection.execute(f"CREATE OR REPLACE TABLE {table.reading} ({ACCOUNTING}, {_columns(table)})")


def _columns(table: InputTable) -> str:
    declared = {f'"{column.field}"': column.reading_type for column in table.columns}
    if table.period is not None:
        declared["period"] = "VARCHAR"
    return ", ".join(f"{name} {sql_type}" for name, sql_type in declared.items())

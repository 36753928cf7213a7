"""DuckDB as a locked-down engine: it can read the governed tables of one snapshot, and do nothing else.

The settings are made in an order that matters: limits first; then the only files it may open; then no other access,
no extensions and no further settings, none of which can be undone. What an attacker could do with SQL of their own is
bounded in the same way as what a plan can do, though no text but a rendered plan is ever run here.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, Self

import duckdb
from sqlglot import exp

from query_engine.catalogue import load_catalogue
from query_engine.engines import EngineFailed
from query_engine.engines.cells import fill_cells
from query_engine.planning.plan import QueryPlan
from query_engine.rendering.plans import render_plan
from query_engine.tables import RawTable


class DuckDBEngine:
    """Runs plans over Parquet files, one for each governed table; a context manager, safe to share by threads.

    `memory_limit` is in DuckDB's spelling, such as `512MB`; `seconds` bounds each run. Plans run one at a time, since
    DuckDB's time limit belongs to a connection and a locked one cannot pass it on to a second. With `among`, the rows
    of these children alone are there, by their tokens.
    """

    def __init__(
        self,
        tables: Mapping[str, Path],
        *,
        memory_limit: str = "512MB",
        threads: int = 1,
        seconds: float = 30,
        among: Sequence[str] | None = None,
    ) -> None:
        self._seconds = seconds
        self._turn = Lock()
        self._connection = duckdb.connect(":memory:")
        try:
            if among is not None:
                self._connection.execute(AMONG, {"tokens": list(among)})
            for statement in _lockdown(tables, memory_limit, threads, seconds, among is not None):
                self._connection.execute(statement)
        except duckdb.Error as error:
            self._connection.close()
            raise EngineFailed(
                f"DuckDB could not be opened on the snapshot ({type(error).__name__}): "
                "check that its files are there and whole, and load again if they are not."
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the files and the memory."""
        self._connection.close()

    def run(self, plan: QueryPlan) -> RawTable:
        """The exact figures of the plan. Raises `EngineFailed`."""
        rows = self.fetch(render_plan(plan, "duckdb"))
        return fill_cells(plan, rows)

    def fetch(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a rendered plan or of a measurement's SQL, never of an asker's text. Raises `EngineFailed`."""
        try:
            with self._turn:
                return self._connection.execute(sql).fetchall()
        except duckdb.InterruptException:
            raise EngineFailed(f"The plan did not finish within {self._seconds:g} seconds.") from None
        except duckdb.OutOfMemoryException:
            raise EngineFailed("The plan needs more memory than the engine is given.") from None
        except duckdb.Error as error:
            raise EngineFailed(f"DuckDB could not run the plan ({type(error).__name__}).") from None


AMONG = "CREATE TABLE among AS SELECT unnest($tokens::VARCHAR[]) AS token"


def _lockdown(tables: Mapping[str, Path], memory_limit: str, threads: int, seconds: float, among: bool) -> list[str]:
    """The statements that shut the engine in, in their order."""
    files = ", ".join(_text(str(path)) for path in tables.values())
    views = [
        f"CREATE VIEW {_name(table)} AS SELECT * FROM read_parquet({_text(str(path))}){_among(table, among)}"  # noqa: S608
        for table, path in tables.items()
    ]
    return [
        "SET temp_directory = ''",
        "SET enable_external_file_cache = false",
        f"SET memory_limit = {_text(memory_limit)}",
        f"SET threads = {int(threads)}",
        f"SET allowed_paths = [{files}]",
        f"SET max_execution_time = {max(1, round(seconds * 1000))}",
        "SET autoinstall_known_extensions = false",
        "SET autoload_known_extensions = false",
        "SET enable_external_access = false",
        *views,
        "SET lock_configuration = true",
    ]


def _among(table: str, among: bool) -> str:
    """The condition that leaves the rows of some children alone."""
    if not among:
        return ""
    key = load_catalogue().table(table).child_key
    return f" WHERE {_name(key)} IN (SELECT token FROM among)"  # noqa: S608 - a name of the catalogue


def _text(value: str) -> str:
    return exp.Literal.string(value).sql(dialect="duckdb")


def _name(value: str) -> str:
    return exp.to_identifier(value, quoted=True).sql(dialect="duckdb")

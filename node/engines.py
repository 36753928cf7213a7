"""The engine that an authority runs its plans on, by the address in its rules.

DuckDB and Spark read the snapshot's files where they are. A PostgreSQL server is asked about a copy, one for each
snapshot, which the node makes when it first needs it and removes when the snapshot is destroyed. An engine's own
modules are imported when it is the one.

An engine of DuckDB is kept open between questions, since opening it takes longer than an answer. It holds no rows in
between: files are read for each plan, so that a snapshot which was destroyed is gone from memory too.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from node.rules import EngineRules
from node.service import Node
from node.snapshots import Snapshot
from query_engine.catalogue import load_catalogue
from query_engine.engines import Engine, EngineFailed, EngineUnavailable

if TYPE_CHECKING:
    from query_engine.engines.duckdb import DuckDBEngine

SPARK_HERE = "spark:"
"""Before the name of a local master: `spark:local[2]` is Spark within the node's own process."""


MOST_KEPT = 32
"""How many engines are kept open, one for each snapshot that a process's nodes answer from: some 4 MiB each."""

Files = tuple[tuple[str, Path], ...]


def open_engine(node: Node, snapshot: Snapshot) -> AbstractContextManager[Engine]:
    """The engine of the node's rules, on a snapshot. Raises `EngineUnavailable` or `EngineFailed`."""
    rules = node.rules().engine
    try:
        if rules.on_postgres:
            return _open_postgres(rules, name_copy(node, snapshot.id), snapshot)
        if rules.url.startswith(SPARK_HERE):
            from query_engine.engines.spark import SparkEngine

            master = rules.url if "://" in rules.url else rules.url.removeprefix(SPARK_HERE)
            return SparkEngine(snapshot.tables, master=master)
    except ModuleNotFoundError as missing:
        raise EngineUnavailable(f"{missing.name} is not installed, and the engine of the rules needs it.") from None
    return _lend_duckdb(tuple(snapshot.tables.items()))


@contextmanager
def _lend_duckdb(files: Files) -> Iterator[Engine]:
    """Lend an engine that is kept; after a failure it is opened anew, since nobody knows what state it is in."""
    try:
        yield _keep_duckdb(files)
    except EngineFailed:
        _keep_duckdb.cache_clear()
        raise


@lru_cache(maxsize=MOST_KEPT)
def _keep_duckdb(files: Files) -> "DuckDBEngine":
    from query_engine.engines.duckdb import DuckDBEngine

    return DuckDBEngine(dict(files))


def forget_snapshot(node: Node, identifier: str) -> None:
    """Remove the copy of a snapshot from the server of the node's rules, if it has one.

    Raises `EngineUnavailable`.
    """
    rules = node.rules().engine
    if rules.on_postgres:
        from query_engine.engines.postgres_copies import drop_copy

        drop_copy(rules.loader, name_copy(node, identifier))


def name_copy(node: Node, identifier: str) -> str:
    """The schema of a snapshot's copy; nodes of several authorities may share a server."""
    return f"circe_{node.authority}_{identifier}"


def _open_postgres(rules: EngineRules, schema: str, snapshot: Snapshot) -> AbstractContextManager[Engine]:
    from query_engine.engines.postgres import PostgresEngine
    from query_engine.engines.postgres_copies import copy_tables, find_copy

    reader, found = find_copy(rules.url, schema)
    if not found:
        copy_tables(rules.loader, snapshot.tables, schema=schema, reader=reader, catalogue=load_catalogue())
    return PostgresEngine(rules.url, schema=schema)

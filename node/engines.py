"""The engine that an authority runs its plans on, by the address in its rules.

DuckDB and Spark read the snapshot's files where they are. A PostgreSQL server is asked about a copy, one for each
snapshot, which the node makes when it first needs it and removes when the snapshot is destroyed. An engine's own
modules are imported when it is the one.
"""

from contextlib import AbstractContextManager

from node.rules import EngineRules
from node.service import Node
from node.snapshots import Snapshot
from query_engine.catalogue import load_catalogue
from query_engine.engines import Engine, EngineUnavailable

SPARK_HERE = "spark:"
"""Before the name of a local master: `spark:local[2]` is Spark within the node's own process."""


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
    from query_engine.engines.duckdb import DuckDBEngine

    return DuckDBEngine(snapshot.tables)


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

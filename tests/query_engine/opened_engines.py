"""The three engines, each opened on the same Parquet files."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import pytest

from query_engine.catalogue import Catalogue, load_catalogue
from query_engine.engines import Engine
from tests.postgres_server import LOADER, READER, PostgresServer

ENGINES = ("duckdb", "postgresql", "spark")


class Opened(Engine, Protocol):
    """An engine with what the tests reach behind its front: the way by which rendered SQL is run."""

    def fetch(self, sql: str) -> list[tuple[Any, ...]]: ...

    def close(self) -> None: ...


Opener = Callable[..., AbstractContextManager[Opened]]
"""`opener(tables, seconds=30, catalogue=...)`: an engine on those files."""


def opener_of(name: str, request: pytest.FixtureRequest) -> Opener:
    """How to open the engine of that name; skips the test where it cannot be."""
    match name:
        case "duckdb":
            return open_duckdb
        case "postgresql":
            return open_postgres(request.getfixturevalue("postgres"))
        case _:
            request.getfixturevalue("spark")
            return open_spark


@contextmanager
def open_duckdb(
    tables: Mapping[str, Path], seconds: float = 30, catalogue: Catalogue | None = None
) -> Iterator[Opened]:
    """DuckDB, which reads the files."""
    from query_engine.engines.duckdb import DuckDBEngine

    with DuckDBEngine(tables, seconds=seconds) as engine:
        yield engine


@contextmanager
def open_spark(
    tables: Mapping[str, Path], seconds: float = 120, catalogue: Catalogue | None = None
) -> Iterator[Opened]:
    """Spark, which reads the files."""
    from query_engine.engines.spark import SparkEngine

    with SparkEngine(tables, seconds=seconds) as engine:
        yield engine


def open_postgres(server: PostgresServer) -> Opener:
    """PostgreSQL, on a copy of the files in a schema of its own, which goes afterwards."""
    from query_engine.engines.postgres import PostgresEngine
    from query_engine.engines.postgres_copies import copy_tables, drop_copy

    @contextmanager
    def opener(tables: Mapping[str, Path], seconds: float = 30, catalogue: Catalogue | None = None) -> Iterator[Opened]:
        schema = f"a copy of {uuid4()}"
        copy_tables(server.url(LOADER), tables, schema=schema, reader=READER, catalogue=catalogue or load_catalogue())
        try:
            with PostgresEngine(server.url(), schema=schema, seconds=seconds) as engine:
                yield engine
        finally:
            drop_copy(server.url(LOADER), schema)

    return opener

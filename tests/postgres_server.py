"""A real PostgreSQL server of the tests' own: in a temporary directory, on a unix socket alone, gone afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hub.bench.own_postgres import DATABASE, LOADER, READER, PostgresServer, find_programs, own_server

__all__ = ["DATABASE", "LOADER", "READER", "PostgresServer", "running_server"]


@contextmanager
def running_server() -> Iterator[PostgresServer]:
    """A server that is up, with its roles made. Skips the test where PostgreSQL or psycopg is not installed."""
    pytest.importorskip("psycopg", reason="psycopg is not installed (extra postgres)")
    if find_programs() is None:
        pytest.skip("PostgreSQL is not installed (Debian package postgresql)")
    with own_server() as server:
        yield server

"""A connection to PostgreSQL that is used as one to SQLite is, for a party that keeps its log there.

Statements are those of SQLite with `?` or `:name` for values, and values are never put into their text.
"""

import re
import secrets
import select
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from audit.connection import DatabaseUnavailable

CONNECT_SECONDS = 10
"""How long a server may take to let us in."""

UNANSWERED_SECONDS = 30
"""How long a server may leave what was sent to it unacknowledged before the connection counts as lost."""

_VALUE = re.compile(r"%|\?|(?<!:):([a-z_]+)")


class Row(tuple[Any, ...]):
    """A row whose columns are found by position or name."""

    __slots__ = ()
    names: dict[str, int]

    def __getitem__(self, key: Any, /) -> Any:
        return super().__getitem__(self.names[key] if isinstance(key, str) else key)

    def keys(self) -> Iterable[str]:
        """Return the names of the columns."""
        return self.names.keys()


def _make_rows(cursor: psycopg.Cursor[Any]) -> Any:
    return _row_kind(tuple(column.name for column in cursor.description or ()))


@lru_cache(512)
def _row_kind(names: tuple[str, ...]) -> type[Row]:
    return type("Row", (Row,), {"__slots__": (), "names": {name: place for place, name in enumerate(names)}})


class PostgresConnection:
    """One connection, in autocommit until a BEGIN."""

    OperationalError = psycopg.OperationalError
    DatabaseError = psycopg.DatabaseError

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._connection.info.transaction_status != TransactionStatus.IDLE

    @property
    def is_lost(self) -> bool:
        """Whether the connection is of no use any more: closed here, or by the server while nobody used it.

        A server has nothing to say to a connection that lies idle, but that it has ended.
        """
        return self._connection.closed or bool(select.select([self._connection.fileno()], [], [], 0)[0])

    def execute(self, statement: str, parameters: Any = (), /) -> psycopg.Cursor[Any]:
        """Run one statement."""
        return self._connection.execute(translate(statement), parameters or None)

    def executemany(self, statement: str, parameters: Iterable[Any], /) -> psycopg.Cursor[Any]:
        """Run one statement for each set of values."""
        every = list(parameters)
        if len(every) == 1:  # Which takes one exchange with the server in place of several.
            return self.execute(statement, every[0])
        cursor = self._connection.cursor()
        cursor.executemany(translate(statement), every)
        return cursor

    def stream(self, statement: str, /) -> Iterator[Any]:
        """Yield the rows of a query as the server hands them over, some thousands at a time, inside a transaction."""
        with self._connection.cursor(f"stream_{secrets.token_hex(8)}") as cursor:
            yield from cursor.execute(translate(statement))

    def rollback(self) -> None:
        """End the transaction and keep nothing of it."""
        self._connection.rollback()

    def await_notices(self, seconds: float) -> Sequence[str]:
        """Return what other connections announce on channels that this one listens to, within so many seconds."""
        return [notice.payload for notice in self._connection.notifies(timeout=seconds, stop_after=1)]

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@lru_cache(512)
def translate(statement: str) -> bytes:
    """Return a statement with places for values as PostgreSQL's driver marks them.

    A statement without values is sent as it is, and needs no mark for a percent sign.
    """

    def mark(found: re.Match[str]) -> str:
        if found[0] == "%":
            return "%%"
        return f"%({found[1]})s" if found[1] else "%s"

    marked = _VALUE.sub(mark, statement)
    return (marked if "%s" in marked or "%(" in marked else statement).encode()


def connect(url: str) -> PostgresConnection:
    """Connect to a server by its libpq address. Raises `DatabaseUnavailable`."""
    try:
        connection = psycopg.connect(
            url,
            autocommit=True,
            client_encoding="utf-8",
            connect_timeout=CONNECT_SECONDS,
            tcp_user_timeout=UNANSWERED_SECONDS * 1000,
            row_factory=_make_rows,
        )
    except psycopg.Error as error:
        raise DatabaseUnavailable(
            f"the PostgreSQL server does not let us in ({type(error).__name__}): check that it runs, and its address"
        ) from None
    return PostgresConnection(connection)

"""A connection to the database that holds a log, whichever it is: what SQLite's own offers, and no more.

Statements are written once, in SQL that both databases read, with `?` or `:name` for values; rows are read by position
or by name. `in_transaction` tells whether what is written now is kept with what was written before.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Protocol


class DatabaseUnavailable(Exception):
    """The server with the database does not let us in. The text does not repeat its address, nor a password in it."""


class Row(Protocol):
    """One row of an answer."""

    def __getitem__(self, key: Any, /) -> Any:
        """Return a column by its position or its name."""

    def __iter__(self) -> Iterator[Any]:
        """Yield the values in order."""

    def keys(self) -> Iterable[str]:
        """Return the names of the columns."""


class Cursor(Protocol):
    """The answer to one statement."""

    @property
    def rowcount(self) -> int:
        """How many rows were written."""

    def fetchone(self) -> Any:
        """Return the next row, or None."""

    def fetchall(self) -> list[Any]:
        """Return all rows that are left."""

    def __iter__(self) -> Iterator[Any]:
        """Yield the rows that are left."""


class Connection(Protocol):
    """A connection that one thread uses at a time."""

    @property
    def OperationalError(self) -> type[Exception]:  # noqa: N802 - so it is called in both
        """What is raised where the database cannot do what it is asked."""

    @property
    def DatabaseError(self) -> type[Exception]:  # noqa: N802
        """What is raised where anything is wrong with the database."""

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""

    def execute(self, statement: str, parameters: Any = ..., /) -> Cursor:
        """Run one statement."""

    def executemany(self, statement: str, parameters: Iterable[Any], /) -> Cursor:
        """Run one statement for each set of values."""

    def rollback(self) -> None:
        """End the transaction and keep nothing of it."""

    def close(self) -> None:
        """Close the connection."""

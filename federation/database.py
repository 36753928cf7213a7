"""A party's database: ledger, inbox and audit log, and the one kind of transaction on it.

Whatever a party does is recorded in the same transaction as what it spends or changes by doing it, so a crash leaves
both or neither. Writers take turns, whoever they are, so that what one reads in its transaction stays true until it
commits.

It is one SQLite file in the party's directory. A hub whose state several workers or machines share keeps it on a
PostgreSQL server instead (federation/postgres.py); statements are written once, in SQL that both understand.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from audit.connection import Connection, DatabaseUnavailable
from audit.log import AuditLog
from audit.state import ADDRESS_FILE, MISSING_DRIVER, check_address, read_address
from federation.state import Party, hold_directory, write_file

if TYPE_CHECKING:
    from federation.postgres import PostgresDatabase


@dataclass(frozen=True)
class LogSigner:
    """Signs a party's checkpoints with its log key, which is not rotated; the log is named after the member."""

    party: Party

    @property
    def name(self) -> str:
        """The key name in checkpoint signatures."""
        return self.party.member_id

    @property
    def public_key(self) -> bytes:
        """The key by which checkpoints are verified."""
        return self.party.keys.public_log_key

    def sign(self, message: bytes, /) -> bytes:
        """Return the Ed25519 signature of `message`."""
        return self.party.keys.sign_log(message)


BUSY_SECONDS = 30
"""How long a writer waits for another before it gives up."""

ERASING_SECONDS = 1
"""How long erasing waits for readers; writers wait meanwhile."""


class Database(Protocol):
    """The database of one party, with its audit log inside."""

    @property
    def log(self) -> AuditLog:
        """The party's audit log, to which acts are recorded in the transaction that does them."""

    @property
    def connection(self) -> Connection:
        """A connection for reading; inside a transaction of this thread, that transaction's own."""

    def transaction(self, *, durable: bool = True) -> AbstractContextManager[Connection]:
        """Open a write transaction; what is read inside it stays true until it commits.

        One that need not be `durable` waits for no disk: until one that is follows it, a power cut may undo it whole.
        """

    def erase_deleted(self) -> None:
        """Leave no copy of what was deleted, as far as the database can."""

    def close(self) -> None:
        """Close what this thread has open."""


class SqliteDatabase:
    """The database in one SQLite file. Every thread has a connection of its own."""

    def __init__(self, path: Path, schema: str, log: AuditLog) -> None:
        self.path, self.log = path, log
        self._local, self._turn = threading.local(), threading.Lock()
        path.touch(mode=0o600, exist_ok=True)
        # One at a time: where two make the file at once, SQLite fails the one that comes second to WAL without waiting.
        with hold_directory(path.parent), self.transaction() as connection:
            for statement in filter(str.strip, schema.split(";")):
                connection.execute(statement)
            log.create(connection)

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection, for reading."""
        if not hasattr(self._local, "connection"):
            self._local.connection = self._open()
        connection: sqlite3.Connection = self._local.connection
        return connection

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")
        # Eight MiB: with the usual two, a transaction of thousands of entries writes its pages more than once.
        connection.execute("PRAGMA cache_size = -8192")
        return connection

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """Open a write transaction at once, so that what is read inside it stays true until it commits."""
        connection = self.connection
        if connection.in_transaction:
            raise sqlite3.ProgrammingError("a transaction is open on this thread already: use its connection")
        # SQLite has whoever waits for its lock sleep and look again; threads of one process wake each other.
        with self._turn:
            try:
                connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                # Also when COMMIT itself fails; SQLite may have rolled back of its own accord by then.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def erase_deleted(self) -> None:
        """Empty the write-ahead log, where older copies of what was deleted lie; the tables hold zeros in its place.

        Somebody who reads for long is not waited for: the next call empties the log then.
        """
        self.connection.execute(f"PRAGMA busy_timeout = {ERASING_SECONDS * 1000}")
        try:
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            self.connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")

    def close(self) -> None:
        """Close this thread's connection."""
        if hasattr(self._local, "connection"):
            self._local.connection.close()
            del self._local.connection


def open_database(party: Party, *schemas: Path) -> SqliteDatabase:
    """Open a party's own file, made at need of the tables in `schemas` and those of its audit log."""
    return SqliteDatabase(party.database, _read_schemas(schemas), AuditLog(party.member_id, LogSigner(party)))


def _read_schemas(schemas: tuple[Path, ...]) -> str:
    return ";\n".join(path.read_text() for path in schemas)


def keep_address(directory: Path, address: str) -> None:
    """Note on which PostgreSQL server a party's database is, for its owner alone to read. Raises `LogUnreadable`."""
    check_address(address, "--database")
    write_file(directory / ADDRESS_FILE, f"{address}\n".encode())


def open_shared_database(party: Party, *schemas: Path) -> "SqliteDatabase | PostgresDatabase":
    """Open a party's database where its directory says that it is: on a PostgreSQL server, or else in its own file.

    Raises `DatabaseUnavailable` where the server does not let us in, and `LogUnreadable` where its address is damaged.
    """
    address = read_address(party.directory)
    if not address:
        return open_database(party, *schemas)
    try:
        from federation.postgres import PostgresDatabase
    except ImportError:
        raise DatabaseUnavailable(MISSING_DRIVER) from None
    return PostgresDatabase(address, _read_schemas(schemas), AuditLog(party.member_id, LogSigner(party)))


def copy_database(source: Path, target: Path) -> None:
    """Copy a database file as it is at one moment, while others write to it: SQLite's online backup."""
    with closing(sqlite3.connect(source)) as opened, closing(sqlite3.connect(target)) as copy:
        opened.backup(copy)


def stamp(moment: datetime) -> str:
    """Return a moment as databases keep it, in UTC to the second; texts compare as the moments do."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

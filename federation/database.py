"""A party's database: one SQLite file for ledger, inbox and audit log, and the one kind of transaction on it.

Whatever a party does is recorded in the same transaction as what it spends or changes by doing it, so a crash leaves
both or neither. Every thread has a connection of its own.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from audit.log import AuditLog
from federation.state import Party, hold_directory


@dataclass(frozen=True)
class LogSigner:
    """Signs a party's checkpoints with its member key; the log is named after the member."""

    party: Party

    @property
    def name(self) -> str:
        """The key name in checkpoint signatures."""
        return self.party.member_id

    @property
    def public_key(self) -> bytes:
        """The key by which checkpoints are verified."""
        return self.party.keys.public_signing_key

    def sign(self, message: bytes, /) -> bytes:
        """Return the Ed25519 signature of `message`."""
        return self.party.keys.sign(message)


BUSY_SECONDS = 30
"""How long a writer waits for another before it gives up."""

ERASING_SECONDS = 1
"""How long erasing waits for readers; writers wait meanwhile."""


class Database:
    """The database of one party, with its audit log inside."""

    def __init__(self, path: Path, schema: str, log: AuditLog) -> None:
        self.path, self.log = path, log
        self._local = threading.local()
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
        return connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Open a write transaction at once, so that what is read inside it stays true until it commits."""
        connection = self.connection
        if connection.in_transaction:
            raise sqlite3.ProgrammingError("a transaction is open on this thread already: use its connection")
        try:
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


def open_database(party: Party, *schemas: Path) -> Database:
    """Open a party's database, made at need of the tables in `schemas` and those of its audit log."""
    schema = ";\n".join(path.read_text() for path in schemas)
    return Database(party.database, schema, AuditLog(party.member_id, LogSigner(party)))


def stamp(moment: datetime) -> str:
    """Return a moment as databases keep it, in UTC to the second; texts compare as the moments do."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

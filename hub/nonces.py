"""Which signed requests have been made: each counts once, also after the hub was restarted.

Every request at the doors comes by here, so remembering one must cost less than anything else that is done with it. It
waits for nobody who writes to the hub's database, and not for the disk either: a hub of one worker has a small file
beside, and one of several workers a table of its own that is written at once. After a power cut the last seconds may be
forgotten; whoever recorded a request through TLS could make that one again, and everything that a member can ask for
counts once by itself.
"""

import sqlite3
import threading
from abc import ABC, abstractmethod
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from federation.http_signatures import MAX_AGE
from federation.problems import ProblemRaised

if TYPE_CHECKING:
    from federation.postgres import PostgresDatabase

NONCES_FILE = "nonces.db"

FORGET_EVERY = timedelta(minutes=1)
"""How often those are forgotten whose requests have run out."""

_TABLE = "CREATE TABLE IF NOT EXISTS nonces (nonce TEXT PRIMARY KEY, expires_at BIGINT NOT NULL)"
_ADD = "INSERT INTO nonces VALUES (?, ?) ON CONFLICT DO NOTHING"
_FORGET = "DELETE FROM nonces WHERE expires_at <= ?"

_MEMORY = 2 * MAX_AGE + timedelta(seconds=1)
"""How long a request can be accepted, from the earliest moment to the last."""


class Nonces(ABC):
    """The nonces of the requests that have been made lately."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._forget_at = 0.0

    def spend(self, nonce: str, now: datetime) -> None:
        """Remember a nonce for as long as its signature would be accepted. Raises a 401 problem the second time."""
        moment = now.timestamp()
        if self._is_time_to_forget(moment):
            self._forget(int(moment))
        if not self._add(nonce, int(moment + _MEMORY.total_seconds())):
            raise ProblemRaised(401, "replayed", "this request has been made already")

    def _is_time_to_forget(self, moment: float) -> bool:
        """Whether a minute is over; by a clock that was put back, too."""
        with self._lock:
            due = not self._forget_at - FORGET_EVERY.total_seconds() <= moment < self._forget_at
            if due:
                self._forget_at = moment + FORGET_EVERY.total_seconds()
        return due

    @abstractmethod
    def _forget(self, moment: int) -> None:
        """Forget what has run out by that moment."""

    @abstractmethod
    def _add(self, nonce: str, expires_at: int) -> bool:
        """Remember a nonce until then, and return whether it was new."""

    @abstractmethod
    def close(self) -> None:
        """Close what is open."""


class FileNonces(Nonces):
    """Remembers in a small SQLite file of its own."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        path = directory / NONCES_FILE
        path.touch(mode=0o600, exist_ok=True)
        # One connection for all threads, which take turns of some microseconds at it.
        self._turn = threading.Lock()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute(f"{_TABLE} WITHOUT ROWID")

    def _forget(self, moment: int) -> None:
        self._write(_FORGET, moment)

    def _add(self, nonce: str, expires_at: int) -> bool:
        return self._write(_ADD, nonce, expires_at) == 1

    def _write(self, statement: str, *values: str | int) -> int:
        with self._turn:
            return self._connection.execute(statement, values).rowcount

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


class SharedNonces(Nonces):
    """Remembers in a table of the database that the hub's workers share."""

    def __init__(self, database: "PostgresDatabase") -> None:
        super().__init__()
        self._database = database
        with database.transaction() as connection:
            connection.execute(_TABLE)

    def _forget(self, moment: int) -> None:
        self._database.write_hastily(_FORGET, (moment,))

    def _add(self, nonce: str, expires_at: int) -> bool:
        return self._database.write_hastily(_ADD, (nonce, expires_at)) == 1

    def close(self) -> None:
        """Leave it to the database."""

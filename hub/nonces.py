"""Which signed requests have been made: each counts once, also after the hub was restarted.

Every request at the doors comes by here, so remembering one must cost less than anything else that is done with it. It
has a small database of its own, which waits for nobody who writes to the hub's, and not for the disk either. After a
power cut the last few seconds may be forgotten; whoever recorded a request through TLS could make that one again, and
everything that a member can ask for counts once by itself.
"""

import sqlite3
import threading
from datetime import datetime, timedelta
from pathlib import Path

from federation.http_signatures import MAX_AGE
from federation.problems import ProblemRaised

NONCES_FILE = "nonces.db"

FORGET_EVERY = timedelta(minutes=1)
"""How often those are forgotten whose requests have run out."""

_MEMORY = 2 * MAX_AGE + timedelta(seconds=1)
"""How long a request can be accepted, from the earliest moment to the last."""


class Nonces:
    """The nonces of the requests that have been made lately."""

    def __init__(self, directory: Path) -> None:
        path = directory / NONCES_FILE
        path.touch(mode=0o600, exist_ok=True)
        # One connection for all threads, which take turns of some microseconds at it.
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS nonces (nonce TEXT PRIMARY KEY, expires_at INTEGER NOT NULL) WITHOUT ROWID"
        )
        self._forget_at = 0

    def spend(self, nonce: str, now: datetime) -> None:
        """Remember a nonce for as long as its signature would be accepted. Raises a 401 problem the second time."""
        moment = int(now.timestamp())
        with self._lock:
            self._forget(moment)
            row = (nonce, moment + int(_MEMORY.total_seconds()))
            added = self._connection.execute("INSERT INTO nonces VALUES (?, ?) ON CONFLICT DO NOTHING", row).rowcount
        if not added:
            raise ProblemRaised(401, "replayed", "this request has been made already")

    def _forget(self, moment: int) -> None:
        # A clock that was put back would otherwise leave everything in place until it comes by here again.
        if not self._forget_at - FORGET_EVERY.total_seconds() <= moment < self._forget_at:
            self._connection.execute("DELETE FROM nonces WHERE expires_at <= ?", (moment,))
            self._forget_at = moment + int(FORGET_EVERY.total_seconds())

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

"""Deliveries that nobody we know has signed, or that came before: each is counted, and so many are logged in an hour.

Anyone who speaks for the hub can make up such deliveries, and must not be able to fill this node's disk.
"""

import sqlite3
from datetime import datetime

from federation.database import stamp

MOST_LOGGED = 50
"""How many are logged in an hour; the rest are counted."""


def count_unapproved(connection: sqlite3.Connection, now: datetime) -> bool:
    """Count one more, inside the caller's transaction, and return whether it is to be logged."""
    hour = stamp(now)[:13]
    connection.execute("INSERT OR IGNORE INTO unapproved VALUES (?, 0)", (hour,))
    connection.execute("UPDATE unapproved SET deliveries = deliveries + 1 WHERE hour = ?", (hour,))
    (seen,) = connection.execute("SELECT deliveries FROM unapproved WHERE hour = ?", (hour,)).fetchone()
    return int(seen) <= MOST_LOGGED

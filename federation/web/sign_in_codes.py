"""Codes that sign somebody in once, kept by their hashes alone; whoever brings one is whom it was made for.

A code is good for a quarter of an hour. It is used up by whoever brings it, also where it turns out to be of no use.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit.connection import Connection
from federation.database import stamp
from federation.problems import ProblemRaised

CODE_LIFETIME = timedelta(minutes=15)
"""How long a code may lie unused."""


@dataclass(frozen=True)
class UsedCode:
    """A code that was just used up: whose it is, and whether it was too old."""

    owner: str
    is_stale: bool


def keep_code(connection: Connection, owner: str, now: datetime) -> str:
    """Make a code for somebody, and clear away those that nobody used in time. The code itself is not kept."""
    code = secrets.token_urlsafe(24)
    connection.execute("DELETE FROM sign_in_codes WHERE expires_at <= ?", (stamp(now),))
    row = (hash_code(code), owner, stamp(now + CODE_LIFETIME))
    connection.execute("INSERT INTO sign_in_codes VALUES (?, ?, ?)", row)
    return code


def take_code(connection: Connection, code: str, now: datetime) -> UsedCode | None:
    """Use a code up and say whose it is; None for one that was never made, or was used before."""
    digest = hash_code(code)
    row = connection.execute("SELECT * FROM sign_in_codes WHERE code_hash = ?", (digest,)).fetchone()
    connection.execute("DELETE FROM sign_in_codes WHERE code_hash = ?", (digest,))
    return None if row is None else UsedCode(row["member"], row["expires_at"] <= stamp(now))


def refuse_code() -> ProblemRaised:
    """Return what everybody is told whose code is of no use, whatever the reason."""
    return ProblemRaised(
        403, "code_unknown", "this sign-in link has been used, or is more than 15 minutes old: ask for another"
    )


def hash_code(code: str) -> str:
    """Return a code as the database keeps it. Codes are 24 random bytes, so a plain hash gives nothing away."""
    return hashlib.sha256(code.encode()).hexdigest()

"""Codes that sign somebody in once, kept by their hashes alone; whoever brings one is whom it was made for.

A code is good for a quarter of an hour. It is used up by whoever brings it, also where it turns out to be of no use.
Every code made, used or refused is in the audit log. A code that was never made names nobody, and is not logged, so
that a stranger cannot fill the log.
"""

import hashlib
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Protocol, TypeVar

from audit.connection import Connection, Row
from audit.event import Action, AuditEvent, Outcome
from federation.database import Database, stamp
from federation.hub_line import Clock
from federation.problems import ProblemRaised

Visitor = TypeVar("Visitor")

CODE_LIFETIME = timedelta(minutes=15)
"""How long a code may lie unused."""


class Doorkeeper(Protocol):
    """A party that people sign in at: the hub, or a node. It needs a table `sign_in_codes`."""

    @property
    def clock(self) -> Clock:
        """What time it is."""

    @property
    def database(self) -> Database:
        """Where codes and log are."""

    def event(self, action: Action, actor: str, reference: str, *, outcome: Outcome, **details: Any) -> AuditEvent:
        """Return an entry for the party's log, made now."""


def make_code(keeper: Doorkeeper, owner: str) -> str:
    """Make a code for somebody, and clear away those that nobody used in time. The code itself is not kept."""
    code, now = secrets.token_urlsafe(24), keeper.clock()
    with keeper.database.transaction() as connection:
        connection.execute("DELETE FROM sign_in_codes WHERE expires_at <= ?", (stamp(now),))
        row = (hash_code(code), owner, stamp(now + CODE_LIFETIME))
        connection.execute("INSERT INTO sign_in_codes VALUES (?, ?, ?)", row)
        event = keeper.event(Action.SIGNIN, owner, "", outcome=Outcome.INTENDED, link="made")
        keeper.database.log.append(connection, event)
    return code


def use_up(keeper: Doorkeeper, code: str, find: Callable[[str], Visitor | None]) -> Visitor:
    """Use a code up and return whoever it was made for, as they are found now. Raises a 403 problem."""
    with keeper.database.transaction() as connection:
        row = _take_code(connection, code)
        if row is None:
            raise _refusal()
        # Who has left since, and a code that is too old, are refused after the code has been used up.
        visitor = None if row["expires_at"] <= stamp(keeper.clock()) else find(row["member"])
        outcome = Outcome.REFUSED if visitor is None else Outcome.DONE
        event = keeper.event(Action.SIGNIN, row["member"], "", outcome=outcome, link="used")
        keeper.database.log.append(connection, event)
    if visitor is None:
        raise _refusal()
    return visitor


def _take_code(connection: Connection, code: str) -> Row | None:
    digest = hash_code(code)
    row: Row | None = connection.execute("SELECT * FROM sign_in_codes WHERE code_hash = ?", (digest,)).fetchone()
    connection.execute("DELETE FROM sign_in_codes WHERE code_hash = ?", (digest,))
    return row


def _refusal() -> ProblemRaised:
    """What everybody is told whose code is of no use, whatever the reason."""
    return ProblemRaised(
        403, "code_unknown", "this sign-in link has been used, or is more than 15 minutes old: ask for another"
    )


def hash_code(code: str) -> str:
    """Return a code as the database keeps it. Codes are 24 random bytes, so a plain hash gives nothing away."""
    return hashlib.sha256(code.encode()).hexdigest()

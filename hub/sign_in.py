"""Signing in at the hub: a one-time code for a registered member, made on the hub's own machine.

A code is good once and for a quarter of an hour, and the hub keeps only its hash. Whoever brings it is the member it
was made for; every code made, used or refused is in the audit log. A code that was never made names nobody, and is
not logged, so that a stranger cannot fill the log.
"""

import hashlib
import secrets
from datetime import timedelta

from audit.connection import Connection, Row
from audit.event import Action, Outcome
from federation.database import stamp
from federation.problems import ProblemRaised
from federation.register import Member, MemberKind, RegisterError
from hub.service import Hub

CODE_LIFETIME = timedelta(minutes=15)
"""How long a code may lie unused."""

VISITING_KINDS = frozenset(MemberKind) - {MemberKind.NODE, MemberKind.WITNESS}
"""Members who visit the hub's pages: people, and the hub's own operator. Machines have no use for pages."""


def issue_code(hub: Hub, member_id: str) -> str:
    """Make a code with which a member can sign in once. Raises `RegisterError` for one who cannot visit pages."""
    now = hub.clock()
    member = hub.register().find(member_id, now)
    if member.kind not in VISITING_KINDS:
        raise RegisterError(f"{member_id} is a {member.kind}, which does not visit pages")
    code = secrets.token_urlsafe(24)
    with hub.database.transaction() as connection:
        connection.execute("DELETE FROM sign_in_codes WHERE expires_at <= ?", (stamp(now),))
        row = (hash_code(code), member.id, stamp(now + CODE_LIFETIME))
        connection.execute("INSERT INTO sign_in_codes VALUES (?, ?, ?)", row)
        event = hub.event(Action.SIGNIN, member.id, "", outcome=Outcome.INTENDED, link="made")
        hub.database.log.append(connection, event)
    return code


def use_code(hub: Hub, code: str) -> Member:
    """Use up a code and return the member who has signed in with it. Raises a 403 problem."""
    with hub.database.transaction() as connection:
        row = _take_code(connection, code)
        if row is None:
            raise _refusal()
        # A member who was revoked since, and a code that is too old, are refused after the code has been used up.
        member = _find_owner(hub, row)
        outcome = Outcome.REFUSED if member is None else Outcome.DONE
        hub.database.log.append(connection, hub.event(Action.SIGNIN, row["member"], "", outcome=outcome, link="used"))
    if member is None:
        raise _refusal()
    return member


def _take_code(connection: Connection, code: str) -> Row | None:
    row: Row | None = connection.execute(
        "SELECT * FROM sign_in_codes WHERE code_hash = ?", (hash_code(code),)
    ).fetchone()
    connection.execute("DELETE FROM sign_in_codes WHERE code_hash = ?", (hash_code(code),))
    return row


def _find_owner(hub: Hub, row: Row) -> Member | None:
    register, now = hub.register(), hub.clock()
    if row["expires_at"] <= stamp(now):
        return None
    try:
        return register.find(row["member"], now)
    except RegisterError:
        return None


def _refusal() -> ProblemRaised:
    return ProblemRaised(
        403, "code_unknown", "this sign-in link has been used, or is more than 15 minutes old: ask for another"
    )


def hash_code(code: str) -> str:
    """Return a code as the database keeps it. Codes are 24 random bytes, so a plain hash gives nothing away."""
    return hashlib.sha256(code.encode()).hexdigest()

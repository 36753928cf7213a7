"""Notices to our information governance officer: what happened in lookups that somebody has to look at afterwards.

A notice tells of an act and of whose it was, never of a child. It is written in the transaction of the log's entry, and
stays on the officer's page until they have reviewed it and said what they found.
"""

import secrets
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from audit.event import Action, AuditEvent, EventInvalid
from federation.database import stamp
from federation.explained import Explained
from federation.state import StateError
from node.people import Person
from node.service import Node

MOST_LISTED = 200
"""How many are shown, the open ones first and the newest first."""


class NoticeKind(Explained):
    """What a notice is about, and in plain English."""

    MASS_LOOKUP = "mass_lookup", "An authority sought more single children here in a day than our rules allow."
    TOO_MANY_LOOKUPS = "too_many_lookups", "One of our own people looked up more in an hour than our rules allow."
    EMERGENCY_HERE = "emergency_here", "Somebody of another authority asked us for emergency access to one child."
    EMERGENCY_BY_US = "emergency_by_us", "One of our own people asked another authority for emergency access."
    SOUGHT_AS_THEIRS = "sought_as_theirs", "An authority sought as its own, on our rolls, a child who is in our care."
    WRONG_ANSWER = "wrong_answer", "Another node answered a lookup of ours with something else than was asked."


_KINDS = {kind.value: kind for kind in NoticeKind}


class ReviewOutcome(StrEnum):
    """What an officer found about a notice."""

    JUSTIFIED = "justified"
    NOT_JUSTIFIED = "not_justified"
    TAKEN_FURTHER = "taken_further"


@dataclass(frozen=True)
class Notice:
    """One notice as the officer sees it."""

    notice_id: str
    at: str
    kind: NoticeKind
    reference: str
    authority: str
    text: str
    reviewed_at: str
    reviewed_by: str
    outcome: str


def give_notice(
    connection: sqlite3.Connection, now: datetime, kind: NoticeKind, *, reference: str, authority: str, text: str
) -> None:
    """Put a notice on the officer's list, inside the caller's transaction."""
    row = (f"N-{secrets.token_hex(8)}", stamp(now), kind.value, reference, authority, text)
    connection.execute(
        "INSERT INTO notices (notice_id, at, kind, reference, authority, text) VALUES (?, ?, ?, ?, ?, ?)", row
    )


def list_notices(node: Node) -> tuple[Notice, ...]:
    """Return the officer's notices, the open ones first."""
    rows = node.database.connection.execute(
        """SELECT notice_id, at, kind, reference, authority, text, reviewed_at, reviewed_by, outcome FROM notices
           ORDER BY reviewed_at <> '', at DESC LIMIT ?""",
        (MOST_LISTED,),
    )
    return tuple(Notice(row[0], row[1], _KINDS[row[2]], *tuple(row)[3:]) for row in rows)


def count_open(node: Node) -> int:
    """Return how many notices nobody has reviewed yet."""
    (count,) = node.database.connection.execute("SELECT count(*) FROM notices WHERE reviewed_at = ''").fetchone()
    return int(count)


def review_notice(node: Node, officer: Person, notice_id: str, outcome: str, remark: str) -> None:
    """Enter what the officer found, once, in the list and in the log. Raises `StateError`."""
    if outcome not in frozenset(ReviewOutcome):
        raise StateError(f"say what you found: {', '.join(ReviewOutcome)}")
    event = _reviewed(node, officer, notice_id, outcome, remark)
    with node.database.transaction() as connection:
        done = connection.execute(
            "UPDATE notices SET reviewed_at = ?, reviewed_by = ?, outcome = ? WHERE notice_id = ? AND reviewed_at = ''",
            (stamp(node.clock()), officer.id, outcome, notice_id),
        )
        if done.rowcount != 1:
            raise StateError("there is no open notice of that number: it may have been reviewed already")
        node.database.log.append(connection, event)


def _reviewed(node: Node, officer: Person, notice_id: str, outcome: str, remark: str) -> AuditEvent:
    try:
        return node.event(
            Action.NOTICE_REVIEWED,
            f"{officer.id} ({officer.role})",
            notice_id[:32],
            acting_for=node.authority,
            purpose=remark,
            finding=outcome,
        )
    except EventInvalid as error:
        raise StateError(f"the remark cannot be logged: {error}") from None

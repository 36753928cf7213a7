"""Requests that our rules hold: each waits for one of our officers, and whoever asks again is told what was decided.

A request is held once, however often it is asked: the same person of the same authority, the same kind, the same child.
It is kept with whom it seeks until it has been decided, and its decision counts for a week; after two weeks nothing of
it is left but the log.
"""

import hashlib
import secrets
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from audit.event import Action, EventInvalid, Outcome
from federation.database import stamp
from federation.lookups import LookupRequest
from federation.state import StateError
from federation.wire import encode_document, reread_kept
from node.people import Person
from node.refusal import Refused
from node.service import Node
from policies.names import CHILD_RECORD, FieldGroup

COUNTS_FOR = timedelta(days=7)
"""How long a decision counts."""

KEPT_FOR = timedelta(days=14)
"""How long a request is kept, decided or not."""

_EACH_TIME_ANEW = frozenset({"lookup_id", "purpose", "asked_at"})
"""What differs between two requests for the same."""


class Held(Exception):
    """A request waits for an officer; the answer says so."""


HELD = Refused("held", "an officer of this authority decides about this request: ask again later, or call")
"""What whoever asked is told of it."""


@dataclass(frozen=True, repr=False)
class HeldRequest:
    """One request as our officers see it."""

    held_id: str
    sender: str
    request: LookupRequest
    held_at: str
    decided_at: str
    decided_by: str
    answered: bool
    reason: str
    withheld: frozenset[FieldGroup]


def name_question(request: LookupRequest) -> str:
    """Return the digest by which a request is known again: who asks, as what, and after whom."""
    known_by = [getattr(request, name) for name in LookupRequest.__struct_fields__ if name not in _EACH_TIME_ANEW]
    return hashlib.sha256(msgspec.json.encode(known_by)).hexdigest()


def check_decided(node: Node, request: LookupRequest) -> frozenset[FieldGroup]:
    """Return the groups of fields that an officer withheld from a request that they let through.

    Raises `Held` while nobody has decided, and `Refused` with the officer's reason.
    """
    row = node.database.connection.execute(
        "SELECT decided_at, answered, reason, withheld FROM held_lookups WHERE question = ? AND held_at > ?",
        (name_question(request), stamp(node.clock() - KEPT_FOR)),
    ).fetchone()
    if row is None or not row["decided_at"] or row["decided_at"] <= stamp(node.clock() - COUNTS_FOR):
        raise Held
    if not row["answered"]:
        raise Refused("officer_refused", row["reason"])
    return _read_groups(row["withheld"])


def hold_request(connection: sqlite3.Connection, request: LookupRequest, now: datetime) -> bool:
    """Keep a request for our officers, in the caller's transaction; return whether it is new to them."""
    connection.execute("DELETE FROM held_lookups WHERE held_at <= ?", (stamp(now - KEPT_FOR),))
    connection.execute(
        "DELETE FROM held_lookups WHERE decided_at <> '' AND decided_at <= ?", (stamp(now - COUNTS_FOR),)
    )
    row = (name_question(request), f"H-{secrets.token_hex(8)}", request.sender, encode_document(request), stamp(now))
    done = connection.execute(
        """INSERT INTO held_lookups (question, held_id, sender, request, held_at) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT DO NOTHING""",
        row,
    )
    return done.rowcount == 1


def list_held(node: Node) -> tuple[HeldRequest, ...]:
    """Return what is held, what waits for a decision first."""
    rows = node.database.connection.execute(
        "SELECT * FROM held_lookups WHERE held_at > ? ORDER BY decided_at <> '', held_at",
        (stamp(node.clock() - KEPT_FOR),),
    )
    return tuple(
        HeldRequest(
            held_id=row["held_id"],
            sender=row["sender"],
            request=reread_kept(bytes(row["request"]), LookupRequest),
            held_at=row["held_at"],
            decided_at=row["decided_at"],
            decided_by=row["decided_by"],
            answered=bool(row["answered"]),
            reason=row["reason"],
            withheld=_read_groups(row["withheld"]),
        )
        for row in rows
    )


def decide(
    node: Node, officer: Person, held_id: str, *, answer: bool, reason: str, withheld: Collection[str] = ()
) -> None:
    """Let a held request through when it is asked again, less some groups of fields, or refuse it with a reason.

    Raises `StateError` for one that is not waiting, and for a reason that is missing or that no log may keep.
    """
    groups = frozenset(withheld)
    if not groups <= frozenset(CHILD_RECORD):
        raise StateError(f"the groups of fields are: {', '.join(CHILD_RECORD)}")
    if not reason.strip():
        raise StateError("give a reason: it is logged, and told to whoever asked if you refuse")
    held = next((each for each in list_held(node) if each.held_id == held_id and not each.decided_at), None)
    if held is None:
        raise StateError("no such request waits: it may have been decided already")
    try:
        event = node.event(
            Action.LOOKUP_DECIDED,
            f"{officer.id} ({officer.role})",
            held.request.lookup_id,
            outcome=Outcome.DONE if answer else Outcome.REFUSED,
            acting_for=node.authority,
            purpose=reason,
            asked_by=held.request.authority,
            kind=held.request.kind.value,
            withheld=", ".join(sorted(groups)),
        )
    except EventInvalid as error:
        raise StateError(f"the reason cannot be logged: {error}") from None
    with node.database.transaction() as connection:
        done = connection.execute(
            """UPDATE held_lookups SET decided_at = ?, decided_by = ?, answered = ?, reason = ?, withheld = ?
               WHERE held_id = ? AND decided_at = ''""",
            (stamp(node.clock()), officer.id, answer, reason, ",".join(sorted(groups)), held_id),
        )
        if done.rowcount != 1:
            raise StateError("no such request waits: it may have been decided already")
        node.database.log.append(connection, event)


def _read_groups(text: str) -> frozenset[FieldGroup]:
    return frozenset(FieldGroup(word) for word in text.split(",") if word)

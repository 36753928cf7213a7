"""Legal holds: what is not deleted when its time is over, because a claim, an inquiry or a request may need it.

A hold covers entries of one child, by one person, of one query or lookup, or from one number to another. It is an
entry of the log, and so is its lifting; those two are all that there is of it, and neither is ever deleted. So a hold
cannot be taken away without a trace, nor be placed by whoever can write to a table.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from audit.connection import Connection
from audit.event import Action, AuditEvent, Detail, EventInvalid, parse_event
from audit.log import LogError, LogUnreadable, read_entries


@dataclass(frozen=True)
class Scope:
    """What a hold covers: just one of these. Raises `LogError` for none, several, or a range that is none."""

    subject: str = ""
    person: str = ""
    reference: str = ""
    first: int | None = None
    last: int | None = None

    def __post_init__(self) -> None:
        ranged = self.first is not None or self.last is not None
        if [bool(self.subject), bool(self.person), bool(self.reference), ranged].count(True) != 1:
            raise LogError("a hold is of one child, one person, one query or lookup, or one range of entries")
        if ranged and (self.first is None or self.last is None or not 0 <= self.first <= self.last):
            raise LogError("a range of entries goes from a number to the same or a later one")

    def covers(self, index: int, event: AuditEvent) -> bool:
        """Whether an entry is among them."""
        if self.first is not None and self.last is not None:
            return self.first <= index <= self.last
        if self.person:
            return is_by(event.actor, self.person)
        return event.subject == self.subject if self.subject else event.reference == self.reference

    def describe(self) -> str:
        """Say in words what is covered."""
        if self.first is not None:
            return f"entries {self.first} to {self.last}"
        if self.person:
            return f"what {self.person} did"
        return f"the child with the log token {self.subject}" if self.subject else f"what has the id {self.reference}"


@dataclass(frozen=True)
class Hold:
    """A hold that stands: its number, who placed it when and why, and what it covers."""

    hold_id: str
    placed_at: datetime
    placed_by: str
    reason: str
    scope: Scope

    def covers(self, index: int, event: AuditEvent) -> bool:
        """Whether an entry must stay."""
        return self.scope.covers(index, event)


def is_by(actor: str, person: str) -> bool:
    """Whether an actor of the log is a person: a node's log names people with their role, as in "vsh (virtual_...)"."""
    return actor == person or actor.partition(" (")[0] == person


def write_hold(scope: Scope, *, actor: str, reason: str, now: datetime) -> AuditEvent:
    """Return the entry that places a hold, under a number of its own. Raises `LogError` and `EventInvalid`."""
    if not reason.strip():
        raise LogError("say why the hold is placed: the claim, inquiry or request that it is for")
    parts = {"person": scope.person, "reference": scope.reference, "first": scope.first, "last": scope.last}
    details: dict[str, Detail] = {f"hold.{name}": value for name, value in parts.items() if value not in ("", None)}
    return AuditEvent(
        at=now,
        actor=actor,
        action=Action.HOLD_PLACED,
        purpose=reason,
        subject=scope.subject,
        reference=f"HOLD-{secrets.token_hex(8)}",
        details=details,
    )


def write_lifting(hold: Hold, *, actor: str, reason: str, now: datetime) -> AuditEvent:
    """Return the entry that lifts a hold. Raises `LogError` without a reason, and `EventInvalid`."""
    if not reason.strip():
        raise LogError("say why the hold is lifted")
    return AuditEvent(at=now, actor=actor, action=Action.HOLD_LIFTED, purpose=reason, reference=hold.hold_id)


def read_holds(connection: Connection) -> tuple[Hold, ...]:
    """Return the holds that stand, oldest first. Raises `LogUnreadable` where one cannot be read: then nothing goes."""
    lifted = {_read(entry.body).reference for entry in read_entries(connection, action=Action.HOLD_LIFTED)}
    placed = (_read(entry.body) for entry in read_entries(connection, action=Action.HOLD_PLACED))
    return tuple(_read_hold(event) for event in placed if event.reference not in lifted)[::-1]


def find_hold(holds: Iterable[Hold], hold_id: str) -> Hold:
    """Return the hold of that number. Raises `LogError` where none stands."""
    for hold in holds:
        if hold.hold_id == hold_id:
            return hold
    raise LogError("no hold of that number stands: it may have been lifted already")


def _read(body: bytes) -> AuditEvent:
    try:
        return parse_event(body)
    except EventInvalid:
        raise LogUnreadable("an entry about a legal hold is damaged: verify the log") from None


def _read_hold(event: AuditEvent) -> Hold:
    told = {name: event.details.get(f"hold.{name}") for name in ("person", "reference", "first", "last")}
    try:
        scope = Scope(
            subject=event.subject,
            person=str(told["person"] or ""),
            reference=str(told["reference"] or ""),
            first=None if told["first"] is None else int(told["first"]),
            last=None if told["last"] is None else int(told["last"]),
        )
    except (LogError, ValueError):
        raise LogUnreadable("an entry about a legal hold is damaged: verify the log") from None
    return Hold(event.reference, event.at, event.actor, event.purpose, scope)

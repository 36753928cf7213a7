"""Which disclosures a record given out may have: what was marked of them, and by whom, is in our log and nowhere else.

Emergency access, and whatever an officer marks, is about a child's safety: a parent who reads at once who asked may be
whom the child is kept safe from. So it is sealed until an officer has reviewed it, or delayed until a day.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from audit.connection import Connection
from audit.event import Action, AuditEvent, EventInvalid
from audit.log import LogUnreadable
from audit.search import Search, find_entries
from federation.state import StateError
from node.people import Person
from node.service import Node
from policies.names import Relation


class Standing(StrEnum):
    """What an officer decided about one lookup, or one entry without one."""

    OPEN = "open"
    DELAYED = "delayed"
    SEALED = "sealed"


@dataclass(frozen=True)
class Mark:
    """The latest decision; `until` is the day from which what is delayed is open."""

    standing: Standing
    until: date | None = None

    def holds_back(self, now: datetime) -> bool:
        """Whether a record given out now may not have it."""
        if self.standing is Standing.DELAYED and self.until is not None:
            return now.date() < self.until
        return self.standing is not Standing.OPEN


Marks = Mapping[str, Mark]
"""The latest decision about each lookup or entry that there is one about."""


def is_about_safety(event: AuditEvent) -> bool:
    """Whether an entry is about a child's safety by itself: sealed until somebody has reviewed it."""
    return Relation.EMERGENCY in (event.relationship, event.details.get("kind"))


def name_marked(event_reference: str, entry: int) -> str:
    """Return by what a disclosure is marked: its lookup, at both ends at once; or its entry, where it has none."""
    return event_reference or f"entry-{entry}"


def is_held_back(marks: Marks, name: str, *, safeguarding: bool, now: datetime) -> bool:
    """Whether a record given out now may not have a disclosure. What is about safety, and not reviewed, it may not."""
    mark = marks.get(name)
    return safeguarding if mark is None else mark.holds_back(now)


def read_marks(connection: Connection) -> Marks:
    """Return the latest decisions. Raises `LogUnreadable` at one that cannot be read: then nothing is given out."""
    marks: dict[str, Mark] = {}
    for entry in find_entries(connection, Search(action=Action.SUBJECT_MARKED)):
        try:
            event = entry.to_event()
            until = event.details.get("until", "")
            mark = Mark(Standing(str(event.details["standing"])), date.fromisoformat(str(until)) if until else None)
        except (EventInvalid, ValueError, KeyError):
            raise LogUnreadable(f"entry {entry.index} marks a disclosure and is damaged: verify the log") from None
        marks.setdefault(event.reference, mark)
    return marks


def mark_disclosure(
    node: Node, officer: Person, name: str, standing: str, *, reason: str, until: date | None = None
) -> None:
    """Log what an officer decided about a lookup, by its id, or about an entry, as in entry-17. Raises `StateError`."""
    if standing not in set(Standing):
        raise StateError(f"a disclosure is one of {', '.join(Standing)}")
    if (standing == Standing.DELAYED) != (until is not None):
        raise StateError("what is delayed has a day until which it is, and nothing else has")
    if not name.strip() or not reason.strip():
        raise StateError("name the lookup or entry, and give a reason for the log")
    try:
        event = node.event(
            Action.SUBJECT_MARKED,
            f"{officer.id} ({officer.role})",
            name.strip(),
            acting_for=node.authority,
            purpose=reason,
            standing=standing,
            until=until.isoformat() if until else "",
        )
    except EventInvalid as error:
        raise StateError(f"this cannot be logged: {error}") from None
    node.record(event)

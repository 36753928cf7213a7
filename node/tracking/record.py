"""The tracking record of one child: every fact that was ever set down, in order, and what holds now.

An entry has a number, its version; the record has that of its last. Whoever changes a record says which version they
saw: where it has moved on meanwhile, nothing is changed and they are shown what came in between (`RecordMoved`). So no
change is lost, and none is made unseen.

Whoever sees a part of a record has it numbered for itself: a gap would tell that something else was changed, and how
often.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import TypeVar

from node.tracking.conversation import check_step
from node.tracking.facts import Fact, FactInvalid, Step, Withdrawal
from node.tracking.kinds import key_of, kind_of
from policies.names import FieldGroup

F = TypeVar("F")
Key = tuple[str, str]


@dataclass(frozen=True, kw_only=True, repr=False)
class Entry:
    """One change: its number in the record, when, by whom in which role, why, and the fact that was set down.

    What another authority handed over says which one in `told_by`, and in `made_at` when it was set down there; `at` is
    then when it was taken in here.
    """

    version: int
    at: datetime
    by: str
    role: str
    reason: str
    fact: Fact
    told_by: str = ""
    made_at: datetime | None = None

    @property
    def made(self) -> datetime:
        """When the fact was set down, wherever that was."""
        return self.made_at or self.at


@dataclass(frozen=True, repr=False)
class TrackingRecord:
    """All entries of a child's record that somebody may see, and its version, which counts these alone."""

    entries: tuple[Entry, ...] = ()
    version: int = 0

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> "TrackingRecord":
        """The whole record of some entries, in their order."""
        listed = tuple(entries)
        return cls(listed, listed[-1].version if listed else 0)

    @cached_property
    def standing(self) -> Mapping[Key, Entry]:
        """The entry that holds now for each key. A withdrawal leaves nothing.

        What was handed over is history to what was set down here about the same, whichever came first; of two that were
        handed over, the one that was made later holds, in whatever order they came.
        """
        found: dict[Key, Entry] = {}
        latest: dict[Key, Entry] = {}
        for entry in self.entries:
            key = key_of(entry.fact)
            if key in latest and _is_history_to(entry, latest[key]):
                continue
            latest[key] = entry
            found.pop(key, None)
            if not isinstance(entry.fact, Withdrawal):
                found[key] = entry
        return found

    def all(self, wanted: type[F]) -> tuple[F, ...]:
        """The facts of one class that hold now, in the order in which they were set down."""
        return tuple(entry.fact for entry in self.standing.values() if isinstance(entry.fact, wanted))

    def since(self, version: int) -> tuple[Entry, ...]:
        """The entries after a version."""
        return tuple(entry for entry in self.entries if entry.version > version)

    def seen_by(self, groups: frozenset[FieldGroup]) -> "TrackingRecord":
        """What somebody sees of the record who may read these groups alone, numbered from 1.

        Why something was set down is free text of the virtual school's own record, of the group `plan`: a reason beside
        a plan that a teacher reads may tell of the child's care or health.
        """
        seen = (entry for entry in self.entries if kind_of(entry.fact).group in groups)
        told = seen if FieldGroup.PLAN in groups else (replace(entry, reason="") for entry in seen)
        return TrackingRecord.of(replace(entry, version=number) for number, entry in enumerate(told, start=1))

    def conversations(self) -> Iterator[tuple[str, tuple[Step, ...]]]:
        """The conversations with the school, topic by topic."""
        steps = self.all(Step)
        for topic in dict.fromkeys(step.topic for step in steps):
            yield topic, tuple(step for step in steps if step.topic == topic)


def _is_history_to(entry: Entry, other: Entry) -> bool:
    """Whether an entry that was handed over does not take the place of another about the same."""
    return bool(entry.told_by) and (not other.told_by or other.made > entry.made)


class RecordMoved(Exception):
    """Somebody else changed a record first; `since` are the entries that came in between."""

    def __init__(self, record: TrackingRecord, version: int) -> None:
        super().__init__("somebody else changed this record meanwhile: read what they did, and decide again")
        self.record, self.since = record, record.since(version)


def check_version(record: TrackingRecord, version: int) -> None:
    """Raise `RecordMoved` unless a record, or what somebody sees of it, stands at a version."""
    if record.version != version:
        raise RecordMoved(record, version)


def check_change(record: TrackingRecord, fact: Fact) -> None:
    """Raise `FactInvalid` unless a fact may follow in a record."""
    if isinstance(fact, Withdrawal):
        if key_of(fact) not in record.standing:
            raise FactInvalid({"withdrawn": "there is nothing of that kind to take back"})
    elif isinstance(fact, Step):
        check_step(dict(record.conversations()).get(fact.topic, ()), fact)

"""Telling another authority of a tracking record: the facts of one group as one text, and reading it back.

What is told is what holds now: no history, no reason and no name. What another node tells is read by the rules of our
own forms, so that nothing comes in that could not have been set down here.
"""

import json
from collections.abc import Iterable
from datetime import datetime

from node.tracking.facts import Fact, FactInvalid
from node.tracking.kinds import KINDS, kind_of, read_fact, write_fact
from node.tracking.record import Entry, TrackingRecord
from policies.names import FieldGroup

ROOM = 8_000
"""The longest text of one group, in bytes: the three of them, and the rest of an answer, fit into its first page."""


class TellingUnreadable(Exception):
    """What another node told is no record; the message quotes nothing of it."""


def tell_facts(record: TrackingRecord, group: FieldGroup, room: int = ROOM) -> str | None:
    """The facts of one group that hold now, newest first, the oldest left out for room; None where there are none."""
    entries = sorted(record.standing.values(), key=lambda entry: entry.version, reverse=True)
    told: list[str] = []
    room -= len("[]")
    for entry in entries:
        kind = kind_of(entry.fact)
        if kind.group is not group:
            continue
        text = json.dumps([kind.name, write_fact(entry.fact)], ensure_ascii=False)
        room -= len(text.encode()) + 1
        if room < 0:
            break
        told.append(text)
    return f"[{','.join(told)}]" if told else None


def read_told(texts: Iterable[str | None], at: datetime, by: str) -> TrackingRecord:
    """The record that some texts tell, as if `by` had set it down. Raises `TellingUnreadable`."""
    facts = [fact for text in texts if text for fact in reversed(_read(text))]
    numbered = enumerate(facts, start=1)
    return TrackingRecord.of(
        Entry(version=number, at=at, by=by, role="home authority", reason="told by its node", fact=fact)
        for number, fact in numbered
    )


def _read(text: str) -> list[Fact]:
    try:
        told = json.loads(text)
        return [read_fact(KINDS[name], _check_texts(fields)) for name, fields in told]
    except (ValueError, TypeError, KeyError, RecursionError, FactInvalid):
        raise TellingUnreadable(
            "what was told of the tracking record cannot be read: call the virtual school"
        ) from None


def _check_texts(fields: object) -> dict[str, str]:
    if not isinstance(fields, dict) or "withdrawn" in fields:
        raise TypeError
    if not all(isinstance(name, str) and isinstance(value, str) for name, value in fields.items()):
        raise TypeError
    return fields

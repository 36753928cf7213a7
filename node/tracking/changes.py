"""What has changed since somebody last looked: entries of records that others made, what newly loaded files say of each
child (`node.tracking.newly_loaded`), and what lookups of us came to.

That they looked is noted when they do, in the transaction that reads the moment before. Who comes back within half an
hour, from a child that they opened, finds the same list again.
"""

from dataclasses import dataclass
from datetime import datetime

from audit.event import Action
from audit.log import read_entries
from federation.database import stamp
from node.tracking.known import KnownChild
from node.tracking.newly_loaded import FilesNews, compare_files
from node.tracking.store import entries_since, note_look
from node.tracking.summary import Line, tell_entry
from node.tracking.visit import Visit

OUTSIDE = (Action.LOOKUP_RECEIVED, Action.LOOKUP_REFUSED, Action.CLAIM_STORED, Action.CLAIM_REFUSED, Action.NODE_LOADED)
"""What of the log tells that something came from outside: answers, refusals, and that new data came."""

MOST = 50


@dataclass(frozen=True)
class Change:
    """One change of one child's record."""

    child: KnownChild
    line: Line


@dataclass(frozen=True)
class News:
    """Everything since a moment; `since` is empty for somebody who never looked before."""

    since: str
    changes: tuple[Change, ...]
    files: FilesNews
    outside: tuple[tuple[str, str], ...]


def list_changes(visit: Visit) -> News:
    """What has changed since the visitor last looked, newest first; and that they looked now."""
    node, now = visit.node, visit.node.clock()
    with node.database.transaction() as connection:
        look = note_look(connection, visit.person.id, now, visit.snapshot.id)
    by_token = {child.token: child for child in visit.children}
    entries = sorted(entries_since(visit.records().items(), look.since), key=lambda each: each[1].at, reverse=True)
    changes = (Change(by_token[token], tell_entry(entry)) for token, entry in entries if entry.by != visit.person.id)
    files = compare_files(visit, look.snapshot)
    return News(look.since, tuple(changes), files, tuple(_from_outside(visit, look.since, now)))


def _from_outside(visit: Visit, since: str, now: datetime) -> list[tuple[str, str]]:
    """What the log has of answers, refusals and loads, by day and in the words of its actions; of no child."""
    if visit.person.school_urn is not None:
        return []  # A school is told of its own children's records alone.
    found: list[tuple[str, str]] = []
    for action in OUTSIDE:
        for entry in read_entries(visit.node.database.connection, action=action):
            event = entry.to_event()
            if stamp(event.at) < since or len(found) > MOST:
                break
            found.append((stamp(event.at), action.meaning))
    counted = dict.fromkeys(sorted(found, reverse=True))
    return [(moment[:16].replace("T", " "), meaning) for moment, meaning in counted]

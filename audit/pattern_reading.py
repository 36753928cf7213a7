"""Reading a log for unusual patterns: all of it, from a moment on, or the newest entries alone."""

from datetime import datetime
from functools import lru_cache

from audit.connection import Connection
from audit.entry import Entry
from audit.event import AuditEvent, EventInvalid, parse_event
from audit.listing import EntryUnreadable
from audit.patterns import Finding, Limits, Numbered, find_patterns
from audit.search import Search, find_entries

LOOKED_AT_AGAIN = 4_096
"""Events that stay read: a page of the log looks through its newest entries each time, and an entry never changes."""


def read_again(entry: Entry) -> AuditEvent:
    """Return an entry's event, which was maybe read before. Raises EventInvalid if the body is none."""
    return _read_event(entry.body)


@lru_cache(maxsize=LOOKED_AT_AGAIN)
def _read_event(body: bytes) -> AuditEvent:
    return parse_event(body)


def read_findings(
    connection: Connection,
    *,
    since: datetime | None = None,
    actor: str = "",
    limit: int | None = None,
    limits: Limits | None = None,
) -> list[Finding]:
    """Return what is unusual in the newest `limit` entries from `since` on, or in those of one person alone.

    Raises EntryUnreadable, LogUnreadable.
    """
    entries = list(find_entries(connection, Search(actor=actor, since=since), most=limit))
    numbered = []
    for entry in reversed(entries):
        if entry.deleted_by is not None:  # Its time is over, and with it that of whatever was unusual in it.
            continue
        try:
            numbered.append(Numbered(entry.index, read_again(entry)))
        except EventInvalid as error:
            raise EntryUnreadable(f"entry {entry.index} is not an event ({error})") from None
    return find_patterns(numbered, limits)

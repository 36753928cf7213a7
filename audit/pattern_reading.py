"""Reading a log for unusual patterns: all of it, from a moment on, or the newest entries alone."""

from datetime import datetime

from audit.connection import Connection
from audit.event import EventInvalid
from audit.listing import EntryUnreadable
from audit.patterns import Finding, Limits, Numbered, find_patterns
from audit.search import Search, find_entries


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
            numbered.append(Numbered(entry.index, entry.to_event()))
        except EventInvalid as error:
            raise EntryUnreadable(f"entry {entry.index} is not an event ({error})") from None
    return find_patterns(numbered, limits)

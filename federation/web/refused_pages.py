"""Pages that were refused to somebody who has signed in: an entry of the log for each person, page and day.

Needs a table `refused_pages`, where today's are kept, so that nobody fills the log by asking again and again: of one
person there are no more entries in a day than there are pages. A page is named by its rule, never by the address that
was asked for, since what stands in that is the visitor's to choose. Who has not signed in is nobody, and not logged.
"""

from typing import Protocol

from audit.connection import Connection
from audit.event import AuditEvent
from federation.database import Database, stamp
from federation.hub_line import Clock


class Refuser(Protocol):
    """A party that refuses pages: the hub, or a node."""

    @property
    def clock(self) -> Clock:
        """What time it is."""

    @property
    def database(self) -> Database:
        """Where the log is."""

    def refused_page(self, member: str, page: str, code: str) -> AuditEvent:
        """Return the entry for a page that was refused to somebody, under the policy as it stands."""


def note_refused_page(refuser: Refuser, member: str, page: str, code: str) -> None:
    """Log that a page was refused to somebody, unless the log has that of today."""
    row = (stamp(refuser.clock())[:10], member, page)
    if _is_noted(refuser.database.connection, row):  # Asked before the turn to write is waited for.
        return
    with refuser.database.transaction() as connection:
        connection.execute("DELETE FROM refused_pages WHERE day < ?", row[:1])
        if connection.execute("INSERT INTO refused_pages VALUES (?, ?, ?) ON CONFLICT DO NOTHING", row).rowcount:
            refuser.database.log.append(connection, refuser.refused_page(member, page, code))


def _is_noted(connection: Connection, row: tuple[str, str, str]) -> bool:
    found = connection.execute("SELECT 1 FROM refused_pages WHERE day = ? AND member = ? AND page = ?", row)
    return found.fetchone() is not None

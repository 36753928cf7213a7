"""How much one of our own people looks up in an hour: counted with the log's entry, before anything is read or asked.

Past the number that our rules allow, nothing more is shown until the hour is over, and our officer has a notice of the
first such attempt: whoever opens one list after another is copying records, or somebody else sits at their desk.
"""

from dataclasses import replace

from audit.event import AuditEvent, Outcome
from node.lookups.notices import NoticeKind, give_notice
from node.people import Person
from node.service import Node

CODE = "too_many_lookups"


class TooManyLookups(Exception):
    """Somebody has looked up more in this hour than the authority's rules allow; the officer has been told."""


def record_asked(node: Node, person: Person, asked: AuditEvent) -> None:
    """Log that somebody is about to look, and count it. Raises `TooManyLookups`, logged, where it is one too many."""
    most, now = node.rules().pages.most_lookups_an_hour, node.clock()
    hour = now.strftime("%Y-%m-%dT%H")
    with node.database.transaction() as connection:
        connection.execute("DELETE FROM looked_up WHERE hour < ?", (hour,))
        (count,) = connection.execute(
            """INSERT INTO looked_up VALUES (?, ?, 1) ON CONFLICT (person, hour)
               DO UPDATE SET lookups = lookups + 1 RETURNING lookups""",
            (person.id, hour),
        ).fetchone()
        refused = replace(asked, outcome=Outcome.REFUSED, details={**asked.details, "code": CODE})
        node.database.log.append(connection, refused if count > most else asked)
        if count == most + 1:
            text = f"more than {most} lookups in one hour, by {person.id}"
            about = {"reference": asked.actor, "authority": node.authority, "text": text}
            give_notice(connection, now, NoticeKind.TOO_MANY_LOOKUPS, **about)
    if count > most:
        raise TooManyLookups(
            f"you have looked up {most} times in this hour, as often as this authority's rules allow: go on in the "
            "next one. The information governance officer has been told"
        )

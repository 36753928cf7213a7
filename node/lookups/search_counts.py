"""How often another authority seeks single children here in a day: counted before anything is looked at.

Past the number that our rules allow, searches are refused, and our officer has a notice of the first such one of a day:
whoever tries one identifier after another is not a virtual school at its work.
"""

from federation.lookups import LookupRequest
from node.lookups.notices import NoticeKind, give_notice
from node.refusal import Refused
from node.service import Node

TOO_MANY = Refused("too_many_searches", "too many children were sought here today: call the virtual school")


def count_search(node: Node, request: LookupRequest) -> None:
    """Count one search by the asking authority. Raises `Refused` where it is one too many."""
    most, day = node.rules().lookups.most_searches_a_day, node.clock().date().isoformat()
    with node.database.transaction() as connection:
        connection.execute("DELETE FROM searches WHERE day < ?", (day,))
        (count,) = connection.execute(
            """INSERT INTO searches VALUES (?, ?, 1) ON CONFLICT (authority, day)
               DO UPDATE SET searches = searches + 1 RETURNING searches""",
            (request.authority, day),
        ).fetchone()
        if count == most + 1:
            give_notice(
                connection,
                node.clock(),
                NoticeKind.MASS_LOOKUP,
                reference=request.lookup_id,
                authority=request.authority,
                text=f"more than {most} children were sought in one day",
            )
    if count > most:
        raise TOO_MANY.anew()

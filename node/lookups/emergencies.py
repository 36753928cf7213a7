"""Emergency access at the asked node: a request is this person's, of this child, and one of few in a day.

     1  our rules answer emergencies at all
     2  the person's own passkey, as the register has it, signed exactly these bytes
     3  one child is sought, by pupil number and date of birth
     4  the asking authority has not had its number of the day

Every attempt is counted, and our information governance officer has a notice of it at once, answered or not.
"""

import sqlite3
from datetime import datetime

from federation.countersigning import name_member
from federation.emergencies import EMERGENCY_TYPE, verify_person
from federation.envelope import EnvelopeError
from federation.lookups import LookupRequest
from federation.register import RegisterError
from node.lookups.notices import NoticeKind, give_notice
from node.lookups.sealed_pages import OpenedPage
from node.refusal import Refused
from node.service import Node

NO_PASSKEY = Refused("passkey_missing", "emergency access is signed with the person's own passkey: use its page")
WRONG_PASSKEY = Refused("passkey_refused", "the passkey is not the asking person's, or did not sign this request")
TOO_MANY = Refused("too_many_emergencies", "this authority has had its emergencies of today here: call")


def check_emergency(node: Node, request: LookupRequest, page: OpenedPage) -> None:
    """Tick off the list. Raises `Refused`."""
    if not node.rules().lookups.emergencies:  # 1
        raise Refused("emergencies_barred", "this authority gives no emergency access: call")
    if page.kind != EMERGENCY_TYPE:  # 2
        raise NO_PASSKEY.anew()
    try:
        member = node.register().find(name_member(request.person, page.sender.organisation), node.clock())
        verify_person(page.content, request.person, member, page.sender)
    except (RegisterError, EnvelopeError):
        raise WRONG_PASSKEY.anew() from None
    if request.sought is None or not request.sought.upn or request.sought.date_of_birth is None:  # 3
        raise Refused("identifiers_missing", "in an emergency a child is found by pupil number and date of birth alone")
    with node.database.transaction() as connection:
        made = count_emergency(connection, request.authority, node.clock())
    if made > node.rules().lookups.most_emergencies_a_day:  # 4
        raise TOO_MANY.anew()


def count_emergency(connection: sqlite3.Connection, authority: str, now: datetime) -> int:
    """Count one emergency by an authority, inside the caller's transaction; return how many it makes today."""
    day = now.date().isoformat()
    connection.execute("DELETE FROM emergencies WHERE day < ?", (day,))
    (made,) = connection.execute(
        """INSERT INTO emergencies VALUES (?, ?, 1) ON CONFLICT (authority, day)
           DO UPDATE SET made = made + 1 RETURNING made""",
        (authority, day),
    ).fetchone()
    return int(made)


def notice_emergency(connection: sqlite3.Connection, now: datetime, request: LookupRequest, outcome: str) -> None:
    """Tell our officer of an emergency here, inside the transaction of its entry in the log."""
    give_notice(
        connection,
        now,
        NoticeKind.EMERGENCY_HERE,
        reference=request.lookup_id,
        authority=request.authority,
        text=f"{request.person} ({request.role}) asked, and was {outcome}",
    )

"""Sessions that were ended before their time: a cookie that somebody copied is of no use after signing out.

Needs a table `ended_sessions`; a session is kept there, by the hash of its key, until it would be over by itself.
"""

import hashlib

from audit.event import Action, Outcome
from federation.database import stamp
from federation.web.session import LONGEST_SESSION, Session
from federation.web.sign_in_codes import Doorkeeper


def end_session(keeper: Doorkeeper, session: Session, *, signed_out: bool) -> None:
    """End a session for good; that somebody signed out is logged, that they signed in anew is not."""
    now = keeper.clock()
    with keeper.database.transaction() as connection:
        connection.execute("DELETE FROM ended_sessions WHERE over_at <= ?", (stamp(now),))
        row = (_place(session), stamp(session.began + LONGEST_SESSION))
        connection.execute("INSERT INTO ended_sessions VALUES (?, ?) ON CONFLICT DO NOTHING", row)
        if signed_out:
            keeper.database.log.append(
                connection, keeper.event(Action.SESSION_ENDED, session.member, "", outcome=Outcome.DONE)
            )


def is_ended(keeper: Doorkeeper, session: Session) -> bool:
    """Whether a session was ended. One in which nobody has signed in never is: there is nothing to end."""
    if not session.member:
        return False
    found = keeper.database.connection.execute("SELECT 1 FROM ended_sessions WHERE session = ?", (_place(session),))
    return found.fetchone() is not None


def _place(session: Session) -> str:
    return hashlib.sha256(session.key.encode()).hexdigest()

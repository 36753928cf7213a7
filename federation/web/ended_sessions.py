"""Sessions that were ended before their time: a cookie that somebody copied is of no use after signing out.

Nor is any session of somebody whose passkey was taken away, or whose id is somebody else's now. Needs the tables
`begun_sessions` and `ended_sessions`; a session is kept there, by the hash of its key, until it would be over anyway.
"""

import hashlib

from audit.connection import Connection
from audit.event import Action, Outcome
from federation.database import stamp
from federation.web.session import LONGEST_SESSION, Session
from federation.web.sign_in_codes import Doorkeeper


def note_session(keeper: Doorkeeper, session: Session) -> None:
    """Remember whose a session is that begins now, so that it can be ended without its cookie."""
    with keeper.database.transaction() as connection:
        connection.execute("DELETE FROM begun_sessions WHERE over_at <= ?", (stamp(keeper.clock()),))
        row = (*_row_of(session), session.member)
        connection.execute("INSERT INTO begun_sessions (session, over_at, member) VALUES (?, ?, ?)", row)


def end_sessions_of(connection: Connection, member: str) -> None:
    """End every session that somebody has begun, wherever its cookie is, in the caller's transaction."""
    connection.execute(
        """INSERT INTO ended_sessions SELECT session, over_at FROM begun_sessions WHERE member = ?
           ON CONFLICT DO NOTHING""",
        (member,),
    )


def end_session(keeper: Doorkeeper, session: Session, *, signed_out: bool) -> None:
    """End a session for good; that somebody signed out is logged, that they signed in anew is not."""
    now = keeper.clock()
    with keeper.database.transaction() as connection:
        connection.execute("DELETE FROM ended_sessions WHERE over_at <= ?", (stamp(now),))
        connection.execute("INSERT INTO ended_sessions VALUES (?, ?) ON CONFLICT DO NOTHING", _row_of(session))
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


def _row_of(session: Session) -> tuple[str, str]:
    return _place(session), stamp(session.began + LONGEST_SESSION)


def _place(session: Session) -> str:
    return hashlib.sha256(session.key.encode()).hexdigest()

"""Sessions: who has signed in, in a cookie that only this party can make.

A session names a member, how they signed in and two moments, and nothing else. What the member may do is asked of the
register and of the access matrix at every request, so a revoked member is signed out at once. Before sign-in the member
is empty, and the session only ties the tokens of forms to one browser. The cookie's value:

    <key>:<began, in seconds>:<last seen>:<means>:<member id>:<HMAC-SHA-256 of what stands before it>
"""

import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from federation.state import StateError, write_file

SECRET_FILE = "session.key"  # noqa: S105 - the name of a file
"""Where a party keeps the secret of its sessions; deleting the file and starting again signs everybody out."""

LONGEST_SESSION = timedelta(hours=8)
"""After a working day one signs in again, whatever a party's own limits are."""

LONGEST_IDLE = timedelta(hours=1)
"""Nobody's session outlives an hour in which they did nothing."""

SEEN_ANEW = timedelta(minutes=1)
"""How old a session's last moment may be before a new cookie states it."""

_FORM = re.compile(
    r"([0-9a-f]{32}):([0-9]{1,12}):([0-9]{1,12}):([a-z]{0,16}):([a-z0-9._@-]{0,64}):([0-9a-f]{64})", re.ASCII
)


class SessionInvalid(Exception):
    """A cookie holds no session of this party that is good now."""


class FormStale(Exception):
    """A form carries no token, or that of another session."""


class Means(StrEnum):
    """How somebody signed in."""

    NONE = ""
    CODE = "code"
    PASSKEY = "passkey"
    PROVIDER = "provider"


@dataclass(frozen=True)
class Limits:
    """How long a session lasts, and how long while nothing is done in it."""

    longest: timedelta = LONGEST_SESSION
    idle: timedelta = LONGEST_IDLE


LimitsOf = Callable[[Means], Limits]
"""A party's limits, by how somebody signed in."""


@dataclass(frozen=True)
class Session:
    """One browser's session; `member` is empty until somebody has signed in."""

    key: str
    began: datetime
    seen: datetime
    member: str = ""
    means: Means = Means.NONE


def start_session(now: datetime, member: str = "", means: Means = Means.NONE) -> Session:
    """Return a new session. Signing in starts a new one too, so that no one else can know its key."""
    began = now.replace(microsecond=0)
    return Session(secrets.token_hex(16), began, began, member, means)


def see_again(session: Session, now: datetime) -> Session:
    """Return a session as one that is in use now."""
    return replace(session, seen=now.replace(microsecond=0))


def write_session(session: Session, secret: bytes) -> str:
    """Return a session as its cookie carries it."""
    began, seen = (int(moment.timestamp()) for moment in (session.began, session.seen))
    body = f"{session.key}:{began}:{seen}:{session.means}:{session.member}"
    return f"{body}:{_sign(secret, 'session', body)}"


def read_session(text: str, secret: bytes, now: datetime, limits_of: LimitsOf = lambda _: Limits()) -> Session:
    """Return the session in a cookie. Raises `SessionInvalid` for one that was altered or is over."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise SessionInvalid("the cookie is not a session")
    key, began, seen, means, member, signature = found.groups()
    if not hmac.compare_digest(signature, _sign(secret, "session", text.rpartition(":")[0])):
        raise SessionInvalid("the session was not made here")
    begun, last = (datetime.fromtimestamp(int(seconds), UTC) for seconds in (began, seen))
    session = Session(key, begun, last, member, Means(means))
    check_times(session, now, limits_of(session.means))
    return session


def check_times(session: Session, now: datetime, limits: Limits) -> None:
    """Raise `SessionInvalid` unless a session has begun, is in use, and has not lasted too long."""
    lasted, idled = now - session.began, now - session.seen
    longest, idle = min(limits.longest, LONGEST_SESSION), min(limits.idle, LONGEST_IDLE)
    if not (timedelta(0) <= idled < idle and idled <= lasted < longest):
        raise SessionInvalid("the session is over")


def form_token(session: Session, secret: bytes) -> str:
    """Return the token that every form of this session carries."""
    return _sign(secret, "form", session.key)


def check_form_token(session: Session, secret: bytes, token: str) -> None:
    """Raise `FormStale` unless a form was made by this party for this session."""
    if not hmac.compare_digest(token.encode(), form_token(session, secret).encode()):
        raise FormStale("the form was not made for this session")


def name_cookie(member: str, secret: bytes) -> str:
    """Return what a party calls the cookie of its sessions.

    A browser sends the cookies of a machine to all its ports, and two parties there may have one id: a node and the
    copy of it that is being tried out, or the hubs of two federations. Each state directory has its own name for it, so
    that signing in at one signs nobody out at the other; hubs that share the secret share the name.
    """
    return f"circe-{re.sub('[^a-z0-9]', '-', member)}-{_sign(secret, 'cookie', member)[:8]}"


def _sign(secret: bytes, purpose: str, text: str) -> str:
    return hmac.digest(secret, f"circe {purpose} {text}".encode(), "sha256").hex()


def load_secret(directory: Path) -> bytes:
    """Return the secret of a party's sessions, made the first time. Raises `StateError` if others can read it."""
    path = directory / SECRET_FILE
    if not path.exists():
        write_file(path, secrets.token_bytes(32))
    if path.stat().st_mode & 0o077:
        raise StateError(f"{path} is open to other users: delete it, and everybody signs in again")
    secret = path.read_bytes()
    if len(secret) != 32:
        raise StateError(f"{path} is damaged: delete it, and everybody signs in again")
    return secret

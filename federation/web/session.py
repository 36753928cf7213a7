"""Sessions: who has signed in, in a cookie that only this party can make.

A session names a member and a moment, and nothing else. What the member may do is asked of the register and of the
access matrix at every request, so a revoked member is signed out at once. Before sign-in the member is empty, and the
session only ties the tokens of forms to one browser. The cookie's value:

    <key>:<expiry in seconds>:<member id>:<HMAC-SHA-256 of what stands before it>
"""

import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from federation.state import StateError, write_file

SECRET_FILE = "session.key"  # noqa: S105 - the name of a file
"""Where a party keeps the secret of its sessions; deleting the file and starting again signs everybody out."""

LONGEST_SESSION = timedelta(hours=8)
"""A session is never renewed: after a working day one signs in again."""

_FORM = re.compile(r"([0-9a-f]{32}):([0-9]{1,12}):([a-z0-9._@-]{0,64}):([0-9a-f]{64})", re.ASCII)


class SessionInvalid(Exception):
    """A cookie holds no session of this party that is good now."""


class FormStale(Exception):
    """A form carries no token, or that of another session."""


@dataclass(frozen=True)
class Session:
    """One browser's session; `member` is empty until somebody has signed in."""

    key: str
    expires: datetime
    member: str = ""


def start_session(now: datetime, member: str = "") -> Session:
    """Return a new session. Signing in starts a new one too, so that no one else can know its key."""
    expires = (now + LONGEST_SESSION).replace(microsecond=0)
    return Session(secrets.token_hex(16), expires, member)


def write_session(session: Session, secret: bytes) -> str:
    """Return a session as its cookie carries it."""
    body = f"{session.key}:{int(session.expires.timestamp())}:{session.member}"
    return f"{body}:{_sign(secret, 'session', body)}"


def read_session(text: str, secret: bytes, now: datetime) -> Session:
    """Return the session in a cookie. Raises `SessionInvalid` for one that was altered or has expired."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise SessionInvalid("the cookie is not a session")
    key, expiry, member, signature = found.groups()
    if not hmac.compare_digest(signature, _sign(secret, "session", f"{key}:{expiry}:{member}")):
        raise SessionInvalid("the session was not made here")
    expires = datetime.fromtimestamp(int(expiry), UTC)
    if not now < expires <= now + LONGEST_SESSION:
        raise SessionInvalid("the session is over")
    return Session(key, expires, member)


def form_token(session: Session, secret: bytes) -> str:
    """Return the token that every form of this session carries."""
    return _sign(secret, "form", session.key)


def check_form_token(session: Session, secret: bytes, token: str) -> None:
    """Raise `FormStale` unless a form was made by this party for this session."""
    if not hmac.compare_digest(token.encode(), form_token(session, secret).encode()):
        raise FormStale("the form was not made for this session")


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

"""Tickets: permission to answer once, from one browser, within a few minutes.

The challenge that a passkey signs is one, and so is the `state` of a sign-in at a provider. Nothing is stored until a
ticket is used, so no stranger who opens pages can fill the database. Its bytes:

    8 issued, in seconds | 16 random | 32 HMAC-SHA-256 over purpose, session and what stands before it
"""

import hmac
import secrets
from datetime import UTC, datetime, timedelta

from audit.connection import Connection
from federation.database import stamp
from federation.web.session import Session

TICKET_LIFETIME = timedelta(minutes=5)
_LENGTH = 56


class TicketInvalid(Exception):
    """A ticket is another browser's, was made for something else, is too old, or has been used."""


def issue_ticket(session: Session, secret: bytes, purpose: str, now: datetime) -> bytes:
    """Return a ticket for one purpose in one session."""
    body = int(now.timestamp()).to_bytes(8) + secrets.token_bytes(16)
    return body + _sign(session, secret, purpose, body)


def check_ticket(ticket: bytes, session: Session, secret: bytes, purpose: str, now: datetime) -> None:
    """Raise `TicketInvalid` unless this party made a ticket, for this purpose and session, minutes ago."""
    body, signature = ticket[:24], ticket[24:]
    if len(ticket) != _LENGTH or not hmac.compare_digest(signature, _sign(session, secret, purpose, body)):
        raise TicketInvalid("this page was not made for this browser: reload it and try again")
    if not timedelta(0) <= now - _issued(ticket) <= TICKET_LIFETIME:
        raise TicketInvalid("this page has been open for too long: reload it and try again")


def spend_ticket(connection: Connection, ticket: bytes, now: datetime) -> None:
    """Use a ticket up, in its user's own transaction. Raises `TicketInvalid` where that has been done before."""
    connection.execute("DELETE FROM used_tickets WHERE expires_at < ?", (stamp(now),))
    if connection.execute("SELECT 1 FROM used_tickets WHERE ticket = ?", (ticket.hex(),)).fetchone():
        raise TicketInvalid("this has been done already: reload the page and try again")
    # Kept a minute longer than it is good, for the second in which both end.
    expiry = _issued(ticket) + TICKET_LIFETIME + timedelta(minutes=1)
    connection.execute("INSERT INTO used_tickets VALUES (?, ?)", (ticket.hex(), stamp(expiry)))


def derive_from_ticket(ticket: bytes, secret: bytes, purpose: str) -> bytes:
    """Return 32 secret bytes that belong to a ticket, and that nobody who sees it can work out."""
    return hmac.digest(secret, f"circe {purpose} ".encode() + ticket, "sha256")


def _issued(ticket: bytes) -> datetime:
    return datetime.fromtimestamp(int.from_bytes(ticket[:8]), UTC)


def _sign(session: Session, secret: bytes, purpose: str, body: bytes) -> bytes:
    return hmac.digest(secret, f"circe ticket {purpose} {session.key} ".encode() + body, "sha256")

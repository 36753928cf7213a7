"""Sealed pages: opened with our own key, traced to the node that signed them, taken in once; and answered.

The hub says who sent a page and under which id; neither is believed before the seal and the signature say the same.
"""

import hashlib
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from federation.claims import ClaimAnswer, ClaimRequest
from federation.database import stamp
from federation.exchange import Delivery
from federation.lookups import LookupFailed, LookupRequest, message_type, read_message, sign_message
from federation.register import CLOCK_SKEW, Member, MemberKind
from federation.sealing import Direction, SealContext, SealedRecords, open_records, seal_records
from federation.transport import decode_page
from node.checklist import Refused
from node.service import Node

ANSWERS_KEPT = 3 * CLOCK_SKEW
"""How long a sealed answer is kept: as long as its request counts as fresh."""

R = TypeVar("R", LookupRequest, ClaimRequest)


@dataclass(frozen=True, repr=False)
class OpenedPage:
    """A page that was sealed to us in this place of this conversation; what is in it is not verified yet."""

    lookup_id: str
    sender: Member
    content: bytes

    @property
    def kind(self) -> str:
        """What the message in it says that it is. Raises `LookupFailed`."""
        return message_type(self.content)


def open_page(node: Node, delivery: Delivery) -> OpenedPage:
    """Open a delivered page with our own key.

    Raises `EnvelopeError`, `SealError`, `RegisterError` for a sender that is not active, and `StateError`.
    """
    context = SealContext(delivery.lookup_id, delivery.sender, node.party.member_id, Direction.REQUEST)
    sender = node.register().find(delivery.sender, node.clock())
    return OpenedPage(delivery.lookup_id, sender, open_records(decode_page(delivery.body), context, node.party.keys))


def read_request(node: Node, page: OpenedPage, kind: type[R], expected_type: str) -> R:
    """Return the request in a page, signed by its sender and meant for this place. Raises `LookupFailed`."""
    request = read_message(page.content, expected_type, kind, page.sender.id, page.sender.public_signing_key)
    found = (request.lookup_id, request.sender, request.receiver)
    if found != (page.lookup_id, page.sender.id, node.party.member_id):
        raise LookupFailed("the request inside the page is another than the one delivered")
    return request


def seal_page(
    node: Node, message: ClaimRequest | ClaimAnswer, kind: str, receiver: Member, way: Direction
) -> SealedRecords:
    """Sign a message and seal it to its receiver, in its place of the conversation."""
    context = SealContext(message.lookup_id, node.party.member_id, receiver.id, way)
    return seal_records(sign_message(message, kind, node.party.keys), context, receiver.public_sealing_key)


def check_origin(node: Node, request: LookupRequest | ClaimRequest, sender: Member) -> None:
    """Raise `Refused` unless a node asks, now, for an authority that it serves and that is not our own."""
    if sender.kind is not MemberKind.NODE or request.authority not in sender.authorities:
        raise Refused("not_your_authority", "a node asks for the authority it serves alone")
    if request.authority == node.authority:
        raise Refused("own_authority", "this is the authority's own node")
    if abs(node.clock() - request.asked_at) > 3 * CLOCK_SKEW:
        raise Refused("stale", "the request is too old, or from the future: ask again")


def find_answer(node: Node, delivery: Delivery) -> SealedRecords | None:
    """Return the sealed answer that this very page got before, as long as it is kept."""
    row = node.database.connection.execute(
        "SELECT page FROM answers_kept WHERE lookup_id = ? AND sender = ? AND digest = ? AND kept_at > ?",
        (*_name_page(delivery), stamp(node.clock() - ANSWERS_KEPT)),
    ).fetchone()
    return SealedRecords(bytes(row["page"])) if row else None


def keep_answer(node: Node, delivery: Delivery, sealed: SealedRecords) -> None:
    """Keep a sealed answer for a while: the hub may lose it on the way and ask again. It opens to the asker alone.

    A page that asked nothing was not taken in, and leaves no trace here either.
    """
    now = node.clock()
    with node.database.transaction() as connection:
        connection.execute("DELETE FROM answers_kept WHERE kept_at <= ?", (stamp(now - ANSWERS_KEPT),))
        taken_in = connection.execute(
            "SELECT 1 FROM lookups_seen WHERE lookup_id = ? AND sender = ?", (delivery.lookup_id, delivery.sender)
        ).fetchone()
        if taken_in is not None:
            row = (*_name_page(delivery), sealed.page, stamp(now))
            connection.execute("INSERT OR REPLACE INTO answers_kept VALUES (?, ?, ?, ?, ?)", row)


def _name_page(delivery: Delivery) -> tuple[str, str, str]:
    return delivery.lookup_id, delivery.sender, hashlib.sha256(delivery.body.encode()).hexdigest()


def take_in(connection: sqlite3.Connection, lookup_id: str, sender: str, now: datetime) -> None:
    """Remember a request inside the caller's transaction. Raises `Refused` for one that came before."""
    try:
        connection.execute("INSERT INTO lookups_seen VALUES (?, ?, ?)", (lookup_id, sender, stamp(now)))
    except sqlite3.IntegrityError:
        raise Refused("replayed", "this request has been taken in already: ask again") from None

"""Sealed pages: opened with our own key, traced to the node that signed them, taken in once; and answered.

The hub says who sent a page and under which id; neither is believed before the seal and the signature say the same.
Whatever is in a page, the answer has the pages that the snapshot gives it, and the same page again gets the same answer
again: else the hub could tell, by handing a page over twice, which requests ask for something and which are refused.
"""

import hashlib
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from federation.claims import ClaimAnswer, ClaimRequest
from federation.database import stamp
from federation.delegations import DelegationNotice
from federation.disclosures import DisclosuresRequest
from federation.exchange import Delivery
from federation.handovers import HandoverRequest
from federation.lookups import LookupFailed, LookupRequest, NodeAnswer, message_type, read_message, sign_message
from federation.register import CLOCK_SKEW, Member, MemberKind
from federation.sealing import Direction, SealContext, SealedRecords, open_records, seal_records
from federation.transport import decode_records
from node.lookups.correspondents import receiving_key
from node.refusal import Refused
from node.service import Node

log = logging.getLogger("circe.node")

ANSWERS_KEPT = 3 * CLOCK_SKEW
"""How long a sealed answer is kept: as long as its request counts as fresh."""

SEEN_KEPT = timedelta(days=1)
"""How long it is remembered that a request came: until long after it would count as fresh."""

MOST_KEPT = 512
"""How many sealed answers are kept; past that the oldest go, so that nobody can fill the disk with requests."""

REPLAYED = Refused("replayed", "this request has been taken in already: ask again")
NOT_LOGGABLE = Refused("not_loggable", "the purpose cannot be logged here: leave out whatever names a child")

R = TypeVar("R", LookupRequest, ClaimRequest, DisclosuresRequest, HandoverRequest, DelegationNotice)

Request = LookupRequest | ClaimRequest | DisclosuresRequest | HandoverRequest | DelegationNotice


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


def check_place(node: Node, delivery: Delivery, sender: Member) -> None:
    """Raise `SealError` where no answer could be sealed: to the place that the hub names, or to its sender now."""
    SealContext(delivery.lookup_id, node.party.member_id, sender.id, Direction.ANSWER)
    receiving_key(node, sender)


def open_page(node: Node, delivery: Delivery, sender: Member) -> OpenedPage:
    """Open a delivered page with our own key. Raises `EnvelopeError` and `SealError`."""
    context = SealContext(delivery.lookup_id, sender.id, node.party.member_id, Direction.REQUEST)
    return OpenedPage(delivery.lookup_id, sender, open_records(decode_records(delivery.body), context, node.party.keys))


def read_request(node: Node, page: OpenedPage, kind: type[R], expected_type: str) -> R:
    """Return the request in a page, signed by its sender and meant for this place. Raises `LookupFailed`."""
    request = read_message(page.content, expected_type, kind, page.sender.id, page.sender.public_signing_key)
    found = (request.lookup_id, request.sender, request.receiver)
    if found != (page.lookup_id, page.sender.id, node.party.member_id):
        raise LookupFailed("the request inside the page is another than the one delivered")
    return request


def seal_message(
    node: Node,
    message: Request | NodeAnswer | ClaimAnswer,
    kind: str,
    receiver: Member,
    pages: int = 1,
) -> SealedRecords:
    """Sign a message and seal it to its receiver, in its place of the conversation. Raises `SealError`."""
    way = Direction.REQUEST if isinstance(message, Request) else Direction.ANSWER
    context = SealContext(message.lookup_id, node.party.member_id, receiver.id, way)
    return seal_records(sign_message(message, kind, node.party.keys), context, receiving_key(node, receiver), pages)


def seal_signed(node: Node, signed: bytes, lookup_id: str, receiver: Member) -> SealedRecords:
    """Seal a request that is signed already, on one page as any other. Raises `SealError`."""
    context = SealContext(lookup_id, node.party.member_id, receiver.id, Direction.REQUEST)
    return seal_records(signed, context, receiving_key(node, receiver))


def check_origin(node: Node, request: Request, sender: Member) -> None:
    """Raise `Refused` unless a node asks, now, for an authority that it serves and that is not our own."""
    if sender.kind is not MemberKind.NODE or request.authority != sender.authority(node.clock()):
        raise Refused("not_your_authority", "a node asks for the authority it serves alone")
    if request.authority == node.authority:
        raise Refused("own_authority", "this is the authority's own node")
    if abs(node.clock() - request.asked_at) > 3 * CLOCK_SKEW:
        raise Refused("stale", "the request is too old, or from the future: ask again")


@contextmanager
def reading_records(node: Node) -> Iterator[None]:
    """Make any failure to read our records a refusal: silence would tell the hub that there is something about them.

    Of an error that nobody foresaw the log has the kind alone, since its text could quote a value.
    """
    try:
        yield
    except Exception as error:
        log.log(logging.ERROR, "%s: records could not be read: %s", node.party.member_id, type(error).__name__)
        raise Refused("failed", "the records could not be read: call the virtual school") from None


def find_answer(node: Node, delivery: Delivery) -> SealedRecords | None:
    """Return the sealed answer that this very page got before, as long as it is kept."""
    row = node.database.connection.execute(
        "SELECT pages FROM sealed_answers WHERE lookup_id = ? AND sender = ? AND digest = ? AND kept_at > ?",
        (*_name_page(delivery), stamp(node.clock() - ANSWERS_KEPT)),
    ).fetchone()
    return SealedRecords(bytes(row["pages"])) if row else None


def keep_answer(connection: sqlite3.Connection, delivery: Delivery, sealed: SealedRecords, now: datetime) -> None:
    """Keep a sealed answer for a while, inside the caller's transaction: the hub may lose it and ask again.

    It opens to the asker alone.
    """
    connection.execute("DELETE FROM sealed_answers WHERE kept_at <= ?", (stamp(now - ANSWERS_KEPT),))
    row = (*_name_page(delivery), sealed.data, stamp(now))
    connection.execute("INSERT OR REPLACE INTO sealed_answers VALUES (?, ?, ?, ?, ?)", row)
    connection.execute(
        "DELETE FROM sealed_answers WHERE rowid <= (SELECT max(rowid) FROM sealed_answers) - ?", (MOST_KEPT,)
    )


def _name_page(delivery: Delivery) -> tuple[str, str, str]:
    return delivery.lookup_id, delivery.sender, hashlib.sha256(delivery.body.encode()).hexdigest()


def take_in(connection: sqlite3.Connection, lookup_id: str, sender: str, now: datetime) -> None:
    """Remember a request inside the caller's transaction. Raises `Refused` for one that came before."""
    if not remember(connection, lookup_id, sender, now):
        raise REPLAYED.anew()


def remember(connection: sqlite3.Connection, lookup_id: str, sender: str, now: datetime) -> bool:
    """Remember that a request came, and return whether it is the first time."""
    connection.execute("DELETE FROM lookups_seen WHERE seen_at <= ?", (stamp(now - SEEN_KEPT),))
    row = (lookup_id, sender, stamp(now))
    return connection.execute("INSERT INTO lookups_seen VALUES (?, ?, ?) ON CONFLICT DO NOTHING", row).rowcount == 1


def check_unseen(node: Node, lookup_id: str, sender: Member) -> None:
    """Raise `Refused` for a request that came before: the records are not even looked at."""
    found = node.database.connection.execute(
        "SELECT 1 FROM lookups_seen WHERE lookup_id = ? AND sender = ?", (lookup_id, sender.id)
    )
    if found.fetchone() is not None:
        raise REPLAYED.anew()

"""Deliveries of secure sums: each is read, dealt with, and answered at its door. All of it is safe to do twice."""

import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Protocol

from federation.envelope import Envelope, EnvelopeError, decode_base64, write_envelope
from federation.exchange import Delivery, DeliveryKind
from federation.secure_sum.errors import SumRefused
from federation.sums_exchange import (
    BODIES,
    COMPLAINTS_DOOR,
    DEALINGS_DOOR,
    PAIRINGS_DOOR,
    PREKEYS_DOOR,
    AbortWanted,
    DealWanted,
    PairingsOffered,
    ParcelsOffered,
    PrekeysOffered,
    PrekeyWanted,
    StatementOffered,
    SumWanted,
    name_door,
)
from federation.wire import MAX_BATCH_BYTES, Document, WireError, decode_document
from node.answering import record_unapproved
from node.service import Node
from node.sums.aborting import sign_abort
from node.sums.contributing import answer_sum
from node.sums.preparing import (
    accept_pairings,
    deal_slots,
    keep_parcels,
    pair_with_all,
    publish_prekey,
    record_complaints,
)
from node.sums.statements import reveal_shares, sign_survivors

log = logging.getLogger("circe.node")


class Doors(Protocol):
    """Where a node hands in what it made: its connection to the hub."""

    def hand_in(self, door: str, body: bytes, /) -> None:
        """Hand in this node's part in a sum, at a door of sums."""

    def send_reply(self, reply: bytes, /) -> None:
        """Hand in a signed refusal."""


def deal_with_sum(node: Node, doors: Doors, delivery: Delivery) -> None:
    """Deal with one delivery of a sum. What is refused is done with, too: the hub is told, or hears nothing.

    Raises `EngineUnavailable`, and whatever the connection raises.
    """
    try:
        body = decode_document(decode_base64(delivery.body), BODIES[delivery.kind], limit=MAX_BATCH_BYTES)
    except (WireError, EnvelopeError):
        record_unapproved(node, "", "malformed_delivery")
        return
    try:
        ACTS[delivery.kind](node, doors, body)
    except SumRefused as refused:
        log.warning("%s: %s is refused: %s", node.party.member_id, delivery.kind, refused)


def _publish(node: Node, doors: Doors, body: Document) -> None:
    assert isinstance(body, PrekeyWanted)
    doors.hand_in(PREKEYS_DOOR, publish_prekey(node, body))


def _pair(node: Node, doors: Doors, body: Document) -> None:
    assert isinstance(body, PrekeysOffered)
    doors.hand_in(PAIRINGS_DOOR, pair_with_all(node, body))


def _accept(node: Node, _: Doors, body: Document) -> None:
    assert isinstance(body, PairingsOffered)
    accept_pairings(node, body)


def _deal(node: Node, doors: Doors, body: Document) -> None:
    assert isinstance(body, DealWanted)
    dealt, complaints = deal_slots(node, body)
    if dealt is not None:
        doors.hand_in(DEALINGS_DOOR, dealt)
    _complain(node, doors, complaints)


def _keep(node: Node, doors: Doors, body: Document) -> None:
    assert isinstance(body, ParcelsOffered)
    _complain(node, doors, keep_parcels(node, body))


def _complain(node: Node, doors: Doors, complaints: tuple[Envelope, ...]) -> None:
    for complaint in complaints:
        doors.hand_in(COMPLAINTS_DOOR, write_envelope(complaint))
    record_complaints(node, complaints)


def _contribute(node: Node, doors: Doors, body: Document) -> None:
    assert isinstance(body, SumWanted)
    answer = answer_sum(node, body)
    if answer is None:
        return
    if answer.refused:
        doors.send_reply(answer.body)
    else:
        doors.hand_in(name_door(answer.manifest_digest, "contribution"), answer.body)


def _give_up(node: Node, doors: Doors, body: Document) -> None:
    assert isinstance(body, AbortWanted)
    _hand_in(doors, "abort", sign_abort(node, body))


def _hand_in(doors: Doors, step: str, said: tuple[str, bytes] | None) -> None:
    """Answer at the door of a step, or with nothing."""
    if said is not None:
        doors.hand_in(name_door(said[0], step), said[1])


Act = Callable[[Node, Doors, Document], None]


def _say(step: str, act: Callable[[Node, Envelope], tuple[str, bytes] | None]) -> Act:
    """Answer a statement at the door of its step."""

    def say(node: Node, doors: Doors, body: Document) -> None:
        assert isinstance(body, StatementOffered)
        _hand_in(doors, step, act(node, body.statement))

    return say


ACTS: Mapping[DeliveryKind, Act] = MappingProxyType(
    {
        DeliveryKind.PREKEYS_WANTED: _publish,
        DeliveryKind.PREKEYS: _pair,
        DeliveryKind.PAIRINGS: _accept,
        DeliveryKind.DEAL: _deal,
        DeliveryKind.PARCELS: _keep,
        DeliveryKind.SUM: _contribute,
        DeliveryKind.SURVIVORS: _say("survivors", sign_survivors),
        DeliveryKind.OPENING: _say("reveal", reveal_shares),
        DeliveryKind.ABORT: _give_up,
    }
)
"""What is done about each kind of delivery of a sum."""

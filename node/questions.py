"""Questions on the desk: those that were delivered, and those that one of our officers has decided about since."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from federation.envelope import decode_base64
from federation.exchange import Delivery, DeliveryKind
from federation.hub_line import HubUnreachable
from federation.transport import HubConnection
from node.answering import acknowledge
from node.attempts import attempt, send_for_good
from node.desk import Desk
from node.leaving.holding import close_expired, is_due, list_due, note_done
from node.service import Node

log = logging.getLogger("circe.node")


def is_question(delivery: Delivery) -> bool:
    """Whether a delivery is answered at the desk: by rows of our own."""
    return delivery.kind is DeliveryKind.MANIFEST


def take_questions(node: Node, hub: HubConnection, deliveries: Sequence[Delivery], desk: Desk) -> bool:
    """Put on the desk what is to be answered there and has room, and return whether any of it is new."""
    taken = False
    for delivery in filter(is_question, deliveries):
        number, size = delivery.delivery_id, len(delivery.body)
        # In this order: what is done is noted as finished before it is taken off the desk.
        if number not in desk and number not in desk.finished and desk.has_room(size):
            desk.take(number, partial(_answer_delivered, node, hub, delivery, desk), size)
            taken = True
    return taken


def take_decided(node: Node, hub: HubConnection, desk: Desk) -> None:
    """Put on the desk what one of our officers has decided about since."""
    close_expired(node)
    for digest, manifest in list_due(node):
        desk.take(digest, partial(_answer_decided, node, hub, digest, manifest, desk))


def _answer_delivered(node: Node, hub: HubConnection, delivery: Delivery, desk: Desk) -> bool:
    """Answer a question that waits in our inbox; return whether that was done."""
    done = False
    with suppress(HubUnreachable):  # Our line to the hub says so, again and again.
        done = attempt(node, delivery, lambda: _answer(node, hub, decode_base64(delivery.body), desk))
    desk.finished.add(delivery, if_done=done)
    return done


def _answer_decided(node: Node, hub: HubConnection, digest: str, manifest: bytes, desk: Desk) -> bool:
    """Answer a question that was held here; return whether that was done."""
    try:
        if is_due(node, digest):  # It may have been answered since it was listed, or its time may be up.
            _answer(node, hub, manifest, desk)
            note_done(node, digest)
    except Exception as error:
        log.warning("%s: a decided query waits: %s", node.party.member_id, type(error).__name__)
        return False
    return True


def _answer(node: Node, hub: HubConnection, manifest: bytes, desk: Desk) -> None:
    reply = desk.answer(node, manifest)
    if reply is not None:
        send_for_good(node, partial(hub.send_reply, reply))
        acknowledge(node, reply)

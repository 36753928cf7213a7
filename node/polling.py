"""The node's day: ask the hub what is waiting, deal with it, and ask again.

Everything is safe to do twice, so any failure is answered by waiting a little and asking again. A delivery is taken out
of the inbox only once it has been dealt with, and one that cannot be does not stand in the way of the others.
"""

import logging
import threading
from contextlib import closing

from audit.event import Action
from federation.envelope import decode_base64
from federation.exchange import Delivery, DeliveryKind, Inbox
from federation.register import RegisterError
from federation.state import StateError
from federation.transport import (
    LONG_POLL_SECONDS,
    NO_REASON,
    HubConnection,
    HubRefused,
    HubUnreachable,
    connect_party,
)
from node.answering import acknowledge, answer_manifest
from node.lookups import answer_lookup
from node.service import Node

log = logging.getLogger("circe.node")

FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 15.0

FINAL = frozenset({400, 403, 404, 409, 413, 422})
"""Statuses with which a hub says that it will not take a reply, now or later."""


class DeliveriesLeft(Exception):
    """Something that was waiting could not be dealt with, and is waiting still."""


FORESEEN = (DeliveriesLeft, HubUnreachable, HubRefused, RegisterError, StateError)
"""What may go wrong between two polls; the texts of these are safe to log."""


def serve_node(node: Node, stop: threading.Event) -> None:
    """Serve a node until told to stop, whatever happens to the hub in between."""
    pause = FIRST_PAUSE_SECONDS
    with closing(connect_party(node.party, clock=node.clock)) as hub, closing(node.database):
        while not stop.is_set():
            try:
                refresh_register(node, hub)
                deal_with(node, hub, hub.fetch_inbox(wait=LONG_POLL_SECONDS))
                pause = FIRST_PAUSE_SECONDS
            except Exception as error:
                # Whatever it is, the node goes on asking. Of what nobody foresaw the kind alone is told, since its text
                # could quote a value.
                foreseen = isinstance(error, FORESEEN)
                reason = str(error) if foreseen else type(error).__name__
                level = logging.WARNING if foreseen else logging.ERROR
                log.log(level, "%s: %s; trying again in %.0f s", node.party.member_id, reason, pause)
                stop.wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def refresh_register(node: Node, hub: HubConnection) -> None:
    """Fetch the register and keep it if it is newer; log when it is."""
    path = node.party.directory / "register.json"
    before = path.read_bytes() if path.exists() else b""
    register = node.party.adopt_register(hub.fetch_register(), node.clock())
    if path.read_bytes() != before:
        node.record(node.event(Action.REGISTER_ADOPTED, node.party.member_id, f"register-{register.version}"))


def deal_with(node: Node, hub: HubConnection, inbox: Inbox) -> None:
    """Deal with everything that was waiting, oldest first. Raises `DeliveriesLeft` when something is left."""
    if inbox.register_version > node.register().version:
        refresh_register(node, hub)
    dealt_with = [_deal_with_one(node, hub, delivery) for delivery in inbox.deliveries]
    if not all(dealt_with):
        raise DeliveriesLeft(f"{dealt_with.count(False)} of {len(dealt_with)} deliveries are left for now")


def _deal_with_one(node: Node, hub: HubConnection, delivery: Delivery) -> bool:
    """Deal with a delivery, and return whether that is done."""
    try:
        if delivery.kind is DeliveryKind.MANIFEST:
            _deal_with_manifest(node, hub, delivery)
        else:
            _deal_with_lookup(node, hub, delivery)
    except HubUnreachable:
        raise
    except Exception as error:
        # The hub's own words may be shown; an unforeseen error's could quote a value.
        reason = str(error) if isinstance(error, HubRefused) else type(error).__name__
        log.warning("%s: delivery %d is left: %s", node.party.member_id, delivery.delivery_id, reason)
        return False
    return True


def _deal_with_manifest(node: Node, hub: HubConnection, delivery: Delivery) -> None:
    reply = answer_manifest(node, decode_base64(delivery.body))
    if reply is not None:
        try:
            hub.send_reply(reply)
        except HubRefused as refused:
            # A reason that is not the hub's own may be that of a proxy in between, which knows nothing of the reply.
            if refused.problem.status not in FINAL or refused.problem.code == NO_REASON:
                raise
            log.warning("%s: the hub does not take a reply: %s", node.party.member_id, refused)
        acknowledge(node, reply)
    hub.finish_delivery(delivery.delivery_id)


def _deal_with_lookup(node: Node, hub: HubConnection, delivery: Delivery) -> None:
    sealed = answer_lookup(node, delivery)
    if sealed is None:
        hub.finish_delivery(delivery.delivery_id)
    else:
        hub.answer_lookup(delivery.lookup_id, sealed)

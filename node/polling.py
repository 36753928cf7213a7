"""The node's day: ask the hub what is waiting, deal with it, and ask again.

Everything is safe to do twice, so any failure is answered by waiting a little and asking again. A delivery is taken out
of the inbox only once it has been dealt with.
"""

import logging
import threading
from base64 import b64decode
from contextlib import closing

from audit.event import Action
from federation.exchange import Delivery, DeliveryKind, Inbox
from federation.register import RegisterError
from federation.state import StateError
from federation.transport import LONG_POLL_SECONDS, HubConnection, HubRefused, HubUnreachable, connect_party
from node.answering import acknowledge, answer_manifest
from node.lookups import answer_lookup
from node.service import Node

log = logging.getLogger("circe.node")

FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 15.0


def serve_node(node: Node, stop: threading.Event) -> None:
    """Serve a node until told to stop, whatever happens to the hub in between."""
    pause = FIRST_PAUSE_SECONDS
    with closing(connect_party(node.party, clock=node.clock)) as hub, closing(node.database):
        while not stop.is_set():
            try:
                refresh_register(node, hub)
                deal_with(node, hub, hub.fetch_inbox(wait=LONG_POLL_SECONDS))
                pause = FIRST_PAUSE_SECONDS
            except (HubUnreachable, HubRefused, RegisterError, StateError) as error:
                log.warning("%s: %s; trying again in %.0f s", node.party.member_id, error, pause)
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
    """Deal with everything that was waiting, oldest first."""
    if inbox.register_version > node.register().version:
        refresh_register(node, hub)
    for delivery in inbox.deliveries:
        if delivery.kind is DeliveryKind.MANIFEST:
            _deal_with_manifest(node, hub, delivery)
        else:
            _deal_with_lookup(node, hub, delivery)


def _deal_with_manifest(node: Node, hub: HubConnection, delivery: Delivery) -> None:
    reply = answer_manifest(node, b64decode(delivery.body))
    if reply is not None:
        hub.send_reply(reply)
        acknowledge(node, reply)
    hub.finish_delivery(delivery.delivery_id)


def _deal_with_lookup(node: Node, hub: HubConnection, delivery: Delivery) -> None:
    sealed = answer_lookup(node, delivery)
    if sealed is None:
        hub.finish_delivery(delivery.delivery_id)
    else:
        hub.answer_lookup(delivery.lookup_id, sealed)

"""Whether a node can serve at the moment, for a load balancer or a service manager: open to all, and says no more."""

import sqlite3
from contextlib import closing

from flask import Blueprint, Response, current_app

from audit.log import LogError, LogUnreadable, read_head
from federation.hub_line import HubRefused, HubUnreachable
from federation.register import RegisterError
from federation.state import StateError
from federation.tls import TlsInvalid
from federation.transport import connect_party
from federation.web.description import describes
from federation.web.health_word import say_health
from node.own_policy import find_trouble
from node.service import Node
from node.snapshots import SnapshotDamaged, SnapshotMissing

health = Blueprint("health", __name__)


@health.get("/health")
@describes(gives="text/plain", otherwise={503: "text/plain"})
def send_health() -> Response:
    """Say "ok" where log, register, policy and snapshot are as they should be; else what fails, with status 503."""
    node: Node = current_app.extensions["node"]
    return say_health(find_failing(node))


def find_failing(node: Node) -> str:
    """Return what keeps a node from serving, in a word; empty where nothing does.

    The hub is not asked: a node's own people are shown its own children while the hub is away. Nor is a snapshot
    missing from a node that has loaded nothing yet.
    """
    try:
        read_head(node.database.connection)
    except (LogError, LogUnreadable, sqlite3.Error):
        return "database"
    try:
        node.register()
    except (RegisterError, StateError):
        return "register"
    if find_trouble(node):
        return "policy"
    try:
        node.store.current()
    except (OSError, SnapshotDamaged, SnapshotMissing):
        return "snapshot"
    return ""


def find_failing_with_hub(node: Node) -> str:
    """Return what keeps a node from serving its people or the federation: the hub too, if that does not know it."""
    if failing := find_failing(node):
        return failing
    try:
        with closing(connect_party(node.party, clock=node.clock)) as hub:
            hub.fetch_inbox(wait=0)
    except (HubRefused, HubUnreachable, StateError, TlsInvalid):
        return "hub"
    return ""

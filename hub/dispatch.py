"""Dispatch: what waits for each node, and the replies that come back.

Everything handed to a node stays in its inbox until the node has dealt with it, so a node that was away, or a hub that
was restarted, goes on where it stopped. A reply counts once however often it is sent, and only if the node signed it.
"""

import base64
import sqlite3
from collections.abc import Mapping
from datetime import datetime

from audit.event import Action, AuditEvent, Outcome
from federation.envelope import EnvelopeError, read_envelope, verify_signature
from federation.exchange import Delivery, DeliveryKind, Inbox
from federation.manifest import REPLY_TYPE, Manifest, Reply
from federation.manifest import Outcome as ReplyOutcome
from federation.problems import ProblemRaised
from federation.register import Member
from federation.wire import WireError, decode_document
from hub.service import Hub, stamp

MOST_AT_ONCE = 64
"""How many deliveries one poll returns at most."""


def deliver_manifest(hub: Hub, connection: sqlite3.Connection, manifest: Manifest, envelope: bytes) -> None:
    """Put an approved manifest into the inbox of every node of its roster, inside the caller's transaction."""
    connection.executemany(
        "INSERT INTO deliveries (receiver, kind, lookup_id, sender, body, expires_at) VALUES (?, ?, '', '', ?, ?)",
        [(node, DeliveryKind.MANIFEST, envelope, stamp(manifest.expires_at)) for node in manifest.roster],
    )
    event = hub.event(
        Action.QUERY_OFFERED, hub.party.member_id, manifest.query_id, nodes=len(manifest.roster), preset=manifest.preset
    )
    hub.database.log.append(connection, event)


def read_inbox(hub: Hub, node: Member, now: datetime) -> Inbox:
    """Return what waits for a node, oldest first; what has expired is no longer offered."""
    rows = hub.database.connection.execute(
        "SELECT * FROM deliveries WHERE receiver = ? AND expires_at > ? ORDER BY delivery_id LIMIT ?",
        (node.id, stamp(now), MOST_AT_ONCE),
    )
    deliveries = tuple(
        Delivery(
            delivery_id=row["delivery_id"],
            kind=DeliveryKind(row["kind"]),
            lookup_id=row["lookup_id"],
            sender=row["sender"],
            body=base64.b64encode(row["body"]).decode(),
        )
        for row in rows
    )
    return Inbox(register_version=hub.register().version, deliveries=deliveries)


def has_deliveries(hub: Hub, node: Member, now: datetime) -> bool:
    """Whether anything waits for a node."""
    found = hub.database.connection.execute(
        "SELECT 1 FROM deliveries WHERE receiver = ? AND expires_at > ? LIMIT 1", (node.id, stamp(now))
    )
    return found.fetchone() is not None


def finish_delivery(hub: Hub, node: Member, delivery_id: int) -> None:
    """Take a delivery out of a node's own inbox; doing so twice does nothing."""
    with hub.database.transaction() as connection:
        connection.execute("DELETE FROM deliveries WHERE delivery_id = ? AND receiver = ?", (delivery_id, node.id))


def accept_reply(hub: Hub, node: Member, data: bytes) -> str:
    """Keep a node's signed reply and return its query's id. The first reply counts, and a repeated one is no error."""
    reply = _read_signed(node, data)
    with hub.database.transaction() as connection:
        row = connection.execute(
            "SELECT query_id, state FROM queries WHERE digest = ?", (reply.manifest_digest,)
        ).fetchone()
        if row is None or row["query_id"] != reply.query_id:
            raise ProblemRaised(404, "query_unknown", "the reply belongs to no query of this hub")
        added = connection.execute(
            "INSERT OR IGNORE INTO replies VALUES (?, ?, ?, ?)",
            (reply.manifest_digest, node.id, data, stamp(hub.clock())),
        ).rowcount
        if added and row["state"] == "running":
            hub.database.log.append(connection, _reply_event(hub, node, reply))
    hub.bell.ring()
    return reply.query_id


def _reply_event(hub: Hub, node: Member, reply: Reply) -> AuditEvent:
    answered = reply.outcome is ReplyOutcome.ANSWERED
    return hub.event(
        Action.QUERY_ANSWERED if answered else Action.QUERY_REFUSED,
        node.id,
        reply.query_id,
        outcome=Outcome.DONE if answered else Outcome.REFUSED,
        code=reply.code,
        snapshot=reply.snapshot,
    )


def _read_signed(node: Member, data: bytes) -> Reply:
    try:
        envelope = read_envelope(data, REPLY_TYPE)
        verify_signature(envelope, node.id, node.public_signing_key)
        reply = decode_document(envelope.body, Reply)
    except (EnvelopeError, WireError) as error:
        raise ProblemRaised(400, "reply_malformed", str(error)) from None
    if reply.node != node.id or (reply.authority,) != node.authorities:
        raise ProblemRaised(403, "reply_of_another", "a node replies for itself and its own authority alone")
    return reply


def read_replies(hub: Hub, digest: str) -> Mapping[str, Reply]:
    """Return the replies to a manifest by node."""
    rows = hub.database.connection.execute("SELECT node, envelope FROM replies WHERE digest = ?", (digest,))
    return {row["node"]: decode_document(read_envelope(row["envelope"], REPLY_TYPE).body, Reply) for row in rows}

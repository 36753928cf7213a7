"""Dispatch: what waits for each node, and the replies that come back.

Everything handed to a node stays in its inbox until the node has dealt with it, so a node that was away, or a hub that
was restarted, goes on where it stopped. A reply counts once however often it is sent, and only if a node of the roster
signed it in time.
"""

import base64
from collections.abc import Collection, Mapping
from datetime import datetime
from operator import itemgetter

from audit.connection import Connection, Row
from audit.event import Action, AuditEvent, EventInvalid, Outcome, check_typed
from federation.database import stamp
from federation.envelope import Envelope, EnvelopeError, read_envelope, verify_signature, write_envelope
from federation.exchange import MOST_AT_ONCE, Delivery, DeliveryKind, Inbox, NodeProgress, QueryState
from federation.manifest import REPLY_TYPE, Reply
from federation.manifest import Outcome as ReplyOutcome
from federation.problems import ProblemRaised
from federation.register import Member
from federation.replies import clean_text
from federation.wire import WireError, decode_document
from hub.manifests import read_stored
from hub.queries import StoredQuery
from hub.query_states import move_query
from hub.sealing_keys import read_keys
from hub.service import Hub


def offer_manifest(hub: Hub, query: StoredQuery) -> None:
    """Put an approved query's manifest into the inbox of every node of its roster, once: from then on it is running."""
    manifest = query.manifest
    with hub.database.transaction() as connection:
        if not move_query(connection, query.query_id, QueryState.APPROVED, QueryState.RUNNING):
            return
        bodies = dict.fromkeys(manifest.roster, write_envelope(query.envelope))
        deliver(connection, DeliveryKind.MANIFEST, bodies, reference=query.digest, expires_at=manifest.expires_at)
        event = hub.event(
            Action.QUERY_OFFERED,
            hub.party.member_id,
            query.query_id,
            nodes=len(manifest.roster),
            preset=manifest.preset,
        )
        hub.database.log.append(connection, event)
    hub.bell.ring(query.query_id, *manifest.roster)


def deliver(
    connection: Connection,
    kind: DeliveryKind,
    bodies: Mapping[str, bytes],
    *,
    reference: str,
    expires_at: datetime,
) -> None:
    """Put a body into each receiver's inbox, inside the caller's transaction; `reference` says what it is about."""
    connection.executemany(
        "INSERT INTO deliveries (receiver, kind, lookup_id, sender, body, expires_at) VALUES (?, ?, ?, '', ?, ?)",
        [(receiver, kind, reference, body, stamp(expires_at)) for receiver, body in bodies.items()],
    )


def withdraw(connection: Connection, reference: str) -> None:
    """Take whatever is about the same out of every inbox, inside the caller's transaction: its time is over."""
    connection.execute("DELETE FROM deliveries WHERE lookup_id = ?", (reference,))


def take_back_manifest(connection: Connection, digest: str) -> None:
    """Take a manifest out of every inbox, inside the caller's transaction: nobody waits for answers to it."""
    connection.execute("DELETE FROM deliveries WHERE kind = ? AND lookup_id = ?", (DeliveryKind.MANIFEST, digest))


def pending_receivers(hub: Hub, kind: DeliveryKind, reference: str, now: datetime) -> frozenset[str]:
    """Return the nodes in whose inboxes something of a kind still waits that is about the same."""
    rows = hub.database.connection.execute(
        "SELECT receiver FROM deliveries WHERE lookup_id = ? AND kind = ? AND expires_at > ?",
        (reference, kind, stamp(now)),
    )
    return frozenset(row["receiver"] for row in rows)


def read_inbox(hub: Hub, node: Member, now: datetime, in_hand: Collection[int] = ()) -> Inbox:
    """Return what waits for a node and is not `in_hand`; what has expired is no longer offered.

    Of more than one poll returns, queries are left for the next, since they take long; what it returns is in its order.
    """
    waits, parameters = _select_waiting(node, now, in_hand)
    rows = hub.database.connection.execute(
        f"SELECT * FROM deliveries WHERE {waits} ORDER BY kind = ?, delivery_id LIMIT ?",  # noqa: S608 - question marks alone
        (*parameters, DeliveryKind.MANIFEST, MOST_AT_ONCE),
    )
    deliveries = tuple(
        Delivery(
            delivery_id=row["delivery_id"],
            kind=DeliveryKind(row["kind"]),
            lookup_id=row["lookup_id"],
            sender=row["sender"],
            body=base64.b64encode(row["body"]).decode(),
        )
        for row in sorted(rows, key=itemgetter("delivery_id"))
    )
    senders = {delivery.sender for delivery in deliveries if delivery.kind is DeliveryKind.LOOKUP}
    return Inbox(register_version=hub.register().version, deliveries=deliveries, sealing_keys=read_keys(hub, senders))


def has_deliveries(hub: Hub, node: Member, now: datetime, in_hand: Collection[int] = ()) -> bool:
    """Whether anything waits for a node that is not `in_hand`."""
    waits, parameters = _select_waiting(node, now, in_hand)
    found = hub.database.connection.execute(f"SELECT 1 FROM deliveries WHERE {waits} LIMIT 1", parameters)  # noqa: S608
    return found.fetchone() is not None


def _select_waiting(node: Member, now: datetime, in_hand: Collection[int]) -> tuple[str, tuple[str | int, ...]]:
    """The condition of what waits for a node, with its parameters."""
    others = f" AND delivery_id NOT IN ({', '.join('?' * len(in_hand))})" if in_hand else ""
    return f"receiver = ? AND expires_at > ?{others}", (node.id, stamp(now), *in_hand)


def finish_deliveries(hub: Hub, node: Member, done: Collection[int]) -> None:
    """Take deliveries out of a node's own inbox; doing so twice does nothing."""
    mine = f"receiver = ? AND delivery_id IN ({', '.join('?' * len(done))})"
    found = hub.database.connection.execute(f"SELECT 1 FROM deliveries WHERE {mine} LIMIT 1", (node.id, *done))  # noqa: S608
    # A reply that was accepted took its delivery along: then there is nothing to wait one's turn for.
    if found.fetchone() is not None:
        with hub.database.transaction() as connection:
            connection.execute(f"DELETE FROM deliveries WHERE {mine}", (node.id, *done))  # noqa: S608


def accept_reply(hub: Hub, node: Member, data: bytes) -> Reply:
    """Keep a node's signed reply and return it. The first reply counts, and a repeated one is no error.

    That a query is held is none: it is noted, for whoever looks, and the node's reply is awaited as before.
    Raises a 404 problem unless the query was offered to this node, and a 409 problem when no reply is awaited any more.
    """
    reply = _read_signed(node, data, hub.clock())
    with hub.database.transaction() as connection:
        row = connection.execute(
            "SELECT * FROM queries WHERE digest = ? AND query_id = ?", (reply.manifest_digest, reply.query_id)
        ).fetchone()
        if row is None or node.id not in read_stored(bytes(row["envelope"]))[1].roster:
            raise ProblemRaised(404, "query_unknown", "the reply belongs to no query that was offered to you")
        if not _has_replied(connection, reply.manifest_digest, node):
            _check_awaited(row, stamp(hub.clock()))
            if reply.outcome is ReplyOutcome.HELD:
                _keep_held(hub, connection, reply)
            else:
                _keep_reply(hub, connection, reply, data)
        _finish_manifest(connection, node, reply.manifest_digest)
    hub.bell.ring(reply.query_id)
    return reply


def _has_replied(connection: Connection, digest: str, node: Member) -> bool:
    found = connection.execute("SELECT 1 FROM replies WHERE digest = ? AND node = ?", (digest, node.id))
    return found.fetchone() is not None


def _finish_manifest(connection: Connection, node: Member, digest: str) -> None:
    """Take a manifest that was replied to out of the node's inbox, so that it need not be said in another request."""
    mine = (node.id, DeliveryKind.MANIFEST, digest)
    connection.execute("DELETE FROM deliveries WHERE receiver = ? AND kind = ? AND lookup_id = ?", mine)


def _check_awaited(row: Row, now: str) -> None:
    if row["state"] != QueryState.RUNNING or row["expires_at"] <= now:
        raise ProblemRaised(409, "not_awaited", "the query is not running, or its time is up: no reply is awaited")


def _keep_reply(hub: Hub, connection: Connection, reply: Reply, data: bytes) -> None:
    said = NodeProgress(
        node=reply.node,
        authority=reply.authority,
        outcome=reply.outcome,
        code=reply.code,
        text=clean_text(reply.text),
    )
    keep_progress(connection, reply.manifest_digest, said, data, hub.clock())
    hub.database.log.append(connection, _reply_event(hub, reply))


def _keep_held(hub: Hub, connection: Connection, reply: Reply) -> None:
    """Note, once, that a node has set a query aside for its officer."""
    row = (reply.manifest_digest, reply.node, reply.authority, clean_text(reply.text), stamp(hub.clock()))
    fresh = connection.execute("INSERT INTO held_at_nodes VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", row)
    if fresh.rowcount:
        event = hub.event(Action.QUERY_HELD, reply.node, reply.query_id, outcome=Outcome.HELD, code=reply.code)
        hub.database.log.append(connection, event)


def keep_progress(connection: Connection, digest: str, said: NodeProgress, envelope: bytes, now: datetime) -> None:
    """Keep what a node signed in answer to a manifest, inside the caller's transaction.

    Where it stands is kept beside it, so that nobody has to open hundreds of tables to say who has answered.
    """
    row = (digest, said.node, said.authority, said.outcome, said.code, said.text, stamp(now), envelope)
    connection.execute(
        "INSERT INTO replies (digest, node, authority, outcome, code, text, received_at, envelope) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (digest, node) DO UPDATE SET outcome = excluded.outcome, "
        "code = excluded.code, text = excluded.text, received_at = excluded.received_at, envelope = excluded.envelope",
        row,
    )


def _reply_event(hub: Hub, reply: Reply) -> AuditEvent:
    answered = reply.outcome is ReplyOutcome.ANSWERED
    return hub.event(
        Action.QUERY_ANSWERED if answered else Action.QUERY_REFUSED,
        reply.node,
        reply.query_id,
        outcome=Outcome.DONE if answered else Outcome.REFUSED,
        code=reply.code,
        snapshot=reply.snapshot,
    )


def _read_signed(node: Member, data: bytes, now: datetime) -> Reply:
    try:
        envelope = read_envelope(data, REPLY_TYPE)
        verify_signature(envelope, node.id, node.public_signing_key)
        reply = decode_document(envelope.body, Reply)
    except (EnvelopeError, WireError) as error:
        raise ProblemRaised(400, "reply_malformed", str(error)) from None
    try:
        check_typed("code", reply.code)  # Why a query ended is told by it, and could not be logged: it would never end.
    except EventInvalid as error:
        raise ProblemRaised(422, "not_loggable", str(error)) from None
    if envelope.signers != (node.id,):
        raise ProblemRaised(400, "reply_malformed", "a reply carries the node's own signature alone")
    if reply.node != node.id or reply.authority != node.authority(now):
        raise ProblemRaised(403, "reply_of_another", "a node replies for itself and its own authority alone")
    return reply


def read_replies(hub: Hub, digest: str) -> Mapping[str, Reply]:
    """Return the whole replies to a manifest by node, tables included."""
    rows = hub.database.connection.execute("SELECT node, envelope FROM replies WHERE digest = ?", (digest,))
    return {row["node"]: decode_document(read_envelope(row["envelope"], REPLY_TYPE).body, Reply) for row in rows}


def read_signed_replies(hub: Hub, digest: str) -> Mapping[str, Envelope]:
    """Return the replies to a manifest as the nodes signed them, by node."""
    rows = hub.database.connection.execute("SELECT node, envelope FROM replies WHERE digest = ?", (digest,))
    return {row["node"]: decode_document(row["envelope"], Envelope) for row in rows}


def read_refusals(hub: Hub, digest: str) -> tuple[Envelope, ...]:
    """Return the refusals of a manifest as the nodes signed them."""
    rows = hub.database.connection.execute(
        "SELECT envelope FROM replies WHERE digest = ? AND outcome = ? ORDER BY node", (digest, ReplyOutcome.REFUSED)
    )
    return tuple(decode_document(row["envelope"], Envelope) for row in rows)


def read_progress(hub: Hub, digest: str) -> Mapping[str, NodeProgress]:
    """Return what each node that has replied to a manifest said, by node, without opening the replies."""
    rows = hub.database.connection.execute(
        "SELECT node, authority, outcome, code, text FROM replies WHERE digest = ?", (digest,)
    )
    return {row["node"]: NodeProgress(**dict(row)) for row in rows}


def read_held(hub: Hub, digest: str) -> Mapping[str, NodeProgress]:
    """Return the nodes that have set a manifest aside for an officer, whatever they have replied since."""
    rows = hub.database.connection.execute(
        "SELECT node, authority, text FROM held_at_nodes WHERE digest = ?", (digest,)
    )
    told = {"outcome": ReplyOutcome.HELD.value, "code": ReplyOutcome.HELD.value}
    return {row["node"]: NodeProgress(**dict(row), **told) for row in rows}

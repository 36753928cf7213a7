"""Release: the nodes' protected tables put side by side, checked again, and made into one immutable document.

Every node of the roster has its rows in the release: a node that refused, was late or sent something malformed has
`x` (unavailable) in every one of them, and is named with the reason.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from audit.connection import Connection
from audit.event import Action
from disclosure_control.model_release import ReleasedModel
from disclosure_control.release import ReleasedTable, ReleaseRefused
from federation.envelope import Envelope
from federation.exchange import QueryState, ReleaseDocument
from federation.manifest import Reply
from federation.problems import ProblemRaised
from federation.releases import MALFORMED, combine_tables, load_approved_preset
from federation.wire import encode_document, whole_seconds
from hub.dispatch import read_progress, read_replies, read_signed_replies
from hub.queries import StoredQuery, describe_nodes
from hub.service import Hub
from query_engine.planning.plan import QueryPlan

_NOBODY: Mapping[str, Reply] = MappingProxyType({})


def release_query(hub: Hub, query: StoredQuery, now: datetime) -> None:
    """Combine, check and release a query's table, once; a second call finds it released and does nothing.

    Raises `ReleaseRefused` where the tables cannot be released together.
    """
    replies = read_replies(hub, query.digest)
    table = combine_replies(hub, query, replies)
    shown = _replies_to_show(hub, query, table, replies)
    with hub.database.transaction() as connection:
        # A reply that came in while the others were combined is not left out: the next poll begins again with it.
        if read_progress(hub, query.digest).keys() != replies.keys():
            return
        keep_release(hub, connection, query, table, shown, now)
    hub.bell.ring(query.query_id)


def keep_release(
    hub: Hub,
    connection: Connection,
    query: StoredQuery,
    table: ReleasedTable | ReleasedModel,
    signed: tuple[Envelope, ...],
    now: datetime,
    opening: Envelope | None = None,
) -> None:
    """Store a release with what the nodes signed for it, inside the caller's transaction, unless one is there."""
    if not _move_to_released(connection, query):
        return
    release_id = name_release(query, table)
    event = hub.event(Action.QUERY_RELEASED, hub.party.member_id, query.query_id, release=release_id)
    hub.database.log.append(connection, event)
    document = ReleaseDocument(
        release_id=release_id,
        query_id=query.query_id,
        manifest_digest=query.digest,
        sql=query.manifest.sql,
        purpose=query.manifest.purpose,
        released_at=whole_seconds(now),
        table=table.to_json(),
        nodes=describe_nodes(hub, query),
        replies=signed,
        opening=opening,
        checkpoint=hub.database.log.latest_checkpoint(connection),
    )
    connection.execute("INSERT INTO releases VALUES (?, ?, ?)", (query.query_id, release_id, encode_document(document)))


def _replies_to_show(
    hub: Hub, query: StoredQuery, table: ReleasedTable, replies: Mapping[str, Reply]
) -> tuple[Envelope, ...]:
    """Return what the nodes signed. A malformed answer stays here: what it holds may not have been protected."""
    signed = read_signed_replies(hub, query.digest)
    return tuple(signed[node] for node in sorted(replies) if table.absent.get(replies[node].authority) != MALFORMED)


def _move_to_released(connection: Connection, query: StoredQuery) -> bool:
    moved = connection.execute(
        "UPDATE queries SET state = ? WHERE query_id = ? AND state = ?",
        (QueryState.RELEASED, query.query_id, QueryState.RUNNING),
    )
    return moved.rowcount == 1


def combine_replies(hub: Hub, query: StoredQuery, replies: Mapping[str, Reply]) -> ReleasedTable:
    """Put the nodes' protected tables side by side, each checked against plan and preset again.

    Raises `ReleaseRefused` where plan or preset are not what was approved, or a node has no authority of its own.
    """
    preset = load_approved_preset(query.manifest, hub.party.presets)
    return combine_tables(_derive_plan(query), preset, replies, find_authorities(hub, query, replies))


def _derive_plan(query: StoredQuery) -> QueryPlan:
    try:
        plan = query.plan
    except ProblemRaised:
        plan = None
    if plan is None or plan.plan_id != query.manifest.plan_id:
        raise ReleaseRefused("the plan derived here from the SQL is not the one that was approved")
    return plan


def find_authorities(hub: Hub, query: StoredQuery, replies: Mapping[str, Reply] = _NOBODY) -> Mapping[str, str]:
    """Return whose rows each node answers for: what it replied as, or whom the register has it serve when asked."""
    asked_at = query.manifest.issued_at
    registered = {member.id: member.authority(asked_at) for member in hub.register().members}
    served = {
        node: replies[node].authority if node in replies else registered.get(node, "") for node in query.manifest.roster
    }
    if len(set(served.values())) != len(served) or not all(served.values()):
        raise ReleaseRefused("the nodes of the roster do not each serve an authority of their own")
    return served


def name_release(query: StoredQuery, table: ReleasedTable | ReleasedModel) -> str:
    """Return the release's citable id, made from what was asked and what is released."""
    content = query.digest.encode() + b"\n" + json.dumps(table.to_json(), sort_keys=True).encode()
    return f"R-{hashlib.sha256(content).hexdigest()[:16]}"


def find_release(hub: Hub, query: StoredQuery) -> bytes:
    """Return a query's release document. Raises a 404 problem while there is none."""
    row = hub.database.connection.execute(
        "SELECT document FROM releases WHERE query_id = ?", (query.query_id,)
    ).fetchone()
    if row is None:
        raise ProblemRaised(404, "not_released", f"the query is {query.state}: nothing has been released")
    document: bytes = row["document"]
    return document

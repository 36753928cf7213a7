"""Release: the nodes' protected tables put side by side, checked again, and made into one immutable document.

Every node of the roster has its rows in the release: a node that refused, was late or sent something malformed has
`x` (unavailable) in every one of them, and is named with the reason.
"""

import hashlib
import logging
from collections.abc import Mapping
from datetime import datetime

from audit.connection import Connection
from audit.event import Action, Outcome
from disclosure_control.release import ReleasedTable, ReleaseRefused
from federation.envelope import Envelope
from federation.exchange import QueryState, ReleaseDocument
from federation.manifest import Outcome as ReplyOutcome
from federation.manifest import Reply
from federation.problems import ProblemRaised
from federation.releases import MALFORMED, combine_tables, load_approved_preset
from federation.wire import encode_document, whole_seconds
from hub.dispatch import read_progress, read_replies, read_signed_replies
from hub.queries import StoredQuery, describe_nodes, due_queries
from hub.relay import delete_expired
from hub.service import Hub, describe_error
from query_engine.planning.plan import QueryPlan

log = logging.getLogger("circe.hub")


def settle_query(hub: Hub, query_id: str) -> None:
    """Release a running query once every node of its roster has answered."""
    if not any(query.query_id == query_id for query in due_queries(hub, hub.clock())):
        return
    with hub.settling:
        for query in due_queries(hub, hub.clock()):
            if query.query_id == query_id:
                _settle(hub, query, hub.clock())


def settle_due(hub: Hub, now: datetime) -> None:
    """Settle what is due: release what nodes have answered, and say of the rest what became of it."""
    # While another thread settles there is nothing to do here: it sees what is due, or the next poll does.
    if hub.settling.acquire(blocking=False):
        try:
            for query in due_queries(hub, now):
                _settle(hub, query, now)
        finally:
            hub.settling.release()
    delete_expired(hub, now)


def _settle(hub: Hub, query: StoredQuery, now: datetime) -> None:
    """Settle one query. Whatever goes wrong with it stays with it: the polls of all nodes come by here."""
    try:
        if query.state is QueryState.RUNNING:
            finish_query(hub, query, now)
        else:
            _close_query(hub, query, QueryState.EXPIRED, Action.QUERY_EXPIRED)
    except Exception as error:
        log.error("%s cannot be settled now: %s", query.query_id, describe_error(error))  # noqa: TRY400 - no traceback


def finish_query(hub: Hub, query: StoredQuery, now: datetime) -> None:
    """Release a running query if any node has answered it; otherwise there is nothing to release.

    A table that the release gate refuses is withheld for good.
    """
    answered = any(said.outcome == ReplyOutcome.ANSWERED for said in read_progress(hub, query.digest).values())
    if not answered:
        _close_query(hub, query, QueryState.UNFINISHED, Action.QUERY_UNFINISHED)
        return
    try:
        release_query(hub, query, now)
    except ReleaseRefused:
        _close_query(hub, query, QueryState.UNFINISHED, Action.QUERY_WITHHELD)


def _close_query(hub: Hub, query: StoredQuery, state: QueryState, action: Action) -> None:
    with hub.database.transaction() as connection:
        moved = connection.execute(
            "UPDATE queries SET state = ? WHERE query_id = ? AND state = ?", (state, query.query_id, query.state)
        ).rowcount
        if moved:
            event = hub.event(action, hub.party.member_id, query.query_id, outcome=Outcome.FAILED)
            hub.database.log.append(connection, event)
    hub.bell.ring(query.query_id)


def release_query(hub: Hub, query: StoredQuery, now: datetime) -> None:
    """Combine, check and release a query's table, once; a second call finds it released and does nothing.

    Raises `ReleaseRefused` where the tables cannot be released together.
    """
    replies = read_replies(hub, query.digest)
    table = combine_replies(hub, query, replies)
    with hub.database.transaction() as connection:
        # A reply that came in while the others were combined is not left out: the next poll begins again with it.
        if read_progress(hub, query.digest).keys() != replies.keys() or not _move_to_released(connection, query):
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
            replies=_replies_to_show(hub, query, table, replies),
            checkpoint=hub.database.log.latest_checkpoint(connection),
        )
        connection.execute(
            "INSERT INTO releases VALUES (?, ?, ?)", (query.query_id, release_id, encode_document(document))
        )
    hub.bell.ring(query.query_id)


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
    preset = load_approved_preset(query.manifest)
    return combine_tables(_derive_plan(query), preset, replies, _find_authorities(hub, query, replies))


def _derive_plan(query: StoredQuery) -> QueryPlan:
    try:
        plan = query.plan
    except ProblemRaised:
        plan = None
    if plan is None or plan.plan_id != query.manifest.plan_id:
        raise ReleaseRefused("the plan derived here from the SQL is not the one that was approved")
    return plan


def _find_authorities(hub: Hub, query: StoredQuery, replies: Mapping[str, Reply]) -> Mapping[str, str]:
    """Return whose rows each node answers for: what it replied as, or whom the register has it serve when asked."""
    asked_at = query.manifest.issued_at
    registered = {member.id: member.authority(asked_at) for member in hub.register().members}
    served = {
        node: replies[node].authority if node in replies else registered.get(node, "") for node in query.manifest.roster
    }
    if len(set(served.values())) != len(served) or not all(served.values()):
        raise ReleaseRefused("the nodes of the roster do not each serve an authority of their own")
    return served


def name_release(query: StoredQuery, table: ReleasedTable) -> str:
    """Return the release's citable id, made from what was asked and what is released."""
    content = query.digest.encode() + b"\n" + table.to_csv().encode()
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

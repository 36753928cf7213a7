"""Release: the nodes' protected tables put side by side, checked again, and made into one immutable document.

Every node of the roster has its rows in the release: a node that refused, was late or sent something malformed has
`x` (unavailable) in every one of them, and is named with the reason.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime

from disclosure_control.release import ReleasedTable, release_tables
from disclosure_control.tables import ProtectedTable, TableMalformed, read_protected

from audit.event import Action, Outcome
from disclosure_control.presets import load_preset
from federation.exchange import QueryState, ReleaseDocument
from federation.manifest import Outcome as ReplyOutcome
from federation.manifest import Reply
from federation.problems import ProblemRaised
from federation.wire import encode_document, whole_seconds
from hub.dispatch import read_replies
from hub.queries import StoredQuery, describe_nodes, due_queries, read_query
from hub.relay import delete_expired
from hub.service import Hub


def settle_query(hub: Hub, query_id: str) -> None:
    """Release a running query once every node of its roster has answered."""
    row = hub.database.connection.execute("SELECT * FROM queries WHERE query_id = ?", (query_id,)).fetchone()
    if row is None or row["state"] != QueryState.RUNNING:
        return
    query = read_query(row)
    if set(read_replies(hub, query.digest)) >= set(query.manifest.roster):
        finish_query(hub, query, hub.clock())


def settle_due(hub: Hub, now: datetime) -> None:
    """Settle what has run out of time: release what nodes have answered, and say of the rest what became of it."""
    for query in due_queries(hub, now):
        if query.state is QueryState.RUNNING:
            finish_query(hub, query, now)
        else:
            _close_query(hub, query, QueryState.EXPIRED, Action.QUERY_EXPIRED)
    delete_expired(hub, now)


def finish_query(hub: Hub, query: StoredQuery, now: datetime) -> None:
    """Release a running query if any node has answered it; otherwise there is nothing to release."""
    replies = read_replies(hub, query.digest).values()
    if any(reply.outcome is ReplyOutcome.ANSWERED for reply in replies):
        release_query(hub, query, now)
    else:
        _close_query(hub, query, QueryState.UNFINISHED, Action.QUERY_UNFINISHED)


def _close_query(hub: Hub, query: StoredQuery, state: QueryState, action: Action) -> None:
    with hub.database.transaction() as connection:
        moved = connection.execute(
            "UPDATE queries SET state = ? WHERE query_id = ? AND state = ?", (state, query.query_id, query.state)
        ).rowcount
        if moved:
            event = hub.event(action, hub.party.member_id, query.query_id, outcome=Outcome.FAILED)
            hub.database.log.append(connection, event)
    hub.bell.ring()


def release_query(hub: Hub, query: StoredQuery, now: datetime) -> None:
    """Combine, check and release a query's table, once; a second call finds it released and does nothing."""
    table = combine_replies(hub, query)
    with hub.database.transaction() as connection:
        moved = connection.execute(
            "UPDATE queries SET state = ? WHERE query_id = ? AND state = ?",
            (QueryState.RELEASED, query.query_id, QueryState.RUNNING),
        ).rowcount
        if not moved:
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
            checkpoint=hub.database.log.latest_checkpoint(connection),
        )
        connection.execute(
            "INSERT INTO releases VALUES (?, ?, ?)", (query.query_id, release_id, encode_document(document))
        )
    hub.bell.ring()


def combine_replies(hub: Hub, query: StoredQuery) -> ReleasedTable:
    """Put the nodes' protected tables side by side, each checked against plan and preset again."""
    preset = load_preset(query.manifest.preset)
    replies = read_replies(hub, query.digest)
    register = hub.register()
    authorities = {member.id: member.authorities[0] for member in register.members if member.authorities}
    tables: dict[str, ProtectedTable] = {}
    absent: dict[str, str] = {}
    for node in query.manifest.roster:
        authority = authorities[node]
        try:
            tables[authority] = read_protected(_answered_table(replies, node), query.plan, preset)
        except (TableMalformed, LookupError) as reason:
            absent[authority] = str(reason.args[0]) if isinstance(reason, LookupError) else "malformed_answer"
    return release_tables(tables, absent, query.plan, preset)


def _answered_table(replies: Mapping[str, Reply], node: str) -> object:
    """Return the table of a node's answer. Raises `LookupError` with the reason where there is none."""
    reply = replies.get(node)
    if reply is None:
        raise LookupError("late")
    if reply.outcome is not ReplyOutcome.ANSWERED:
        raise LookupError(reply.code)
    return reply.table


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

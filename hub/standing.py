"""Where queries stand, for whoever may see them: one by one with its nodes, budget and ending, or in a list."""

from datetime import datetime

from federation.endings import describe_ending
from federation.exchange import Ending, NodeProgress, QueryState, QueryStatus
from federation.manifest import describe_lapsed, list_lapsed
from federation.problems import ProblemRaised
from federation.register import Member
from federation.wire import whole_seconds
from hub.budgets import describe_budget
from hub.dispatch import read_held, read_progress
from hub.queries import StoredQuery, may_see_all, read_query
from hub.service import Hub

MOST_LISTED = 500
"""How many queries a list holds at most."""


def list_queries(hub: Hub, reader: Member, most: int = MOST_LISTED) -> tuple[QueryStatus, ...]:
    """Return the queries that `reader` may see, newest first and at most `most` of them."""
    rows = hub.database.connection.execute(
        "SELECT * FROM queries WHERE ? OR asker = ? ORDER BY drafted_at DESC, query_id LIMIT ?",
        (may_see_all(hub, reader), reader.id, most),
    )
    return tuple(describe_query(hub, read_query(row), in_list=True) for row in rows)


def list_withdrawn(hub: Hub, reader: Member) -> frozenset[str]:
    """Return which of the queries that `reader` may see have a release that has been withdrawn since."""
    rows = hub.database.connection.execute(
        "SELECT endings.query_id AS query_id FROM endings JOIN queries ON queries.query_id = endings.query_id "
        "WHERE state = ? AND (? OR asker = ?)",
        (QueryState.RELEASED, may_see_all(hub, reader), reader.id),
    )
    return frozenset(row["query_id"] for row in rows)


def describe_query(hub: Hub, query: StoredQuery, *, in_list: bool = False) -> QueryStatus:
    """Return where a query stands; in a list without what takes longest: nodes, budget, and how it ended."""
    manifest = query.manifest
    return QueryStatus(
        query_id=query.query_id,
        state=query.state,
        project=manifest.project.name,
        asker=manifest.asker,
        purpose=manifest.purpose,
        sql=manifest.sql,
        manifest_digest=query.digest,
        plan_id=manifest.plan_id,
        cells=query.cells,
        signers=query.envelope.signers,
        expires_at=manifest.expires_at,
        nodes=() if in_list else describe_nodes(hub, query),
        budget=None if in_list else describe_budget(hub, manifest, query.state, query.digest),
        ending=None if in_list else find_ending(hub, query.query_id),
    )


def describe_nodes(hub: Hub, query: StoredQuery) -> tuple[NodeProgress, ...]:
    """Return where each node of the roster stands; one that is silent is `awaited`, and `held` waits for an officer."""
    asked_at = query.manifest.issued_at
    authorities = {member.id: member.authority(asked_at) for member in hub.register().members}
    replied = {**read_held(hub, query.digest), **read_progress(hub, query.digest)}
    return tuple(
        replied.get(node)
        or NodeProgress(node=node, authority=authorities.get(node, ""), outcome="awaited", code="", text="")
        for node in query.manifest.roster
    )


def find_ending(hub: Hub, query_id: str) -> Ending | None:
    """Return who ended a query, or withdrew its release, and why; None where nobody did."""
    row = hub.database.connection.execute("SELECT * FROM endings WHERE query_id = ?", (query_id,)).fetchone()
    if row is None:
        return None
    return Ending(by=row["member"], reason=row["reason"], at=whole_seconds(datetime.fromisoformat(row["ended_at"])))


def not_released(hub: Hub, query: StoredQuery) -> ProblemRaised:
    """Return the 404 problem of a query without a release: where it stands, and who ended it why, if somebody did."""
    ending = find_ending(hub, query.query_id)
    why = f"; it ended {describe_ending(ending, hub.party.member_id)}" if ending is not None else ""
    return ProblemRaised(404, "not_released", f"the query is {query.state}: nothing has been released{why}")


def describe_dead_end(hub: Hub, query: StoredQuery) -> str:
    """Say why a query that waits for approvals can have them no more; nothing where it can."""
    if query.state is not QueryState.SUBMITTED:
        return ""
    return describe_lapsed(list_lapsed(query.manifest, query.envelope, hub.register(), hub.clock()))


def measure_progress(hub: Hub, query_id: str) -> tuple[str, int, int]:
    """Return what changes whenever a query moves: its state, the length of its signed manifest, the replies to it."""
    row = hub.database.connection.execute(
        "SELECT state, length(envelope), (SELECT count(*) FROM replies WHERE replies.digest = queries.digest) + "
        "(SELECT count(*) FROM held_at_nodes WHERE held_at_nodes.digest = queries.digest) "
        "FROM queries WHERE query_id = ?",
        (query_id,),
    ).fetchone()
    return (row[0], row[1], row[2]) if row else ("", 0, 0)

"""How a query ends otherwise than with its release, and what is said of a release that should not have been made.

Its asker may withdraw it until there is a release; an approver may refuse it while it waits for approvals, and the
authorities when they are asked. A release is never changed or taken away, since it has been read: it gets a notice,
which everybody sees who looks at it. Each time there is a reason in words, and the log says whose they are.
"""

from collections.abc import Sequence

from audit.connection import Connection
from audit.event import Action, Outcome
from federation.database import stamp
from federation.exchange import NodeProgress, QueryState
from federation.problems import ProblemRaised
from federation.register import Member, MemberKind
from hub.checks import forget_check
from hub.dispatch import take_back_manifest
from hub.naming import name_authorities
from hub.queries import StoredQuery, find_query
from hub.query_states import check_transition, move_query
from hub.service import Hub
from hub.sums.attempts import last_row
from policies.words import call_role

MOST_REASONS = 5
"""How many reasons are named of those for which nodes refused a query; each node's own stands beside it."""


def withdraw_query(hub: Hub, query_id: str, reason: str, asker: Member) -> None:
    """Take a query back, as its asker. What it has cost stays spent, for nodes may have answered.

    Raises a 403 problem for anybody else, a 404 problem for a query that there is not, and a 409 problem once it has
    ended.
    """
    query = find_query(hub, query_id, asker)
    if asker.id != query.manifest.asker:
        raise ProblemRaised(403, "not_the_asker", "only its asker can withdraw a query")
    if query.state is QueryState.RUNNING and last_row(hub.database.connection, query.digest) is not None:
        raise ProblemRaised(409, "sum_begun", "the authorities are adding up already: that ends by itself, and soon")
    end_query(hub, query, QueryState.WITHDRAWN, Action.QUERY_WITHDRAWN, asker.id, reason)


def refuse_query(hub: Hub, query_id: str, reason: str, approver: Member) -> None:
    """Refuse a query that waits for approvals, as an approver of another organisation than its asker's.

    Raises a 403, 404 or 409 problem.
    """
    query = find_query(hub, query_id, approver)
    hub.check_access(approver.kind, "federation", "approve", "manifest")
    if approver.kind is not MemberKind.APPROVER:
        raise ProblemRaised(
            403, "approver_unknown", f"{approver.id} is {call_role(approver.kind)}, who decides on no query"
        )
    asker = hub.register().find(query.manifest.asker, hub.clock())
    if approver.organisation == asker.organisation:
        raise ProblemRaised(403, "approved_by_own", "approvers decide on questions of other organisations alone")
    end_query(hub, query, QueryState.REFUSED, Action.QUERY_DECLINED, approver.id, reason)


def end_refused(
    hub: Hub, connection: Connection, query: StoredQuery, refused: Sequence[NodeProgress], why: str
) -> None:
    """End a running query that nodes refused: for what reasons and at which authorities, by the codes of their replies.

    It is inside the caller's transaction, who rings the bell for it. `why` says how that ends it. A second call does
    nothing.
    """
    reason = f"{why}: {_name_reasons(refused)}"
    _end(hub, connection, query, QueryState.REFUSED, Action.QUERY_UNFINISHED, hub.party.member_id, reason)


def _name_reasons(refused: Sequence[NodeProgress]) -> str:
    """Name the codes of refusals, the commonest first, each with the authorities whose it was."""
    by_code: dict[str, list[str]] = {}
    for each in refused:
        by_code.setdefault(each.code or each.outcome, []).append(each.authority)
    codes = sorted(by_code, key=lambda code: (-len(by_code[code]), code))
    told = [f"{code} at {name_authorities(by_code[code])}" for code in codes[:MOST_REASONS]]
    return "; ".join([*told, f"and {len(codes) - MOST_REASONS} more reasons"] if len(codes) > MOST_REASONS else told)


def end_query(hub: Hub, query: StoredQuery, state: QueryState, action: Action, member: str, reason: str) -> None:
    """End a query for a reason, with everything that waits about it. Raises a 409 problem where it has ended."""
    check_transition(query.state, state)
    with hub.database.transaction() as connection:
        if not _end(hub, connection, query, state, action, member, reason):
            raise ProblemRaised(409, "state", "the query has moved on meanwhile: look at where it stands")
    hub.database.erase_deleted()
    hub.bell.ring(query.query_id, *query.manifest.roster)


def _end(
    hub: Hub,
    connection: Connection,
    query: StoredQuery,
    state: QueryState,
    action: Action,
    member: str,
    reason: str,
) -> bool:
    """End a query that is where it was found still, inside the caller's transaction; say whether it was."""
    if not move_query(connection, query.query_id, query.state, state):
        return False
    connection.execute("DELETE FROM sum_arrivals WHERE digest = ?", (query.digest,))
    forget_check(connection, query.query_id)
    take_back_manifest(connection, query.digest)
    _keep(hub, connection, query.query_id, member, reason)
    event = hub.event(action, member, query.query_id, outcome=Outcome.REFUSED, purpose=reason, was=query.state.value)
    hub.database.log.append(connection, event)
    return True


def close_query(hub: Hub, query: StoredQuery, state: QueryState, action: Action) -> None:
    """Close a query of which nothing is released, and log why; what came in for its sum goes.

    A second call does nothing.
    """
    with hub.database.transaction() as connection:
        close_within(hub, connection, query, state, action)
    hub.bell.ring(query.query_id)


def close_within(hub: Hub, connection: Connection, query: StoredQuery, state: QueryState, action: Action) -> None:
    """Close a query inside the caller's transaction, who rings the bell for it."""
    if move_query(connection, query.query_id, query.state, state):
        connection.execute("DELETE FROM sum_arrivals WHERE digest = ?", (query.digest,))
        event = hub.event(action, hub.party.member_id, query.query_id, outcome=Outcome.FAILED)
        hub.database.log.append(connection, event)


def give_notice(hub: Hub, query_id: str, reason: str, checker: Member) -> None:
    """Say of a release that it is withdrawn, as an output checker. It stays what it is, for whoever has cited it.

    Raises a 403, 404 or 409 problem.
    """
    hub.check_access(checker.kind, "federation", "approve", "aggregates")
    query = find_query(hub, query_id, checker)
    if query.state is not QueryState.RELEASED:
        raise ProblemRaised(409, "state", f"the query is {query.state}: only what was released can be withdrawn")
    with hub.database.transaction() as connection:
        if not _keep(hub, connection, query_id, checker.id, reason):
            raise ProblemRaised(409, "ended_already", "it has been withdrawn already")
        event = hub.event(Action.RELEASE_WITHDRAWN, checker.id, query_id, purpose=reason)
        hub.database.log.append(connection, event)
    hub.bell.ring(query_id)


def _keep(hub: Hub, connection: Connection, query_id: str, member: str, reason: str) -> bool:
    """Keep a reason; say whether there was none, for one stays as it was given."""
    row = (query_id, member, reason, stamp(hub.clock()))
    kept = connection.execute("INSERT INTO endings VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", row)
    return kept.rowcount == 1

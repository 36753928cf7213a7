"""The state machine of a query, drawn in `docs/query-states.md`: what is not here cannot happen."""

from collections.abc import Mapping

from audit.connection import Connection
from federation.exchange import ExplainedState, ExplainedStates, QueryState
from federation.problems import ProblemRaised

TRANSITIONS: Mapping[QueryState, frozenset[QueryState]] = {
    QueryState.DRAFTED: frozenset({QueryState.SUBMITTED, QueryState.EXPIRED, QueryState.WITHDRAWN}),
    QueryState.SUBMITTED: frozenset(
        {QueryState.APPROVED, QueryState.EXPIRED, QueryState.REFUSED, QueryState.WITHDRAWN}
    ),
    QueryState.APPROVED: frozenset({QueryState.RUNNING, QueryState.UNFINISHED, QueryState.WITHDRAWN}),
    QueryState.RUNNING: frozenset(
        {
            QueryState.CHECKING,
            QueryState.RELEASED,
            QueryState.REFUSED,
            QueryState.UNFINISHED,
            QueryState.WITHDRAWN,
        }
    ),
    QueryState.CHECKING: frozenset({QueryState.RELEASED, QueryState.REFUSED, QueryState.WITHDRAWN}),
    QueryState.RELEASED: frozenset(),
    QueryState.EXPIRED: frozenset(),
    QueryState.UNFINISHED: frozenset(),
    QueryState.REFUSED: frozenset(),
    QueryState.WITHDRAWN: frozenset(),
}
"""Where a query may go from each state. A run of a template was approved before it was drafted, so its asker's
signature submits and approves it at once."""

UNDER_WAY = (QueryState.APPROVED, QueryState.RUNNING)
"""The states of a query that nodes are about to be asked, or are asked now."""


def explain_states() -> ExplainedStates:
    """Return every state and what it means, for software of the version before, which may not know it."""
    return ExplainedStates(
        states=tuple(
            ExplainedState(name=each.value, meaning=each.meaning, final=not TRANSITIONS[each]) for each in QueryState
        )
    )


def check_transition(current: QueryState, wanted: QueryState) -> None:
    """Raise a 409 problem unless a query may go from the one state to the other."""
    if wanted not in TRANSITIONS[current]:
        raise ProblemRaised(409, "state", f"the query is {current}; it cannot become {wanted}")


def move_query(connection: Connection, query_id: str, found: QueryState, after: QueryState) -> bool:
    """Move a query on from the state it was found in, inside the caller's transaction; say whether that was done.

    It is not where the query is in another state by now, nor where none may go that way.
    """
    if after not in TRANSITIONS[found]:
        return False
    moved = connection.execute(
        "UPDATE queries SET state = ? WHERE query_id = ? AND state = ?", (after, query_id, found)
    )
    return moved.rowcount == 1


def is_still(connection: Connection, query_id: str, found: QueryState) -> bool:
    """Whether a query is in the state it was found in still, inside the caller's transaction."""
    here = connection.execute("SELECT 1 FROM queries WHERE query_id = ? AND state = ?", (query_id, found))
    return here.fetchone() is not None

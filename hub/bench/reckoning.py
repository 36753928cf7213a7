"""The reckoning after a load: whether each query that was asked ended once, and ran once at each node of its roster.

It goes by what the hub has written down, its state and its log, beside what the askers were told and what the nodes
were handed; so a query that the hub has forgotten is found out, and so is one that it has counted twice.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from audit.event import Action
from audit.log import read_entries
from federation.exchange import QueryState
from hub.service import Hub

__all__ = ["ENDED", "Kept", "Reckoning", "read_kept", "reckon"]

ENDED = frozenset({QueryState.RELEASED, QueryState.CHECKING, QueryState.REFUSED})
"""Where a query that every node has answered may stand at the end: released, refused, or before an output checker."""

ONCE: Sequence[tuple[Action, ...]] = (
    (Action.QUERY_SUBMITTED,),
    (Action.QUERY_OFFERED,),
    (Action.QUERY_RELEASED, Action.RELEASE_HELD, Action.QUERY_WITHHELD),
)
"""Of each of these the log says one, once, of each query that ran."""


@dataclass(frozen=True)
class Kept:
    """What the hub has of queries: their states, whose replies are kept, what is released, and what its log says."""

    states: Mapping[str, str]
    replied: Mapping[str, frozenset[str]]
    released: frozenset[str]
    logged: Mapping[str, Counter[tuple[str, str]]]
    """How often the log says of a query that somebody did something: by action and actor."""


@dataclass(frozen=True)
class Reckoning:
    """The queries that were lost and those that ran twice, each with what is wrong with it."""

    lost: Mapping[str, str]
    doubled: Mapping[str, str]


def reckon(
    asked: Collection[str], roster: Collection[str], kept: Kept, offered_again: Collection[str] = ()
) -> Reckoning:
    """Hold what was asked of a roster against what the hub has kept.

    `offered_again` are queries that a node was handed once more after its reply had been acknowledged.
    """
    lost = {query: why for query in asked for why in _find_loss(query, frozenset(roster), kept)}
    doubled = dict.fromkeys(offered_again, "offered to a node again after its reply")
    doubled |= {query: why for query in {*asked, *kept.states} for why in _find_double(query, kept)}
    return Reckoning(lost, doubled)


def _find_loss(query: str, roster: frozenset[str], kept: Kept) -> Iterator[str]:
    state, logged = kept.states.get(query), kept.logged.get(query, Counter())
    if state is None:
        yield "the hub does not know it"
    elif state not in ENDED:
        yield f"it is {state}"
    if missing := roster - kept.replied.get(query, frozenset()):
        yield f"{len(missing)} replies are missing"
    if unlogged := [node for node in roster if not logged[Action.QUERY_ANSWERED, node]]:
        yield f"{len(unlogged)} replies are not in the log"
    if (state == QueryState.RELEASED) != (query in kept.released):
        yield f"it is {state}, and there is {'a' if query in kept.released else 'no'} release"
    for actions in ONCE:
        if not _count(logged, actions):
            yield f"the log has no {' or '.join(actions)} of it"


def _find_double(query: str, kept: Kept) -> Iterator[str]:
    logged = kept.logged.get(query, Counter())
    for actions in ONCE:
        if (times := _count(logged, actions)) > 1:
            yield f"the log has {times} times {' or '.join(actions)} of it"
    for (action, actor), times in logged.items():
        if action == Action.QUERY_ANSWERED and times > 1:
            yield f"the log has {times} answers of {actor}"


def _count(logged: Counter[tuple[str, str]], actions: Collection[str]) -> int:
    return sum(times for (action, _), times in logged.items() if action in actions)


def read_kept(hub: Hub) -> Kept:
    """Read what the hub has kept of queries, and what its log says of them."""
    connection = hub.database.connection
    states = {row["query_id"]: row["state"] for row in connection.execute("SELECT query_id, state FROM queries")}
    replied: dict[str, set[str]] = {}
    for row in connection.execute("SELECT query_id, node FROM replies JOIN queries USING (digest)"):
        replied.setdefault(row["query_id"], set()).add(row["node"])
    logged: dict[str, Counter[tuple[str, str]]] = {}
    for action in (Action.QUERY_ANSWERED, *(each for actions in ONCE for each in actions)):
        for entry in read_entries(connection, action=action):
            event = entry.to_event()
            logged.setdefault(event.reference, Counter())[event.action.value, event.actor] += 1
    released = frozenset(row["query_id"] for row in connection.execute("SELECT query_id FROM releases"))
    return Kept(states, {query: frozenset(nodes) for query, nodes in replied.items()}, released, logged)

"""A hub under load, small: its workers are killed, and every query ends once; and the reckoning that says so."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from audit.event import Action
from federation.cli import run
from federation.exchange import QueryState
from hub.bench.reckoning import Kept, Reckoning, read_kept, reckon
from tests.hub.played_federation import NODES, PlayedFederation

SMALL = ("--authorities", "4", "--researchers", "3", "--queries", "6", "--pace", "0.2", "--pause", "0.2")


@pytest.mark.processes
@pytest.mark.usefixtures("postgres")
def test_nothing_is_lost_or_doubled_while_workers_are_killed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`circe bench hub` prints it, with the keys that scripts rely on, and says meanwhile how far it is."""
    monkeypatch.setattr("federation.progress.PROGRESS_SECONDS", 0.0)
    assert run(["bench", "hub", *SMALL, "--kill-every", "2", "--seed", "7", "--format", "json"]) == 0
    printed = capsys.readouterr()
    rows = {row["work"]: row for row in json.loads(printed.out)["rows"]}
    assert all(row.keys() >= {"count", "p50_ms", "p95_ms", "lost", "doubled"} for row in rows.values())
    queries = rows["queries"]
    assert (queries["count"], queries["lost"], queries["doubled"]) == (6, 0, 0)
    assert queries["kills"] >= 1
    assert rows["sign"]["count"] == 3 * rows["draft"]["count"] == 18
    told = (
        "making keys for 4 nodes",
        "asking 6 questions",
        " of 6 asked, ",
        "all are in flight",
        " of 6 ended, ",
        "verifying",
    )
    assert [line for line in told if line not in printed.err] == []
    assert rows["page views"]["count"] == sum(row["count"] for work, row in rows.items() if work.startswith("/")) > 0


# --- The reckoning ---------------------------------------------------------------------------------------------------


Change = Callable[[Kept, str], Kept]


@pytest.fixture
def kept(federation: PlayedFederation) -> tuple[str, Kept]:
    """A query that was released, and what the hub has of it."""
    query_id = federation.answer(federation.start(), *NODES)
    return query_id, read_kept(federation.hub)


def test_a_query_that_was_answered_and_released_is_neither(kept: tuple[str, Kept]) -> None:
    query_id, found = kept
    assert reckon([query_id], NODES, found) == Reckoning({}, {})


def _forget_entry(kept: Kept, query_id: str, action: Action) -> Kept:
    left = Counter({key: times for key, times in kept.logged[query_id].items() if key[0] != action})
    return replace(kept, logged={query_id: left})


def _count_twice(kept: Kept, query_id: str, action: Action) -> Kept:
    logged = kept.logged[query_id]
    return replace(kept, logged={query_id: logged + Counter({key: 1 for key in logged if key[0] == action})})


LOSSES: Mapping[str, Change] = {
    "the hub has forgotten it": lambda kept, _: replace(kept, states={}),
    "it runs for ever": lambda kept, query: replace(kept, states={query: QueryState.RUNNING}),
    "it ended with nothing": lambda kept, query: replace(kept, states={query: QueryState.UNFINISHED}),
    "a reply is missing": lambda kept, query: replace(kept, replied={query: kept.replied[query] - {NODES[0]}}),
    "its release is missing": lambda kept, _: replace(kept, released=frozenset()),
    "it was never offered": lambda kept, query: _forget_entry(kept, query, Action.QUERY_OFFERED),
    "replies are not logged": lambda kept, query: _forget_entry(kept, query, Action.QUERY_ANSWERED),
    "its end is not logged": lambda kept, query: _forget_entry(kept, query, Action.QUERY_RELEASED),
}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("storage", ["sqlite"], indirect=True)
def test_a_query_that_is_lost_is_found_out(kept: tuple[str, Kept], loss: str) -> None:
    query_id, found = kept
    reckoning = reckon([query_id], NODES, LOSSES[loss](found, query_id))
    assert reckoning.lost.keys() == {query_id}
    assert reckoning.doubled == {}


@pytest.mark.parametrize("action", [Action.QUERY_OFFERED, Action.QUERY_ANSWERED, Action.QUERY_RELEASED])
@pytest.mark.parametrize("storage", ["sqlite"], indirect=True)
def test_a_query_that_was_run_twice_is_found_out(kept: tuple[str, Kept], action: Action) -> None:
    query_id, found = kept
    reckoning = reckon([query_id], NODES, _count_twice(found, query_id, action))
    assert reckoning.doubled.keys() == {query_id}
    assert reckoning.lost == {}


@pytest.mark.parametrize("storage", ["sqlite"], indirect=True)
def test_a_query_that_a_node_was_handed_after_its_reply_was_run_twice(kept: tuple[str, Kept]) -> None:
    query_id, found = kept
    assert reckon([query_id], NODES, found, offered_again=[query_id]).doubled.keys() == {query_id}

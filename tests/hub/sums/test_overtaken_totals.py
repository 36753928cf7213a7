"""Exact totals that several workers open at once: each is protected beside those that were released before it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from audit.event import Action
from disclosure_control.rows.secondary import Neighbours
from federation.exchange import QueryState
from hub import gate, release
from hub.sums import advancing, totals
from tests.hub.played_federation import found_federation
from tests.hub.replies import count_of, status_of
from tests.hub.sums.conftest import AUTHORITIES
from tests.hub.sums.played_sums import SQL, PlayedSums, approve_template, play_sums, run_template

Opened = dict[str, Callable[[], None]]
"""Queries whose sum is open, each with what releases it."""

RELEASE = totals.release_total


@pytest.fixture
def shared_sums(tmp_path: Path, storage: str) -> Iterator[PlayedSums]:
    """A federation whose hub keeps its state in a file, and one whose hub keeps it on a server."""
    federation = found_federation(tmp_path, database=storage, authorities=AUTHORITIES)
    yield play_sums(federation, [f"node-{code}" for code in AUTHORITIES])
    federation.hub.close()


@pytest.fixture
def opened(shared_sums: PlayedSums, monkeypatch: pytest.MonkeyPatch) -> Opened:
    """Two sums over the same children, both open at the same time in different workers."""
    found: Opened = {}

    def come_to_release(*arguments: Any) -> None:
        found[arguments[1].query_id] = lambda: RELEASE(*arguments)

    shared_sums.settle()
    with monkeypatch.context() as held_up:
        held_up.setattr(advancing, "release_total", come_to_release)
        for sql in (SQL, SQL.replace("key_stage", "sex")):
            run_template(shared_sums, approve_template(shared_sums, sql))
        shared_sums.settle()
    assert len(found) == 2
    return found


def count_neighbours(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Beside how many totals each is protected, in turn."""
    counted, find = list[int](), gate.find_totals

    def find_and_count(*arguments: Any) -> Neighbours:
        found = find(*arguments)
        counted.append(len(found.earlier))
        return found

    monkeypatch.setattr(totals, "find_totals", find_and_count)
    return counted


def overtake(monkeypatch: pytest.MonkeyPatch, other: Callable[[], None]) -> None:
    """Have another worker release a total once the next has been protected."""
    certify = release.certify_table

    def certify_and_be_overtaken(*arguments: Any) -> str:
        monkeypatch.setattr(release, "certify_table", certify)
        other()
        return certify(*arguments)

    monkeypatch.setattr(release, "certify_table", certify_and_be_overtaken)


def test_a_total_that_is_overtaken_is_protected_again_beside_what_overtook_it(
    shared_sums: PlayedSums, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = opened
    beside = count_neighbours(monkeypatch)
    overtake(monkeypatch, opened[first])
    opened[second]()
    assert beside == [0, 0, 1]
    for query_id in opened:
        assert status_of(shared_sums.federation, query_id).state is QueryState.RELEASED


def test_a_total_that_is_overtaken_too_often_is_withheld(
    shared_sums: PlayedSums, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was opened, and is neither shown beside what it was not held against nor kept for later."""
    monkeypatch.setattr(totals, "MOST_TRIES", 1)
    first, second = opened
    overtake(monkeypatch, opened[first])
    opened[second]()
    federation = shared_sums.federation
    assert status_of(federation, first).state is QueryState.RELEASED
    assert status_of(federation, second).state is QueryState.UNFINISHED
    assert count_of(federation, Action.QUERY_WITHHELD) == 1


def test_what_two_workers_opened_is_released_once(
    shared_sums: PlayedSums, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = opened
    overtake(monkeypatch, opened[first])
    opened[first]()
    assert count_of(shared_sums.federation, Action.QUERY_RELEASED) == 1

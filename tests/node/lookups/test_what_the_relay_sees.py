"""Neither number, size, order nor time of an answer's pages tells whether anybody matched, or how many, or why not."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from federation.exchange import Delivery
from federation.hub_line import LONG_POLL_SECONDS
from federation.sealing import SEALED_BYTES, SealedRecords
from node import polling
from node.lookups.answer_pages import CHILDREN_PER_PAGE, count_pages, pages_of
from node.lookups.answering import answer_lookup
from node.schedule import LOOKUPS_A_TICK, TICK_SECONDS, Schedule, count_ticks
from node.service import Node
from tests.node.lookups.watched_relay import (
    ASKED,
    ASKER,
    OURS,
    REQUESTS,
    WatchingHub,
    WorkingClock,
    hand_over,
    lookup_request,
    place_children,
)
from tests.small_federation import SmallFederation, copy_federation

AWAY = 300
"""Children educated elsewhere in every England below: two pages, wherever they are."""

counts = st.sampled_from([0, 1, 2, 80, AWAY - 1, AWAY]) | st.integers(0, AWAY)


@pytest.fixture(scope="module")
def shared(pristine_federation: SmallFederation, tmp_path_factory: pytest.TempPathFactory) -> SmallFederation:
    """A federation in which children are placed anew for each example."""
    return copy_federation(pristine_federation, tmp_path_factory.mktemp("placed"))


@settings(max_examples=40, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    matching=counts,
    kinds=st.lists(st.sampled_from(sorted(REQUESTS)), min_size=1, max_size=3),
    work=st.floats(0, 0.0005),
    number=st.integers(0, 2**100),
)
def test_the_whole_view_is_the_same_whatever_matches(
    shared: SmallFederation, matching: int, kinds: list[str], work: float, number: int
) -> None:
    """For 0, 1 and many matches, refusals, nonsense and claims: one answer each of two pages, at the tick."""
    place_children(shared, {ASKER: matching, "316": AWAY - matching})
    ids = [f"L-{number + place:032x}"[-34:] for place, _ in enumerate(kinds)]
    pages = [(lookup_id, REQUESTS[kind](shared, lookup_id)) for lookup_id, kind in zip(ids, kinds, strict=True)]
    clock = WorkingClock()
    hub = WatchingHub(clock)

    def work_for(node: Node, delivery: Delivery) -> SealedRecords | None:
        clock.run(matching * work)
        return answer_lookup(node, delivery)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(polling, "answer_lookup", work_for)
        hand_over(shared, pages, Schedule(now=clock, wait=clock.run), hub)
    doors = [f"lookups/{lookup_id}/answer" for lookup_id in ids]
    doors[-1] += f" wait {LONG_POLL_SECONDS} done {[*range(1, len(ids) + 1)]}"
    assert hub.seen == [(door, 2 * SEALED_BYTES, TICK_SECONDS) for door in doors]
    with shared.node(ASKED).database.transaction() as connection:
        connection.execute("DELETE FROM lookups_seen")


@settings(max_examples=20, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(work=st.lists(st.floats(0, TICK_SECONDS / LOOKUPS_A_TICK), min_size=1, max_size=64))
def test_no_pile_of_requests_pushes_an_answer_past_its_tick(shared: SmallFederation, work: list[float]) -> None:
    """Else a relay could fill the inbox so far that one answer's own work decided whether all are late."""
    clock, left = WorkingClock(), iter(work)
    hub = WatchingHub(clock)

    def work_for(_: Node, delivery: Delivery) -> SealedRecords:
        clock.run(next(left) * 0.999)
        return SealedRecords(bytes(SEALED_BYTES))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(polling, "answer_lookup", work_for)
        pages = [(f"L-{place:032x}", "") for place, _ in enumerate(work)]
        hand_over(shared, pages, Schedule(now=clock, wait=clock.run), hub)
    expected = [(1 + place // LOOKUPS_A_TICK) * TICK_SECONDS for place, _ in enumerate(work)]
    assert [moment for _, _, moment in hub.seen] == pytest.approx(expected, abs=1e-9)


def test_a_register_that_is_slow_to_come_does_not_use_up_the_tick(
    federation: SmallFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The relay says that there is a newer one and dawdles with it; an answer's tick begins after that."""
    clock, lookup_id = WorkingClock(), "L-" + "7" * 32
    hub = WatchingHub(clock)
    monkeypatch.setattr(polling, "refresh_register", lambda *_: clock.run(TICK_SECONDS * 0.99))
    page = lookup_request(federation, lookup_id)
    hand_over(federation, [(lookup_id, page)], Schedule(now=clock, wait=clock.run), hub, register_version=99)
    assert [moment for _, _, moment in hub.seen] == [pytest.approx(TICK_SECONDS * 1.99)]


@pytest.mark.parametrize("rules", OURS.values(), ids=OURS)
def test_every_kind_of_request_gets_as_many_pages(
    federation: SmallFederation, rules: Callable[[SmallFederation], object]
) -> None:
    """Under whatever rules and policy the asked node has."""
    rules(federation)
    place_children(federation, {ASKER: 20, "316": 4 * CHILDREN_PER_PAGE - 20})
    pages = [(f"L-{place:032x}", make(federation, f"L-{place:032x}")) for place, make in enumerate(REQUESTS.values())]
    hub = hand_over_now(federation, pages)
    assert [size for _, size, _ in hub.seen] == [4 * SEALED_BYTES] * len(REQUESTS)


def hand_over_now(federation: SmallFederation, pages: Sequence[tuple[str, str]]) -> WatchingHub:
    """Hand pages over in a world in which work takes no time."""
    clock = WorkingClock()
    hub = WatchingHub(clock)
    hand_over(federation, pages, Schedule(now=clock, wait=clock.run), hub)
    return hub


@pytest.mark.parametrize("kind", REQUESTS)
def test_a_page_handed_over_twice_gets_the_same_bytes_back(federation: SmallFederation, kind: str) -> None:
    """Whatever it asks. An answer made anew would show the hub which requests were taken in, and which are empty."""
    lookup_id = "L-" + "4" * 32
    page = REQUESTS[kind](federation, lookup_id)
    first, second = (hand_over_now(federation, [(lookup_id, page)]).answers for _ in range(2))
    assert first == second
    assert len(first) == 1


def test_records_that_cannot_be_read_are_refused_not_passed_over(
    federation: SmallFederation, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An error that depends on a child must not show as silence; the log has its kind, and not its text."""

    def fail(*_: object) -> None:
        raise ValueError("SECRET-VALUE")

    monkeypatch.setattr("node.lookups.gathering.find_hosted_children", fail)
    lookup_id = "L-" + "6" * 32
    hub = hand_over_now(federation, [(lookup_id, lookup_request(federation, lookup_id))])
    assert len(hub.seen) == 1
    assert "ValueError" in caplog.text
    assert "SECRET" not in caplog.text


# --- How many pages --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("children", "pages"), [(0, 1), (1, 1), (180, 1), (181, 2), (360, 2), (361, 4), (720, 4), (721, 8), (99_999, 32)]
)
def test_pages_are_a_power_of_two(children: int, pages: int) -> None:
    assert count_pages(children) == pages


@settings(max_examples=30, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.dictionaries(st.sampled_from(["203", "301", "316", "317", "873"]), st.integers(0, 400), min_size=1))
def test_the_number_follows_from_the_snapshot_alone(shared: SmallFederation, hosts: dict[str, int]) -> None:
    """From how many are educated elsewhere, wherever; children at school in our own area do not count."""
    place_children(shared, hosts)
    away = sum(number for host, number in hosts.items() if host != ASKED)
    assert pages_of(shared.node(ASKED).store.current(), ASKED) == count_pages(away)


def test_without_a_snapshot_an_answer_is_one_page() -> None:
    assert pages_of(None, ASKED) == 1


# --- When ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("worked", "ticks"), [(0.0, 1), (0.001, 1), (0.499, 1), (0.5, 1), (0.501, 2), (1.0, 2), (3.2, 7)]
)
def test_an_answer_leaves_at_a_whole_number_of_ticks(worked: float, ticks: int) -> None:
    assert count_ticks(worked, 0.5) == ticks


@settings(max_examples=100, derandomize=True, deadline=None)
@given(taken_in=st.floats(0, 1e6), worked=st.floats(0, 5), naps=st.floats(0.01, 1))
def test_nothing_leaves_before_its_moment(taken_in: float, worked: float, naps: float) -> None:
    """However short a wait turns out to be, and late departures are counted."""
    clock = WorkingClock(taken_in + worked)
    schedule = Schedule(now=clock, wait=lambda seconds: clock.run(max(1e-6, seconds * naps)))
    schedule.await_departure(taken_in)
    ticks = count_ticks((taken_in + worked) - taken_in, TICK_SECONDS)
    assert clock() == pytest.approx(taken_in + ticks * TICK_SECONDS, abs=1e-5)
    assert clock() >= taken_in + ticks * TICK_SECONDS
    assert schedule.late == (ticks > 1)


def test_a_late_departure_is_logged_without_detail(caplog: pytest.LogCaptureFixture) -> None:
    clock = WorkingClock(0.7)
    Schedule(now=clock, wait=clock.run).await_departure(0.0)
    (message,) = caplog.messages
    assert message == "answers left late, 1 times since the start"


@dataclass
class LeapingClock:
    """The clock of our own work: it takes what it takes, whoever else is busy, and waiting is leapt over."""

    leapt: float = 0.0

    def __call__(self) -> float:
        return time.process_time() + self.leapt

    def leap(self, seconds: float) -> None:
        self.leapt += seconds


def test_with_real_work_the_time_does_not_tell_how_many_match(shared: SmallFederation) -> None:
    """Real files, policy, sealing and log: what varies with the children stays within the tick, and out of sight.

    A tick is to be some ten times what the work takes, on whatever machine: on a slow one it is longer than usual.
    """
    tick = max(TICK_SECONDS, 10 * statistics.median(measure(shared, AWAY, tick=1e-6)))
    seen = {matching: list(measure(shared, matching, tick)) for matching in (0, 1, 150, AWAY)}
    medians = [statistics.median(delays) for delays in seen.values()]
    assert all(delay >= tick for delays in seen.values() for delay in delays)
    assert max(medians) - min(medians) < 0.04 * tick
    assert max(medians) < 1.04 * tick


def measure(federation: SmallFederation, matching: int, tick: float, times: int = 12) -> Iterator[float]:
    """How long after a request was taken in its answer reaches the hub."""
    place_children(federation, {ASKER: matching, "316": AWAY - matching})
    for number in range(times):
        clock = LeapingClock()
        hub, lookup_id = WatchingHub(clock), f"L-{matching:016x}{number:016x}"
        page = lookup_request(federation, lookup_id)
        begun = clock()
        hand_over(federation, [(lookup_id, page)], Schedule(tick, now=clock, wait=clock.leap), hub)
        ((_, _, arrived),) = hub.seen
        yield arrived - begun

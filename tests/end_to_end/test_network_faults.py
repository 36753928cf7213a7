"""Sums through a bad network: no wrong sum, no leak, no hang, whatever breaks in between and whenever.

Each run draws from its seed what breaks, at which moment of the protocol, and for how long. All processes are real;
those that are killed are killed with SIGKILL. A few runs are made always, and all of them in the deep suite.
"""

import inspect
import logging
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import combinations, product

import pytest

from federation.exchange import QueryState
from federation.hub_line import HubUnreachable
from federation.manifest import Path
from tests.end_to_end.faulty_federation import (
    EITHER_WAY,
    FEWEST,
    GATHER_SECONDS,
    FaultyFederation,
    eventually,
    running_federation,
    spell,
    wait_until,
)
from tests.end_to_end.faulty_network import FAIR, Weather
from tests.small_federation import LONDON, SmallFederation, copy_federation

log = logging.getLogger(__name__)

RUNS = range(200)
SAMPLE = (0, 5, 9)
"""A partition and the hub restarted in noisy sums, a node restarted in an exact one: what the usual suite can do."""

MOMENTS = (
    ("contribution", 0),
    ("contribution", 1),
    ("contribution", 3),
    ("contribution", 5),
    ("reveal", 1),
    ("reveal", 3),
)
"""When something breaks: so many of a kind have come in."""


@pytest.fixture(scope="module")
def faulty(pristine_london: SmallFederation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyFederation]:
    """Six authorities of London, started once for all runs."""
    with running_federation(copy_federation(pristine_london, tmp_path_factory.mktemp("faulty"))) as found:
        yield found


def some_nodes(faulty: FaultyFederation, chance: random.Random) -> list[str]:
    roster = faulty.federation.roster
    return chance.sample(roster, chance.randint(1, len(roster)))


def partition(faulty: FaultyFederation, chance: random.Random, lasts: float, over: Callable[[], bool]) -> None:
    """Some nodes and the hub cannot reach one another: silently, or with every connection closed."""
    weather = chance.choice((Weather(severed=True), Weather(reset=True)))
    change_weather(faulty, some_nodes(faulty, chance), lasts, over, weather)


def loss(faulty: FaultyFederation, chance: random.Random, lasts: float, over: Callable[[], bool]) -> None:
    """Connections are dropped, some in the middle of what they carry."""
    change_weather(faulty, some_nodes(faulty, chance), lasts, over, Weather(loss=chance.uniform(0.05, 0.4)))


def slow_links(faulty: FaultyFederation, chance: random.Random, lasts: float, over: Callable[[], bool]) -> None:
    """Every piece of some nodes' traffic is late."""
    change_weather(faulty, some_nodes(faulty, chance), lasts, over, Weather(delay=chance.uniform(0.1, 1.5)))


def whole_set_cut_off(faulty: FaultyFederation, chance: random.Random, lasts: float, over: Callable[[], bool]) -> None:
    """So many at once cannot reach the hub that those that are left open nothing, until the time to gather is over."""
    roster = faulty.federation.roster
    chosen = chance.sample(roster, chance.randint(len(roster) - FEWEST + 1, len(roster)))
    change_weather(faulty, chosen, GATHER_SECONDS + lasts, over, Weather(severed=True))


def change_weather(
    faulty: FaultyFederation, names: Iterable[str], lasts: float, over: Callable[[], bool], weather: Weather
) -> None:
    """Let the links of some nodes be so for a while, and at least until somebody meets it; then mend them all."""
    links = [faulty.links[name] for name in names]
    before = [link.harmed for link in links]
    try:
        for link in links:
            link.become(weather)
        wait_until(over, lasts)
        eventually(lambda: [link.harmed for link in links] != before, "bytes that meet the weather")
    finally:
        for link in links:
            link.become(FAIR)


def node_restarted(faulty: FaultyFederation, chance: random.Random, lasts: float, over: Callable[[], bool]) -> None:
    """One node, or several, die and come back."""
    restart(faulty, chance.sample(faulty.federation.roster, chance.randint(1, 2)), lasts, over)


def hub_restarted(faulty: FaultyFederation, chance: random.Random, lasts: float, over: Callable[[], bool]) -> None:
    """The hub dies and comes back."""
    restart(faulty, ["hub"], lasts / 2, over)


def restart(faulty: FaultyFederation, names: list[str], lasts: float, over: Callable[[], bool]) -> None:
    """Kill processes, and start them again after a while."""
    faulty.kill(*names)
    wait_until(over, lasts)
    faulty.start(*names)


Fault = Callable[[FaultyFederation, random.Random, float, Callable[[], bool]], None]
FAULTS: tuple[Fault, ...] = (partition, loss, slow_links, node_restarted, whole_set_cut_off, hub_restarted)
PATHS = (Path.NOISY_SUM, Path.EXACT_SUM)


def draw_run(seed: int) -> tuple[Fault, Path]:
    """What breaks in a run, and by which path its question goes: each fault meets each path."""
    return FAULTS[seed % len(FAULTS)], PATHS[seed // len(FAULTS) % len(PATHS)]


def run(faulty: FaultyFederation, seed: int) -> None:
    """Ask a sum, have something break under way, and check everything."""
    chance, (fault, path) = random.Random(seed), draw_run(seed)
    (kind, count), lasts = chance.choice(MOMENTS), chance.uniform(0.3, 8.0)
    eventually(faulty.has_slots, "slots for another sum")
    carried = {name: link.carried for name, link in faulty.links.items()}
    query_id = faulty.ask(path)

    def settled() -> bool:
        return faulty.is_settled(query_id)

    eventually(lambda: faulty.count_arrivals(query_id, kind) >= count or settled(), f"{count} of {kind}")
    fault(faulty, chance, lasts, settled)
    eventually(settled, f"seed {seed}, {fault.__name__}: the end of {query_id}")
    eventually(faulty.answers, "the hub, started again")
    seen: list[QueryState] = []

    def asked() -> bool:
        # A hub that was started again can still reset the first line: an asker asks once more.
        with suppress(HubUnreachable), faulty.client("ana@ucl") as ana:
            seen.append(ana.status(query_id).state)
        return bool(seen)

    eventually(asked, "the state of the query")
    state = seen[-1]
    assert state in (QueryState.RELEASED, QueryState.UNFINISHED)
    if state is QueryState.RELEASED:
        faulty.check_release(query_id, path)
    assert faulty.check_nothing_leaked(query_id) > len(LONDON)
    faulty.check_logs()
    eventually(lambda: all(link.carried > carried[name] for name, link in faulty.links.items()), "traffic on each link")
    log.info("seed %d: %s, %s, %s, attempts %s", seed, fault.__name__, path, state, faulty.attempts_of(query_id))


def test_every_fault_meets_every_path() -> None:
    """No fault is forgotten: what breaks is in the list, and the list is gone through by either path."""
    written = {
        value
        for value in globals().values()
        if inspect.isfunction(value)
        and list(inspect.signature(value).parameters) == ["faulty", "chance", "lasts", "over"]
    }
    assert written == set(FAULTS)
    assert {draw_run(seed) for seed in RUNS} == set(product(FAULTS, PATHS))
    assert {draw_run(seed)[1] for seed in SAMPLE} == set(PATHS)


@pytest.mark.processes
def test_an_exact_sum_waits_for_everybody(faulty: FaultyFederation) -> None:
    """After the first opening a smaller set would give away who is missing: the attempt fails, and the next has all."""
    eventually(faulty.has_slots, "slots for another sum")
    link = faulty.links[faulty.federation.roster[0]]
    link.become(Weather(severed=True))
    query_id = faulty.ask(Path.EXACT_SUM)
    eventually(lambda: faulty.attempts_of(query_id)[:1] == [("aborting", 0)], "the end of an attempt without one node")
    link.become(FAIR)
    eventually(lambda: faulty.is_settled(query_id), "the end of the sum")
    *failed, last = faulty.attempts_of(query_id)
    assert set(failed) == {("aborting", 0)}
    assert last == ("opened", 0)
    faulty.check_release(query_id, Path.EXACT_SUM)


def test_no_two_sets_of_survivors_have_one_sum(faulty: FaultyFederation) -> None:
    """The noise is so small here that a sum over others than those named would be seen."""
    sets = [each for size in range(FEWEST, len(LONDON) + 1) for each in combinations(LONDON, size)]
    for one, other in combinations(map(faulty.add_up, sets), 2):
        assert max(abs(a - b) for a, b in zip(one, other, strict=True)) > 2 * EITHER_WAY


def test_a_secret_that_stands_in_a_file_of_the_hub_is_found(faulty: FaultyFederation) -> None:
    """The search for leaks is not blind to any of the forms that it looks for."""
    path = faulty.federation.directory / "hub" / "left-by-a-test"
    for form in spell(bytes(range(33))):
        path.write_bytes(b"before" + form + b"after")
        assert form in faulty.read_hub_files()
    path.unlink()


@pytest.mark.processes
@pytest.mark.parametrize("seed", SAMPLE)
def test_a_sum_survives_what_breaks(faulty: FaultyFederation, seed: int) -> None:
    """A few of the runs."""
    run(faulty, seed)


@pytest.mark.deep
@pytest.mark.processes
@pytest.mark.parametrize("seed", [seed for seed in RUNS if seed not in SAMPLE])
def test_sums_survive_what_breaks(faulty: FaultyFederation, seed: int) -> None:
    """The rest of two hundred runs."""
    run(faulty, seed)

"""Sums through a bad network: no wrong sum, no leak, no hang, whatever breaks in between and whenever.

Each run draws from its seed what breaks, at which moment of the protocol, and for how long. All processes are real;
those that are killed are killed with SIGKILL. A few runs are made always, and all of them in the deep suite.
"""

import random
from collections.abc import Callable, Iterator
from itertools import combinations

import pytest

from federation.exchange import QueryState
from tests.conftest import load_node
from tests.end_to_end.faulty_federation import (
    EITHER_WAY,
    FEWEST,
    FaultyFederation,
    eventually,
    running_federation,
    spell,
    wait_until,
)
from tests.end_to_end.faulty_network import FAIR, Weather
from tests.small_federation import build_federation

LONDON = ("203", "204", "301", "302", "316", "317")

RUNS = range(200)
SAMPLE = (0, 3, 4)
"""A partition, a node and the hub restarted: what the usual suite has time for."""

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
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyFederation]:
    """Six authorities of London, started once for all runs."""
    built = build_federation(tmp_path_factory.mktemp("faulty"), LONDON, load_node)
    with running_federation(built) as found:
        yield found


def some_nodes(faulty: FaultyFederation, chance: random.Random) -> list[str]:
    roster = faulty.federation.roster
    return chance.sample(roster, chance.randint(1, len(roster)))


def partition(faulty: FaultyFederation, chance: random.Random, lasts: float, over: Callable[[], bool]) -> None:
    """Some nodes and the hub cannot reach one another: silently, or with every connection closed."""
    change_weather(faulty, chance, lasts, over, chance.choice((Weather(severed=True), Weather(reset=True))))


def loss(faulty: FaultyFederation, chance: random.Random, lasts: float, over: Callable[[], bool]) -> None:
    """Connections are dropped, some in the middle of what they carry."""
    for link in faulty.links.values():
        link.become(Weather(reset=True))  # What is open is a poll made before: it would not be touched.
    change_weather(faulty, chance, lasts, over, Weather(loss=chance.uniform(0.2, 0.7)))


def slow_links(faulty: FaultyFederation, chance: random.Random, lasts: float, over: Callable[[], bool]) -> None:
    """Every piece of some nodes' traffic is late."""
    change_weather(faulty, chance, lasts, over, Weather(delay=chance.uniform(0.1, 1.5)))


def change_weather(
    faulty: FaultyFederation, chance: random.Random, lasts: float, over: Callable[[], bool], weather: Weather
) -> None:
    """Let the links of some nodes be so for a while, and mend them all."""
    for name in some_nodes(faulty, chance):
        faulty.links[name].become(weather)
    wait_until(over, lasts)
    for link in faulty.links.values():
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
FAULTS: tuple[Fault, ...] = (partition, loss, slow_links, node_restarted, hub_restarted)


def run(faulty: FaultyFederation, seed: int) -> str:
    """Ask a sum, have something break under way, check everything, and return what became of it."""
    chance = random.Random(seed)
    fault, (kind, count), lasts = FAULTS[seed % len(FAULTS)], chance.choice(MOMENTS), chance.uniform(0.3, 8.0)
    eventually(faulty.has_slots, "slots for another sum")
    query_id = faulty.ask()

    def settled() -> bool:
        return faulty.is_settled(query_id)

    eventually(lambda: faulty.count_arrivals(query_id, kind) >= count or settled(), f"{count} of {kind}")
    fault(faulty, chance, lasts, settled)
    eventually(settled, f"seed {seed}, {fault.__name__}: the end of {query_id}")
    eventually(faulty.answers, "the hub, started again")
    with faulty.client("ana@ucl") as ana:
        state = ana.status(query_id).state
    assert state in (QueryState.RELEASED, QueryState.UNFINISHED)
    if state is QueryState.RELEASED:
        faulty.check_release(query_id)
    assert faulty.check_nothing_leaked(query_id) > len(LONDON)
    faulty.check_logs()
    return state


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

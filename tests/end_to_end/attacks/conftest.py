"""Doors to attack, and the scoreboard at the end."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest

from tests.end_to_end.attacks.attacked_presets import choose_presets
from tests.end_to_end.attacks.front_door import FrontDoor, OpenDoor
from tests.end_to_end.attacks.scoreboard import BOARD, Attack, Line, run, score
from tests.end_to_end.one_process import answering_at_once
from tests.small_federation import SmallFederation, copy_federation

Besiege = Callable[..., Line]
OpenDoors = Callable[..., FrontDoor]


@pytest.fixture
def open_front_door(pristine_federation: SmallFederation, tmp_path: Path) -> Iterator[OpenDoors]:
    """Opens a front door under a preset."""
    numbers = count()
    with answering_at_once(), ExitStack() as opened:

        def open_door(preset: str, budget: int = 20) -> FrontDoor:
            place = tmp_path / f"door-{next(numbers)}"
            door = FrontDoor(copy_federation(pristine_federation, place, with_files=False), preset, budget)
            opened.callback(door.close)
            return door

        yield open_door


@pytest.fixture
def besiege(open_front_door: OpenDoors, request: pytest.FixtureRequest) -> Besiege:
    """Run an attack at both doors, and score it."""

    def attack_doors(attack: Attack, preset: str, budget: int = 20) -> Line:
        door = open_front_door(preset, budget)
        past = OpenDoor(door.nodes, preset)
        without, found = run(attack, past), run(attack, door)
        line = Line(_name(request.node), f"suppression, {preset}", *score(without, past), *score(found, past))
        BOARD.add(line)
        return line

    return attack_doors


def _name(test: pytest.Function) -> str:
    """An attack in words, with what it was told to try."""
    chosen = [each for argument, each in test.callspec.params.items() if argument != "preset"]
    return " ".join([test.originalname.removeprefix("test_").replace("_", " "), *map(str, chosen)])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Try an attack under every preset that it is for."""
    if "preset" in metafunc.fixturenames:
        metafunc.parametrize("preset", choose_presets(metafunc.function.__name__))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was recovered."""
    if BOARD.lines:
        terminalreporter.section("counts under the rule that were found out, or known to be under it")
        for line in BOARD.render():
            terminalreporter.write_line(line)

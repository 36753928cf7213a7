"""Two versions beside each other, really run: the demo's story, with some of its parties of the version before.

It takes a Python in whose environment the version before is installed, from a directory of its own:

    CIRCE_DEEP=1 CIRCE_VERSION_BEFORE=/srv/before/.venv/bin/python pytest tests/end_to_end/test_two_versions.py

Every command and service is run by the version of the party whose directory it works on: so each party's keys, data and
database are made, used and verified by one version, and the two meet in what they send each other. Where the two plan
questions differently, or have catalogues that differ in more than words, whoever would plan a question otherwise than
the hub refuses it, and the rest goes on: an asker's own software before it signs, and where that is of the hub's
version, the nodes of the other.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest

from federation.demo import add_up, ask, claim, enrol, look_up, set_up, start
from federation.demo_cast import Cast
from federation.processes import CommandFailed, Stagehands

BEFORE = os.environ.get("CIRCE_VERSION_BEFORE", "")

pytestmark = [
    pytest.mark.deep,
    pytest.mark.processes,
    pytest.mark.skipif(not BEFORE, reason="CIRCE_VERSION_BEFORE names no Python with the version before"),
]

AUTHORITIES = 5
"""As few as can add up."""

PLANS = """
from query_engine.catalogue import load_catalogue
from query_engine.planning.plan import PLANNER_VERSION
print(PLANNER_VERSION, load_catalogue().version)
"""
"""Prints by what a version plans: its manifests state it, and a node that would plan otherwise refuses."""

PLANNED_OTHERWISE = "the manifest's plan is not the plan of its SQL"
"""What an asker's software says where its own plan is another than the hub's: nothing is signed then."""

IsBefore = Callable[[str], bool]
"""Whether a party, by the name of its directory, is of the version before."""

CASTS: Mapping[str, IsBefore] = {
    "nodes of the version before at a hub of this one": lambda name: name.startswith("node-"),
    "nodes of this version at a hub of the one before": lambda name: name == "hub",
    "nodes and people of both at a hub of this one": lambda name: (
        name in ("node-203", "node-316", "ana@ucl", "officer@dfe")
    ),
}


def program_of(python: str) -> tuple[str, ...]:
    """What runs the version that a Python has installed, and not the one that we happen to stand in."""
    return (python, "-P", "-m", "federation.cli")


@dataclass
class MixedHands(Stagehands):
    """Stagehands who run each party by its own version. `printed` is what commands printed, by their first words."""

    is_before: IsBefore = lambda _: False
    printed: dict[str, list[str]] = field(default_factory=dict)
    ran: dict[str, set[str]] = field(default_factory=lambda: {"before": set(), "now": set()})

    def choose_program(self, words: Sequence[str]) -> Sequence[str]:
        party = Path(words[words.index("--state") + 1]).name if "--state" in words else ""
        before = self.is_before(party)
        self.ran["before" if before else "now"].add(" ".join(words[:2]))
        return program_of(BEFORE if before else sys.executable)

    def run(self, *arguments: str | Path, quiet: bool = False) -> str:
        said = super().run(*arguments, quiet=quiet)
        self.printed.setdefault(str(arguments[0]), []).append(said)
        return said


@cache
def tell(python: str, program: str) -> str:
    """What a version prints, asked by a few lines."""
    done = subprocess.run([python, "-P", "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def plan_alike() -> bool:
    """Whether both versions plan alike."""
    return tell(BEFORE, PLANS) == tell(sys.executable, PLANS)


def begin(hands: MixedHands, place: Path) -> Cast:
    """Found a federation, load its nodes, start it, and have one authority claim what hosts know of its children."""
    england = place / "england"
    hands.run("synth", england, "--authorities", str(AUTHORITIES), "--seed", "1", "--format", "json")
    codes = sorted(path.name for path in england.iterdir() if path.name.isdigit())
    cast = Cast(place, tuple(codes), f"http://127.0.0.1:{hands.hold_port()}")
    set_up(hands, cast)
    hands.run_each([("node", "load", "--state", cast.node(code), england / code, "--format", "json") for code in codes])
    enrol(hands, cast)
    start(hands, cast, together=1)
    claim(hands, cast)
    return cast


def test_the_version_before_is_another() -> None:
    """Otherwise one version would be held against itself."""
    where = "import federation; print(federation.__file__)"
    assert tell(BEFORE, where) != tell(sys.executable, where)


@pytest.mark.parametrize("cast", CASTS)
def test_what_two_versions_do_together(cast: str, tmp_path: Path) -> None:
    """Children are found, a question is released by each path, and every log is verified by its own version."""
    hands = MixedHands(is_before=CASTS[cast])
    try:
        members = begin(hands, tmp_path)
        look_up(hands, members)
        if plan_alike():
            check_released(ask(hands, members, "--path", "per_authority"), *add_up(hands, members))
        else:
            check_refused(hands, members)
        hands.run_each([("audit", "verify", "--state", state) for state in (members.hub, *members.nodes)])
    finally:
        hands.stop_services()
    (found,) = hands.printed["lookup"]
    assert len(found.splitlines()) > 1
    serving = {version: {words for words in ran if words.endswith("serve")} for version, ran in hands.ran.items()}
    assert serving["before"]
    assert serving["now"]


def check_released(*releases: str) -> None:
    """Every authority is in each release, by rows and by sums, and none is absent."""
    tables = [json.loads(release)["table"] for release in releases]
    assert len(tables) == 3
    assert [(len(table["answered"]), table["absent"]) for table in tables] == [(AUTHORITIES, {})] * 3


def check_refused(hands: MixedHands, members: Cast) -> None:
    """Whoever would plan the question otherwise than the hub refuses it, and only who is asked: the asker comes first.

    1. An asker of the other version signs nothing (exit 4), so that no node is ever asked.
    2. Else each node of the other version refuses (`plan_differs`), and those of the hub's do not.
    """
    with pytest.raises(CommandFailed) as failed:
        ask(hands, members, "--path", "per_authority")

    def is_other(state: Path) -> bool:
        return hands.is_before(state.name) != hands.is_before(members.hub.name)

    signs = not is_other(members.person("ana@ucl"))
    said = str(failed.value)
    assert signs != (PLANNED_OTHERWISE in said), said
    assert signs or said.startswith("circe query ended with 4")
    shown = ("--action", "query.refused", "--format", "json")
    for state in members.nodes:
        logged = hands.run("audit", "show", "--state", state, *shown)
        assert ("plan_differs" in logged) == (signs and is_other(state)), state.name

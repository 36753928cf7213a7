"""A federation set up quickly on this machine, to be measured: real keys, a real hub, real nodes, one load for all.

Every node has keys of its own and is enrolled as any other. What takes time in a demo and says nothing of a sum is left
out: one authority's files are loaded, and every node is given a copy of that snapshot.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from federation.example_project import write_example
from federation.one_sitting import enrol_parties
from federation.processes import Service, Stagehands, wait_for
from federation.root import create_root
from federation.state import (
    create_party,
    join_federation,
    load_root_key,
    make_profile,
    open_party,
    publish_log_key,
)
from query_engine.geography import load_authorities

PROJECT = "rehearsal"
COPIED = ("rules.toml", "snapshots")
"""What every node has of the first."""

PEOPLE = {
    "ana": ("researcher", "university", "research"),
    "cho": ("approver", "la-201", "authority"),
    "dev": ("approver", "department", "department"),
}
"""Who asks and who approves: kind, organisation and its kind."""


@dataclass(frozen=True)
class Rehearsal:
    """Where everyone's state is, and where the hub listens."""

    directory: Path
    authorities: tuple[str, ...]
    address: str

    @property
    def hub(self) -> Path:
        """The hub's directory."""
        return self.directory / "hub"

    @property
    def nodes(self) -> tuple[Path, ...]:
        """Every node's directory."""
        return tuple(self.directory / f"node-{code}" for code in self.authorities)

    def person(self, name: str) -> Path:
        """The directory of one person's keys."""
        return self.directory / name


def set_up(hands: Stagehands, directory: Path, authorities: int, operator: str = "") -> Rehearsal:
    """Make the hub, so many nodes with a snapshot each, and the people; enrol them all.

    Each authority runs its node itself, unless one operator runs them all.
    """
    codes = tuple(sorted(load_authorities())[:authorities])
    rehearsal = Rehearsal(directory, codes, f"http://127.0.0.1:{hands.hold_port()}")
    hands.run("hub", "init", "--state", rehearsal.hub)
    _load_first(hands, rehearsal, operator)
    for code, state in list(zip(codes, rehearsal.nodes, strict=True))[1:]:
        _copy_node(rehearsal.nodes[0], state, code, operator)
    for name, (kind, organisation, organisation_kind) in PEOPLE.items():
        _create(rehearsal.person(name), name, kind, organisation, organisation_kind)
    _enrol(rehearsal, [rehearsal.hub, *rehearsal.nodes, *map(rehearsal.person, PEOPLE)])
    hands.run("hub", "adopt", "--state", rehearsal.hub, directory / "register.json")
    made = write_example(directory / "project.toml", PROJECT, ["ana"], ["opensafely"], datetime.now(UTC).date())
    hands.run("hub", "project", "--state", rehearsal.hub, made)
    return rehearsal


def start(hands: Stagehands, rehearsal: Rehearsal, together: int) -> tuple[Service, tuple[Service, ...]]:
    """Start the hub, and the nodes, so many to a process; return the processes."""
    log = rehearsal.directory / "hub.log"
    bind = rehearsal.address.removeprefix("http://")
    hub, nodes = hands.start(log, "hub", "serve", "--state", rehearsal.hub, "--bind", bind), list[Service]()
    wait_for(rehearsal.address, hands, log)
    for number in range(0, len(rehearsal.nodes), together):
        states = [word for state in rehearsal.nodes[number : number + together] for word in ("--state", state)]
        nodes.append(hands.start(rehearsal.directory / f"nodes-{number}.log", "node", "serve", *states))
    return hub, tuple(nodes)


def _load_first(hands: Stagehands, rehearsal: Rehearsal, operator: str) -> None:
    """Load one authority's synthetic files, as any authority does."""
    first, files = rehearsal.nodes[0], rehearsal.directory / "england"
    hands.run("synth", files, "--authorities", "1", "--scale", "0.2", "--format", "json")
    (returns,) = (path for path in files.iterdir() if path.name.isdigit())
    hands.run("node", "init", "--state", first, "--authority", rehearsal.authorities[0], "--operator", operator)
    hands.run("node", "load", "--state", first, returns, "--format", "json")


def _copy_node(first: Path, state: Path, code: str, operator: str) -> None:
    _create(state, f"node-{code}", "node", f"la-{code}", "authority", (code,), operator)
    for name in COPIED:
        copy = shutil.copytree if (first / name).is_dir() else shutil.copyfile
        copy(first / name, state / name)


def _create(
    state: Path,
    name: str,
    kind: str,
    organisation: str,
    organisation_kind: str,
    authorities: Sequence[str] = (),
    operator: str = "",
) -> None:
    profile = make_profile(
        member_id=name,
        kind=kind,
        title=name,
        organisation=organisation,
        organisation_kind=organisation_kind,
        operator=operator or organisation,
        authorities=tuple(authorities),
    )
    publish_log_key(create_party(state, profile))


def _enrol(rehearsal: Rehearsal, states: Sequence[Path]) -> None:
    root, now = rehearsal.directory / "root", datetime.now(UTC)
    create_root(root, "rehearsal")
    key = load_root_key(root / "root.pub")
    parties = [join_federation(open_party(state), key, rehearsal.address) for state in states]
    enrol_parties(root, rehearsal.directory / "register.json", parties, 30, now, member_days=30)

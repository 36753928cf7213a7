"""A federation to measure a hub with: its members' keys are real, and everybody but the hub is played here.

Every authority has a node, in the register alone; half a hundred researchers share a project; two approvers of other
organisations and an information governance officer of the hub's own do what theirs do.
"""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from federation.database import keep_address
from federation.example_project import write_example
from federation.one_sitting import enrol_parties
from federation.project_file import read_project
from federation.root import create_root
from federation.state import Party, create_party, join_federation, load_root_key, make_profile, publish_log_key
from hub.projects import keep_project
from hub.service import open_hub

__all__ = ["APPROVERS", "OFFICER", "PRESET", "PROJECT", "PlayedEngland", "found_england"]

PROJECT, PRESET = "attendance", "ons_10_5"

APPROVERS = ("cho", "dev")
OFFICER = "eve"

DAYS = 14

Described = Mapping[str, tuple[str, str, str]]
"""Kind, organisation and its kind of each member, by id."""


@dataclass(frozen=True)
class PlayedEngland:
    """Everybody's keys, and where the hub is."""

    hub: Path
    address: str
    parties: Mapping[str, Party]
    nodes: tuple[str, ...]
    researchers: tuple[str, ...]


def found_england(
    directory: Path, address: str, database: str, codes: Sequence[str], researchers: int
) -> PlayedEngland:
    """Make the federation in an empty directory; the hub, which has not been started, keeps its state at `database`."""
    askers = tuple(f"r{number:03}" for number in range(researchers))
    nodes = {f"node-{code}": code for code in codes}
    described = {**_describe_people(askers), **{node: _describe_node(code) for node, code in nodes.items()}}
    parties = {name: _create(directory / name, name, entry, nodes.get(name, "")) for name, entry in described.items()}
    parties = _enrol(directory, address, parties)
    hub = parties["hub"].directory
    keep_address(hub, database)
    with closing(open_hub(hub)) as opened:
        file = write_example(directory / "project.toml", PROJECT, askers, [PRESET], datetime.now(UTC).date())
        keep_project(opened, read_project(file))
    return PlayedEngland(hub, address, parties, tuple(nodes), askers)


def _describe_people(askers: Sequence[str]) -> Described:
    return {
        "hub": ("hub", "hub-operator", "hub_operator"),
        OFFICER: ("ig_officer", "hub-operator", "hub_operator"),
        APPROVERS[0]: ("approver", "authority-301", "authority"),
        APPROVERS[1]: ("approver", "institute", "research"),
        **dict.fromkeys(askers, ("researcher", "university", "research")),
    }


def _describe_node(code: str) -> tuple[str, str, str]:
    return "node", f"authority-{code}", "authority"


def _create(directory: Path, name: str, described: tuple[str, str, str], authority: str) -> Party:
    kind, organisation, organisation_kind = described
    profile = make_profile(
        member_id=name,
        kind=kind,
        title=name,
        organisation=organisation,
        organisation_kind=organisation_kind,
        operator=organisation,
        authorities=(authority,) if authority else (),
    )
    return create_party(directory, profile)


def _enrol(directory: Path, address: str, parties: Mapping[str, Party]) -> dict[str, Party]:
    root, register, now = directory / "root", directory / "register.json", datetime.now(UTC)
    create_root(root, "played")
    enrol_parties(root, register, list(parties.values()), DAYS, now, member_days=DAYS)
    key = load_root_key(root / "root.pub")
    joined = {name: join_federation(party, key, address) for name, party in parties.items()}
    joined["hub"].adopt_register(register.read_bytes(), now)
    publish_log_key(joined["hub"])
    return joined

"""A small federation on paper: real members with real keys and loaded nodes, and no process or network between them.

Tests play the hub themselves: they write manifests, collect signatures and hand bytes to the nodes.
"""

import gc
import secrets
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from disclosure_control.presets.shipped import list_presets, load_preset
from federation.envelope import Envelope, read_envelope, seal_envelope, write_envelope
from federation.manifest import MANIFEST_TYPE, Manifest, Reply, write_manifest
from federation.manifest import Path as LeavingPath
from federation.one_sitting import enrol_parties
from federation.plans import derive_plan
from federation.preset_terms import state_preset
from federation.register import Register, read_signed_register
from federation.root import create_root
from federation.state import Party, create_party, join_federation, make_profile, open_party, read_root_key
from federation.sum_terms import make_noisy_terms
from federation.wire import decode_document, whole_seconds
from node.rules import RULES_FILE
from node.service import Node, open_node
from node.setting_up import create_node, enter_person
from node.synth.england import write_england
from query_engine.catalogue import load_catalogue
from tests.added_presets import OWN, STRICT
from tests.projects import make_project

QUESTION = (
    "SELECT sen_provision, COUNT(DISTINCT child) AS children, AVG(attendance_rate) AS attendance, "
    "AVG(CASE WHEN persistent_absentee THEN 1 ELSE 0 END) AS persistent "
    "FROM child_year WHERE academic_year = 202425 AND counted_here GROUP BY sen_provision"
)

LONDON = ("203", "204", "301", "302", "316", "317")
"""Six authorities, which are enough operators for a sum."""

PEOPLE = {
    "ana@ucl": ("researcher", "ucl", "research"),
    "rae@la-316": ("researcher", "la-316", "authority"),
    "ben@ucl": ("approver", "ucl", "research"),
    "officer@la-203": ("approver", "la-203", "authority"),
    "deputy@la-203": ("approver", "la-203", "authority"),
    "officer@dfe": ("approver", "dfe", "department"),
    "analyst@lse": ("approver", "lse", "research"),
    "vsh@la-203": ("approver", "la-203", "authority"),
    "vsh@la-301": ("approver", "la-301", "authority"),
    "ig@la-203": ("ig_officer", "la-203", "authority"),
}
"""Everyone with keys of their own: kind, organisation and its kind."""


ENGLAND = "england"
"""Where the files are that the nodes are loaded from."""


@dataclass
class MovableClock:
    """A clock that stands still until a test moves it."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now

    def move(self, by: timedelta) -> None:
        self.now += by


@dataclass
class SmallFederation:
    """Where everyone's state is, and what a hub could do with it."""

    directory: Path
    authorities: tuple[str, ...]
    clock: MovableClock

    def party(self, member: str) -> Party:
        return open_party(self.directory / member)

    def node(self, authority: str) -> Node:
        return open_node(self.directory / f"node-{authority}", self.clock)

    @property
    def register(self) -> Register:
        return self.node(self.authorities[0]).register()

    @property
    def roster(self) -> tuple[str, ...]:
        return tuple(f"node-{code}" for code in self.authorities)

    def manifest(
        self, sql: str = QUESTION, path: LeavingPath = LeavingPath.PER_AUTHORITY, **changes: object
    ) -> Manifest:
        """Write a manifest as an honest hub would, with whatever the test wants different."""
        catalogue = load_catalogue()
        plan = derive_plan(sql, path)
        now = whole_seconds(self.clock())
        manifest = Manifest(
            query_id=f"Q-{secrets.token_hex(8)}",
            project=make_project(askers=("ana@ucl", "rae@la-316"), presets=(*list_presets(), STRICT, OWN)),
            asker="ana@ucl",
            purpose="A question of the tests",
            sql=sql,
            plan_id=plan.plan_id,
            planner_version=plan.planner_version,
            catalogue_version=catalogue.version,
            academic_year="202425",
            snapshot_term="202425-summer",
            path=path,
            sum=make_noisy_terms(len(self.roster), "1") if path is LeavingPath.NOISY_SUM else None,
            template="",
            choices=(),
            **state_preset(load_preset("opensafely")),
            roster=self.roster,
            minimum_register_version=1,
            issued_at=now,
            expires_at=now + timedelta(hours=1),
            nonce=secrets.token_hex(32),
        )
        return msgspec.structs.replace(manifest, **changes)

    def sign(self, manifest: Manifest, signers: Sequence[str] = ("ana@ucl", "officer@la-203", "officer@dfe")) -> bytes:
        """Return the envelope of a manifest signed by those named: as it stands, approved."""
        keys = [self.party(signer).keys for signer in signers]
        return write_envelope(seal_envelope(write_manifest(manifest), MANIFEST_TYPE, *keys))

    def change_rule(self, authority: str, old: str, new: str) -> None:
        """Edit one line of an authority's own rules."""
        path = self.directory / f"node-{authority}" / RULES_FILE
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))


def read_reply(data: bytes) -> Reply:
    """Read a node's reply."""
    envelope: Envelope = read_envelope(data, "application/vnd.circe.reply+json")
    return decode_document(envelope.body, Reply)


def build_federation(
    directory: Path, authorities: Sequence[str], load: Callable[[Node, Path], None], **england: Any
) -> SmallFederation:
    """Make everyone's keys, enrol them, and load a synthetic England, as it is described, into the nodes."""
    now = datetime.now(UTC) - timedelta(minutes=1)
    write_england(directory / ENGLAND, authorities=list(authorities), **{"seed": 7, "scale": 0.6, **england})
    root = directory / "root"
    create_root(root, "tests")
    states = [directory / f"node-{code}" for code in authorities]
    for code, state in zip(authorities, states, strict=True):
        load(create_node(state, code), directory / ENGLAND / code)
        enter_person(state, "vsh", "virtual_school_head", "Virtual school head")
        enter_person(state, "admin", "node_administrator", "Node administrator")
    hub = make_profile(
        member_id="hub",
        kind="hub",
        title="Hub",
        organisation="hub-operator",
        organisation_kind="hub_operator",
        operator="hub-operator",
        authorities=(),
    )
    create_party(directory / "hub", hub)
    states.append(directory / "hub")
    for member, (kind, organisation, organisation_kind) in PEOPLE.items():
        profile = make_profile(
            member_id=member,
            kind=kind,
            title=member,
            organisation=organisation,
            organisation_kind=organisation_kind,
            operator=organisation,
            authorities=(),
        )
        create_party(directory / member, profile)
        states.append(directory / member)
    clock = MovableClock(datetime.now(UTC) + timedelta(seconds=2))
    enrol_parties(root, directory / "register.json", [open_party(state) for state in states], 30, now)
    key = read_root_key((root / "root.pub").read_text())
    data = (directory / "register.json").read_bytes()
    assert read_signed_register(data, key).version == 1
    for state in states:
        join_federation(open_party(state), key, "http://127.0.0.1:9").adopt_register(data, clock())
    return SmallFederation(directory, tuple(authorities), clock)


def copy_federation(original: SmallFederation, directory: Path, *, with_files: bool = True) -> SmallFederation:
    """Return a federation of one's own to spoil; without the files that its nodes were loaded from, unless wanted."""
    copy_states(original.directory, directory, leave=() if with_files else (ENGLAND,))
    return replace(original, directory=directory, clock=MovableClock(original.clock.now))


def copy_states(original: Path, directory: Path, leave: Sequence[str] = ()) -> None:
    """Copy the states of members, but what is named so, with the modes of files that are for their owners alone."""
    if {*original.glob("*-wal"), *original.glob("*/*-wal")}:
        # Connections that nobody holds any more are closed here, and not while their files are copied.
        gc.collect()
    left = shutil.ignore_patterns(*leave)
    shutil.copytree(original, directory, dirs_exist_ok=True, copy_function=shutil.copy, ignore=left)

"""The stage of the whole story: one federation in one process, whose hub and two of whose nodes serve their pages.

People act in the browser, and with `circe` from their own directories, over the wire; nodes poll when the story says.
"""

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from federation.one_sitting import enrol_parties
from federation.passkeys import Passkey
from federation.root import open_root
from federation.state import Party, create_party, join_federation, make_profile, open_party
from federation.transport import HubConnection
from hub import gate
from node.pages import leaving
from node.rules import RULES_FILE
from node.setting_up import enter_person
from node.witnessing import exchange_witnessing
from tests.browser.serving import serve_app, serve_node
from tests.end_to_end.one_process import OneProcess, answering_at_once
from tests.hub.made_up_copy import give_copy
from tests.node.pages.approver_at_node import register_passkeys
from tests.small_federation import MovableClock, SmallFederation, copy_federation

ASKER, CHECKER, AUDITOR, ANALYST = "ana@ucl", "checker@hub", "ig@hub", "analyst@dfe"
OFFICERS = {"203": "officer@la-203", "301": "officer@la-301"}
"""Who approves, by the authority at whose node they do."""

NEWCOMERS = {
    "officer@la-301": ("approver", "la-301", "authority"),
    CHECKER: ("output_checker", "hub-operator", "hub_operator"),
    AUDITOR: ("ig_officer", "hub-operator", "hub_operator"),
    ANALYST: ("dfe_analyst", "dfe", "department"),
}
"""Whom the story has beside the members of every small federation: kind, organisation and its kind."""


class WiredProcess(OneProcess):
    """A federation in one process whose members reach the hub at its port."""

    def connect(self, party: Party) -> HubConnection:
        return HubConnection(self.hub.party.profile.hub, party.ring, clock=self.clock)


class WallClock(MovableClock):
    """The clock on the wall, which the command line goes by too."""

    def __call__(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True)
class Stage:
    """Where the hub and the nodes serve their pages, and what goes on behind these."""

    process: OneProcess
    hub: str
    nodes: dict[str, str]

    def directory(self, member: str) -> Path:
        """Where a person keeps their keys."""
        return self.process.federation.directory / member

    def register_passkey(self, member: str, passkey: Passkey) -> None:
        """Have the root put an approver's passkey into the register, and the hub take that into use."""
        register_passkeys(self.process.federation, {member: (passkey,)})
        data = (self.process.federation.directory / "register.json").read_bytes()
        self.process.hub.party.adopt_register(data, self.process.clock())

    def answer(self) -> None:
        """Have every node answer while the hub has no time for its attack: a checker has to look at the release."""
        with pytest.MonkeyPatch.context() as patched, answering_at_once():
            patched.setattr(gate, "LONGEST_SECONDS", -1.0)
            self.process.poll(*self.process.federation.authorities)

    def witness(self) -> None:
        """Have every node look at the hub's log, and sign that it was only added to."""
        for node in self.process.nodes.values():
            with closing(self.process.connect(node.party)) as hub:
                exchange_witnessing(node, hub)


@contextmanager
def set_stage(original: SmallFederation, place: Path) -> Iterator[Stage]:
    """Set the stage in an empty directory."""
    federation = replace(copy_federation(original, place / "federation"), clock=WallClock(original.clock.now))
    give_copy(federation.directory / "hub", place)
    with ExitStack() as until_the_end, pytest.MonkeyPatch.context() as patched:
        port = until_the_end.enter_context(socket.create_server(("127.0.0.1", 0)))
        enrol_newcomers(federation, f"http://127.0.0.1:{port.getsockname()[1]}")
        process = WiredProcess(federation)
        until_the_end.callback(process.close)
        hub = until_the_end.enter_context(serve_app(process.app, process.hub.database, port=port))
        patched.setattr(leaving, "connect_party", lambda party, **_: process.connect(party))
        nodes = {code: until_the_end.enter_context(serve_pages(process, code)) for code in OFFICERS}
        yield Stage(process, hub, nodes)


def enrol_newcomers(federation: SmallFederation, hub: str) -> None:
    """Have the root enrol whom the story needs beside the others; they, the asker and the hub note where the hub is."""
    for member, (kind, organisation, organisation_kind) in NEWCOMERS.items():
        profile = make_profile(
            member_id=member,
            kind=kind,
            title=member,
            organisation=organisation,
            organisation_kind=organisation_kind,
            operator=organisation,
            authorities=(),
        )
        create_party(federation.directory / member, profile)
    root, register = federation.directory / "root", federation.directory / "register.json"
    parties = [open_party(federation.directory / member) for member in NEWCOMERS]
    enrol_parties(root, register, parties, 30, federation.clock())
    for party in (*parties, federation.party(ASKER), federation.party("hub")):
        joined = join_federation(party, open_root(root).public_key, hub)
        joined.adopt_register(register.read_bytes(), federation.clock())


@contextmanager
def serve_pages(process: OneProcess, code: str) -> Iterator[str]:
    """Serve a node's pages at the address that its rules name, to its approver among others."""
    node, officer = process.nodes[code], OFFICERS[code]
    enter_person(node.party.directory, officer, "approver", f"Approver of {code}")
    with serve_node(node, "localhost") as address:
        rules = node.party.directory / RULES_FILE
        rules.write_text(re.sub(r'(?m)^address = ".*"', f'address = "{address}"', rules.read_text()))
        yield address

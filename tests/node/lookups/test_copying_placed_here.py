"""Copies of what other authorities tell: a host reads, and takes nothing away, whatever form is asked for."""

from pathlib import Path

import pytest

from audit.event import Action, Outcome
from audit.log import read_entries
from federation.cli import run
from federation.transport import HubConnection
from node.lookups.asking import ask_placed_here, check_copying
from node.people import Person
from node.service import Node
from node.setting_up import enter_person
from policies.access_policy import AccessDenied, AccessPolicy
from policies.names import Action as PolicyAction
from policies.names import Relation, Role
from tests.small_federation import SmallFederation

ASKER = "203"


class Unreachable:
    """A hub that must not be asked anything."""

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"{name} was asked of the hub")

    def close(self) -> None:
        """Nothing was opened."""


@pytest.fixture
def node(federation: SmallFederation) -> Node:
    return federation.node(ASKER)


def refusals(node: Node) -> list[dict[str, object]]:
    entries = read_entries(node.database.connection, action=Action.LOOKUP_ASKED)
    events = [entry.to_event() for entry in entries]
    return [dict(event.details) for event in events if event.outcome is Outcome.REFUSED]


def test_a_copy_is_refused_and_logged_before_anybody_is_asked(node: Node) -> None:
    vsh = node.find_person("vsh")
    hub: HubConnection = Unreachable()  # type: ignore[assignment]
    with pytest.raises(AccessDenied, match="may not export"):
        ask_placed_here(node, hub, vsh, "Termly review", patience=1, copying=True)
    assert refusals(node) == [{"kind": "placed_here", "copied": True}]


ASKED = {
    "placed here": ("vsh", "--placed-here"),
    "a class list": ("teacher", "--class-list"),
    "one child of theirs": ("vsh", "--child", "{child}", "--at", "301"),
    "a child named to us": ("vsh", "--named", "--at", "301"),
}
"""What other authorities tell of at the command line, and who asks for it."""


@pytest.mark.parametrize("asked", ASKED)
def test_the_command_line_gives_no_file_of_what_others_tell(
    node: Node, asked: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """One error, whatever is asked for: the access matrix's own, which is logged before anybody is asked."""
    monkeypatch.setattr("federation.transport.connect_party", lambda *_, **__: Unreachable())
    monkeypatch.setattr("node.polling.refresh_register", lambda *_: None)
    enter_person(node.party.directory, "teacher", "designated_teacher", "Teacher", 100001)
    (tmp_path / "child.txt").write_text("upn: A801200005001\n")
    person, *words = ASKED[asked]
    common = ["lookup", "--state", str(node.party.directory), "--as", person, "--purpose", "Review"]
    question = [word.format(child=tmp_path / "child.txt") for word in words]
    for form in ("csv", "json"):
        assert run([*common, *question, "--format", form]) == 8
        told = capfd.readouterr()
        assert told.out == ""
        assert "may not export" in told.err
    listed = read_entries(node.database.connection, action=Action.CHILDREN_LISTED)
    own = [event for event in (entry.to_event() for entry in listed) if event.outcome is Outcome.REFUSED]
    assert len(refusals(node)) + len(own) == 2


@pytest.mark.parametrize("role", Role)
def test_nobody_but_home_takes_copies_of_what_they_may_read(role: Role) -> None:
    policy, person = AccessPolicy.load(), Person(id="somebody", role=role, title="Somebody")
    for relation in (Relation.HOST, Relation.SCHOOL, Relation.NAMED_CHILD, Relation.EMERGENCY):
        if policy.permitted_groups(role, relation, PolicyAction.READ):
            with pytest.raises(AccessDenied, match="may not export"):
                check_copying(policy, person, relation)

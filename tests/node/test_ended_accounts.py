"""Accounts with a last day, as every inspector's has: in force on it, and nothing is opened after it, by any way in."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from federation.cli import run
from federation.state import StateError
from node.app import create_app
from node.lookups.child_sight import list_sights
from node.people import PEOPLE_FILE, list_people
from node.service import Node
from node.setting_up import enter_person
from node.sign_in import issue_code
from policies.names import Role
from tests.small_federation import SmallFederation

HOUSE = Path(__file__).parents[2]


@pytest.fixture
def node(federation: SmallFederation) -> Node:
    return federation.node(federation.authorities[0])


def enter_inspector(node: Node, days: int) -> None:
    """Enter one whose last day is so many days from now.

    Entering goes by the clock on the wall, on which it may be tomorrow by now: a last day to come is one on it, too.
    """
    until = node.clock().date() + timedelta(days=days)
    enter_person(node.party.directory, "inspector", Role.AUTHORITY_INSPECTOR, "Inspector", until=until)


def test_an_account_is_in_force_on_its_last_day_and_over_on_the_next(federation: SmallFederation, node: Node) -> None:
    enter_inspector(node, 1)
    federation.clock.move(timedelta(days=1))
    assert node.find_person("inspector").role is Role.AUTHORITY_INSPECTOR
    federation.clock.move(timedelta(days=1))
    with pytest.raises(StateError, match="the account of inspector is over"):
        node.find_person("inspector")
    with pytest.raises(StateError):
        issue_code(node, "inspector")


def test_a_session_ends_with_the_account(federation: SmallFederation, node: Node) -> None:
    """Every request asks whose it is."""
    enter_inspector(node, 1)
    client = create_app(node).test_client()
    token = re.search(r'name="form_token" value="([0-9a-f]{64})"', client.get("/sign-in").text)
    assert token
    answer = client.post("/sign-in", data={"form_token": token[1], "code": issue_code(node, "inspector")})
    assert answer.status_code == 303
    assert "Your account ends with" in client.get("/").text
    assert client.get("/figures").status_code == 200
    text = (node.party.directory / PEOPLE_FILE).read_text()
    today = node.clock().date()
    ended = text.replace((today + timedelta(days=1)).isoformat(), (today - timedelta(days=1)).isoformat())
    assert ended != text
    (node.party.directory / PEOPLE_FILE).write_text(ended)
    assert client.get("/figures").status_code == 403


def test_an_inspector_without_a_last_day_opens_nothing(node: Node) -> None:
    """Whether refused as they are entered, or found in a file of before."""
    with pytest.raises(StateError, match="--until"):
        enter_person(node.party.directory, "inspector", Role.AUTHORITY_INSPECTOR, "Inspector")
    path = node.party.directory / PEOPLE_FILE
    path.write_text(path.read_text() + '\n[[person]]\nid = "old"\nrole = "authority_inspector"\ntitle = "Old"\n')
    with pytest.raises(StateError, match="the account of old is over"):
        node.find_person("old")


def test_a_last_day_that_has_passed_is_none(node: Node) -> None:
    with pytest.raises(StateError, match="has passed"):
        enter_inspector(node, -1)


def test_whoever_is_gone_is_not_told_of_as_one_who_could_see(federation: SmallFederation, node: Node) -> None:
    until = node.clock().date() + timedelta(days=1)
    enter_person(node.party.directory, "deputy", Role.VIRTUAL_SCHOOL_STAFF, "Deputy", until=until)
    number = find_child(node)
    assert "deputy" in {sight.asker.name for sight in list_sights(node, number, Role.VIRTUAL_SCHOOL_HEAD)}
    federation.clock.move(timedelta(days=2))
    assert "deputy" not in {sight.asker.name for sight in list_sights(node, number, Role.VIRTUAL_SCHOOL_HEAD)}


def find_child(node: Node) -> str:
    from node.lookups.own_children import list_own_children

    snapshot = node.store.current()
    assert snapshot is not None
    return str(list_own_children(node, snapshot, Role.VIRTUAL_SCHOOL_HEAD).rows[0][0])


def test_the_people_are_listed_with_their_last_days(node: Node, capsys: pytest.CaptureFixture[str]) -> None:
    state = str(node.party.directory)
    entering = ["node", "person", "--state", state, "--id", "ins", "--role", "school_inspector", "--title", "Inspector"]
    assert run([*entering, "--school", "100001", "--until", "tomorrow"]) == 2
    assert "write the day as" in capsys.readouterr().err
    assert run([*entering, "--school", "100001", "--until", "31/12/2099"]) == 0
    capsys.readouterr()
    assert run(["node", "people", "--state", state, "--format", "json"]) == 0
    people = {row["id"]: row for row in json.loads(capsys.readouterr().out)}
    assert (people["ins"]["schools"], people["ins"]["until"]) == ("100001", "2099-12-31")
    assert set(people) == {person.id for person in list_people(node.party.directory)}


def test_nobody_in_the_node_looks_a_person_up_past_the_clock() -> None:
    """One way in, which asks whether the account is over: the node's own."""
    users = {
        str(path.relative_to(HOUSE)) for path in (HOUSE / "node").rglob("*.py") if " find_person(" in path.read_text()
    }
    assert users == {"node/people.py", "node/service.py"}

"""The pages on which our children are named to others, and on which whoever received them reads them."""

from datetime import timedelta
from typing import Any

import pytest

from federation.cli import run
from node.ingest.tokens import row_token
from node.lookups.asking import list_addressed
from node.lookups.delegations import list_given
from node.lookups.own_children import list_own_children
from node.pages import named
from node.service import Node
from node.setting_up import enter_person
from node.tracking.store import add_entries
from tests.node.pages.conftest import Browse, Send
from tests.node.tracking.test_named_records import ATTENDED, PLAN


@pytest.fixture
def form(node: Node) -> dict[str, Any]:
    """A delegation of one child to a social worker of ours, as the page sends it."""
    enter_person(node.party.directory, "worker", "social_worker", "Social worker")
    snapshot = node.store.current()
    assert snapshot is not None
    number = list_own_children(node, snapshot, "virtual_school_head").rows[0][0]
    today = node.clock().date()
    return {
        "children": f"{number}\n",
        "authority": "",
        "person": "worker",
        "groups": ["identity", "education"],
        "first": today.isoformat(),
        "last": (today + timedelta(days=9)).isoformat(),
        "purpose": "Case work",
    }


def test_a_child_is_named_read_and_revoked(browse: Browse, send: Send, node: Node, form: dict[str, Any]) -> None:
    head, worker = browse("vsh"), browse("worker")
    assert "Nobody is named to you now" in send(worker, "/named", {"purpose": "A visit", "at": ""}).text
    assert send(head, "/delegations", form).status_code == 303
    (given,) = list_given(node)
    assert "Social worker" not in head.get("/delegations").text
    page = send(worker, "/named", {"purpose": "A visit", "at": node.authority}).text
    assert form["children"].strip() in page
    assert "Legal status" not in page
    assert worker.get("/children").status_code == worker.get("/child").status_code == 403
    number = given.delegation.delegation_id
    assert send(worker, "/delegations/revoke", {"delegation_id": number}, shown="/named").status_code == 403
    assert send(head, "/delegations/revoke", {"delegation_id": number}, shown="/delegations").status_code == 303
    assert "Revoked by vsh" in head.get("/delegations").text
    assert "Nobody is named to you now" in send(worker, "/named", {"purpose": "A visit", "at": ""}).text
    again = send(head, "/delegations/revoke", {"delegation_id": number}, shown="/delegations")
    assert again.status_code == 400


def test_whoever_is_named_a_child_reads_what_the_tracking_record_holds(
    browse: Browse, send: Send, node: Node, form: dict[str, Any]
) -> None:
    """Of the named groups: the plan where it was named, and never the history."""
    token = row_token(node.party.keys.row_secret, form["children"].strip())
    with node.database.transaction() as connection:
        told = {"by": "vsh", "role": "head", "reason": "SECRET"}
        add_entries(connection, token, 0, [PLAN, ATTENDED], at=node.clock(), **told)
    worker = browse("worker")
    for groups, shown in ((["education"], [True, False]), (["education", "plan_pep"], [True, True])):
        assert send(browse("vsh"), "/delegations", {**form, "groups": groups}).status_code == 303
        page = send(worker, "/named", {"purpose": "A visit", "at": ""}).text
        assert [title in page for title in ("Attendance to date", "Personal education plan")] == shown
        assert "SECRET" not in page


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"first": "tomorrow"}, 400),
        ({"children": ""}, 400),
        ({"children": "no such/child"}, 400),
        ({"groups": []}, 400),
        ({"groups": ["audit_log"]}, 403),
        ({"person": "admin"}, 403),
        ({"person": "nobody"}, 400),
        ({"purpose": ""}, 400),
    ],
)
def test_what_is_no_delegation_is_said_and_nothing_is_kept(
    browse: Browse, send: Send, node: Node, form: dict[str, Any], change: dict[str, Any], status: int
) -> None:
    answer = send(browse("vsh"), "/delegations", {**form, **change})
    assert answer.status_code == status
    assert "no such/child" not in answer.text
    assert list_given(node) == ()


@pytest.mark.parametrize("fields", [{"purpose": "", "at": ""}, {"purpose": "A visit", "at": "999"}])
def test_a_reading_without_purpose_or_authority_is_asked_for_again(
    browse: Browse,
    send: Send,
    monkeypatch: pytest.MonkeyPatch,
    node: Node,
    form: dict[str, Any],
    fields: dict[str, str],
) -> None:
    monkeypatch.setattr(named, "ask_authority", lambda _visitor, _purpose, at: list_addressed(node, at))
    assert send(browse("worker"), "/named", fields).status_code == 400


def test_the_command_line_gives_lists_reads_and_revokes(
    node: Node, form: dict[str, Any], tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    children = tmp_path / "children.txt"
    children.write_text(form["children"])
    state = ["--state", str(node.party.directory)]
    give = ["node", "delegation", "give", *state, "--as", "vsh", "--children", str(children), "--person", "worker"]
    days = ["--from", form["first"], "--until", form["last"], "--purpose", "Case work"]
    assert run([*give, "--fields", "identity", *days]) == 0
    number = capsys.readouterr().out.strip()
    assert run(["node", "delegation", "list", *state, "--as", "vsh", "--format", "csv"]) == 0
    assert number in capsys.readouterr().out
    assert run(["node", "delegation", "list", *state, "--as", "worker"]) == 8
    read = ["lookup", *state, "--as", "worker", "--purpose", "A visit", "--named"]
    assert run(read) == 0
    assert form["children"].strip() in capsys.readouterr().out
    assert run([*read, "--format", "csv"]) == 8
    assert run([*read, "--at", "301", "--format", "csv"]) == 2
    assert run(["node", "delegation", "revoke", *state, "--as", "vsh", number]) == 0
    assert run(["node", "delegation", "revoke", *state, "--as", "vsh", number]) == 2

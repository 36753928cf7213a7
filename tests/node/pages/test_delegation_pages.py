"""The pages on which our children are named to others, and on which whoever received them reads them."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from audit.event import Action
from audit.log import read_entries
from federation.cli import run
from federation.webauthn import Assertion, Flags, decode_base64url, encode_base64url
from node.app import create_app
from node.ingest.tokens import row_token
from node.lookups.asking import list_addressed
from node.lookups.delegation import receiving
from node.lookups.delegation.shelf import list_come, list_given
from node.lookups.delegation.telling import tell_receivers
from node.lookups.own_children import list_own_children
from node.pages import named, through_hub
from node.service import Node
from node.setting_up import enter_person
from node.sign_in import issue_code
from node.tracking.store import add_entries
from tests.node.lookups.test_delegations import HOME
from tests.node.lookups.test_delegations import give as give_by_key
from tests.node.lookups.test_emergencies import Device, give_passkeys
from tests.node.lookups.test_handovers import TwoWayRelay
from tests.node.pages.conftest import Browse, Send
from tests.node.pages.soft_passkey import read_data
from tests.node.pages.test_handover_pages import PageHub
from tests.node.tracking.test_named_records import ATTENDED, PLAN
from tests.small_federation import SmallFederation

ALL_BUT_WHOM = {"first", "last", "children", "groups", "purpose"}


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


@pytest.fixture
def device(federation: SmallFederation, monkeypatch: pytest.MonkeyPatch) -> Device:
    """The head's passkey, as the register has it."""
    device = Device()
    give_passkeys(federation, monkeypatch, {"vsh@la-203": (device.passkey(),)})
    return device


def sign(send: Send, head: FlaskClient, device: Device, written: TestResponse) -> TestResponse:
    """What the page's script does with the form that a written delegation shows."""
    answer = device.answer(decode_base64url(read_data(written.text, "ticket")))
    parts = {
        name: encode_base64url(getattr(answer, name)) for name in ("client_data", "authenticator_data", "signature")
    }
    found = re.search(r'name="delegation_id" value="(D-[0-9a-f]{32})"', written.text)
    assert found is not None
    fields = {**parts, "credential": encode_base64url(device.id), "delegation_id": found[1]}
    return send(head, "/delegations/sign", fields, shown="/delegations")


def give(send: Send, head: FlaskClient, device: Device, form: dict[str, Any]) -> None:
    written = send(head, "/delegations", form)
    assert written.status_code == 200
    assert sign(send, head, device, written).status_code == 303


def test_a_form_sent_twice_and_signed_twice_gives_one(
    browse: Browse, send: Send, node: Node, form: dict[str, Any], device: Device
) -> None:
    head = browse("vsh")
    first, second = (send(head, "/delegations", form) for _ in range(2))
    assert read_data(first.text, "ticket") == read_data(second.text, "ticket")
    assert list_given(node) == ()
    assert [sign(send, head, device, written).status_code for written in (first, first, second)] == [303] * 3
    assert len(list_given(node)) == 1
    assert sum(1 for _ in read_entries(node.database.connection, action=Action.DELEGATION_GIVEN)) == 1
    assert "named to them already" in send(head, "/delegations", form).text


def test_a_form_that_is_refused_keeps_what_was_typed_but_the_children(
    browse: Browse, send: Send, form: dict[str, Any], device: Device
) -> None:
    answer = send(browse("vsh"), "/delegations", {**form, "last": "next week"})
    assert answer.status_code == 400
    text = answer.text
    for name in ("person", "first", "last", "purpose"):
        assert re.search(rf'name="{name}"[^>]*value="{form[name] if name != "last" else "next week"}"', text), name
    ticked = re.findall(r'name="groups" type="checkbox" value="(\w+)" checked', text)
    assert ticked == form["groups"]
    assert form["children"].strip() not in text
    assert "Personal education plan" in text


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"first": "tomorrow"}, {"first"}),
        ({"last": "1999-01-01"}, {"last"}),
        ({"first": "", "last": "", "children": "", "groups": [], "purpose": " "}, ALL_BUT_WHOM),
        ({"children": "no such child"}, {"children"}),
        ({"person": "nobody"}, {"person"}),
        ({"authority": "999"}, {"authority"}),
        ({"purpose": "About A123456789012"}, {"purpose"}),
        ({"purpose": "Case work " * 110}, {"purpose"}),
        ({"authority": "301", "person": "Nobody Like That"}, {"person"}),
    ],
)
def test_what_is_wrong_with_a_form_is_said_at_its_field(
    browse: Browse, send: Send, form: dict[str, Any], change: dict[str, Any], fields: set[str]
) -> None:
    text = send(browse("vsh"), "/delegations", {**form, **change}).text
    assert set(re.findall(r'id="(\w+)-error"', text)) == fields


@pytest.mark.parametrize(
    ("path", "fields"),
    [("/delegations/revoke", {"delegation_id": "D-0"}), ("/delegations/sign", {})],
)
def test_what_is_about_no_field_stands_at_none(browse: Browse, send: Send, path: str, fields: dict[str, str]) -> None:
    """One that is gone, or waited too long, is told of the whole page and not of the children's numbers."""
    answer = dict.fromkeys((*Assertion.__dataclass_fields__, "credential"), "AAAA")
    refused = send(browse("vsh"), path, {**answer, **fields}, shown="/delegations")
    assert refused.status_code == 400
    assert "There is a problem" in refused.text
    assert re.findall(r'id="(\w+)-error"', refused.text) == []
    assert 'href="#children"' not in refused.text


def test_a_giver_whom_the_register_does_not_have_is_told_so_and_not_at_the_children(
    node: Node, browse: Browse, send: Send, form: dict[str, Any]
) -> None:
    enter_person(node.party.directory, "newhead", "virtual_school_head", "New head")
    refused = send(browse("newhead"), "/delegations", form)
    assert (refused.status_code, "There is a problem" in refused.text) == (400, True)
    assert re.findall(r'id="(\w+)-error"', refused.text) == []


def test_what_another_passkey_signs_is_not_given(
    browse: Browse, send: Send, node: Node, form: dict[str, Any], device: Device
) -> None:
    head, stranger = browse("vsh"), Device()
    written = send(head, "/delegations", form)
    assert sign(send, head, stranger, written).status_code == 400
    elsewhere = replace(device, flags=Flags.USER_PRESENT)
    assert sign(send, head, elsewhere, written).status_code == 400
    assert list_given(node) == ()


def test_what_was_given_to_another_authority_waits_to_be_told_where_no_hub_is_in_reach(
    browse: Browse, send: Send, node: Node, form: dict[str, Any], device: Device
) -> None:
    head = browse("vsh")
    give(send, head, device, {**form, "authority": "301", "person": ""})
    assert "Their node has not heard of it yet" in head.get("/delegations").text
    assert send(head, "/delegations/tell", shown="/delegations").status_code == 303


def test_the_page_tells_the_receiving_node_what_was_given_and_its_end(
    browse: Browse,
    send: Send,
    node: Node,
    form: dict[str, Any],
    device: Device,
    federation: SmallFederation,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At once; and what their node did not take, when somebody asks for it."""
    monkeypatch.setattr(through_hub, "connect_party", lambda *_, **__: PageHub(federation, sender=node.authority))
    monkeypatch.setattr(through_hub, "refresh_register", lambda *_: None)
    head, theirs = browse("vsh"), federation.node("301")
    with pytest.MonkeyPatch.context() as full:
        full.setattr(receiving, "MOST_COME", 0)
        give(send, head, device, {**form, "authority": "301", "person": ""})
    assert list_come(theirs) == ()
    assert "Their node does not take it" in head.get("/delegations").text
    assert send(head, "/delegations/tell", shown="/delegations").status_code == 303
    (come,) = list_come(theirs)
    assert come.revoked_at == ""
    assert "Their node knows of it" in head.get("/delegations").text
    number = {"delegation_id": come.delegation.delegation_id}
    assert send(head, "/delegations/revoke", number, shown="/delegations").status_code == 303
    assert [bool(each.revoked_at) for each in list_come(theirs)] == [True]
    give(send, head, device, {**form, "authority": "301", "person": "", "groups": ["care"]})
    assert [bool(each.revoked_at) for each in list_come(theirs)].count(False) == 1


def test_the_receiving_head_sees_what_was_named_before_reading_it(
    browse: Browse, send: Send, node: Node, federation: SmallFederation
) -> None:
    """And home's sees that they know."""
    given, home = give_by_key(federation), federation.node(HOME)
    relay, theirs = TwoWayRelay(federation, sender=HOME), create_app(home).test_client()
    assert send(theirs, "/sign-in", {"code": issue_code(home, "vsh")}).status_code == 303
    assert tell_receivers(home, relay, patience=1) == 0
    page = " ".join(browse("vsh").get("/named").text.split())
    assert "has named 2 children to whoever has your role: education, health" in page
    assert "Their node knows of it" in theirs.get("/delegations").text
    number = {"delegation_id": given.delegation_id}
    assert send(theirs, "/delegations/revoke", number, shown="/delegations").status_code == 303
    assert "has not heard that it is over yet" in theirs.get("/delegations").text
    assert tell_receivers(home, relay, patience=1) == 0
    assert "Revoked on" in browse("vsh").get("/named").text


def test_a_child_is_named_read_and_revoked(
    browse: Browse, send: Send, node: Node, form: dict[str, Any], device: Device
) -> None:
    head, worker = browse("vsh"), browse("worker")
    assert "Nobody is named to you now" in send(worker, "/named", {"purpose": "A visit", "at": ""}).text
    give(send, head, device, form)
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
    browse: Browse, send: Send, node: Node, form: dict[str, Any], device: Device
) -> None:
    """Of the named groups: the plan where it was named, and never the history."""
    token = row_token(node.party.keys.row_secret, form["children"].strip())
    with node.database.transaction() as connection:
        told = {"by": "vsh", "role": "head", "reason": "SECRET"}
        add_entries(connection, token, 0, [PLAN, ATTENDED], at=node.clock(), **told)
    worker = browse("worker")
    for groups, shown in ((["education"], [True, False]), (["education", "plan_pep"], [True, True])):
        give(send, browse("vsh"), device, {**form, "groups": groups})
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
    node: Node, form: dict[str, Any], federation: SmallFederation, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    children = tmp_path / "children.txt"
    children.write_text(form["children"])
    state = ["--state", str(node.party.directory)]
    give = ["node", "delegation", "give", *state, "--as", "vsh", "--children", str(children), "--person", "worker"]
    give += ["--signer", str(federation.directory / "vsh@la-203")]
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
    assert run(["node", "delegation", "revoke", *state, "--as", "vsh", number]) == 0
    assert run(["node", "delegation", "revoke", *state, "--as", "vsh", number]) == 2
    assert run(["node", "delegation", "tell", *state, "--as", "vsh"]) == 0
    assert run(["node", "delegation", "tell", *state, "--as", "worker"]) == 8

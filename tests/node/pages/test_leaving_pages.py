"""What leaves this authority: read aloud at its own node, approved there by passkey, whatever the hub hands out."""

import re
from datetime import timedelta

import msgspec
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from audit.event import Action, AuditEvent, Outcome
from audit.log import read_entries
from federation.approvals import verify_approval
from federation.manifest import Outcome as ReplyOutcome
from federation.manifest import manifest_digest
from federation.reading import shorten_digest
from federation.webauthn import Flags, decode_base64url, encode_base64url
from node.answering import answer_manifest
from node.leaving.holding import list_held
from node.pages import leaving
from node.service import Node
from node.setting_up import enter_person
from node.sign_in import issue_code
from tests.node.pages.approver_at_node import OFFICER, PlayedHub, change_members, register_passkeys
from tests.node.pages.conftest import Browse, Send
from tests.node.pages.soft_passkey import SoftPasskey, hidden_fields, read_data
from tests.small_federation import SmallFederation, read_reply


@pytest.fixture
def hub(federation: SmallFederation, monkeypatch: pytest.MonkeyPatch) -> PlayedHub:
    played = PlayedHub(federation)
    monkeypatch.setattr(leaving, "connect_party", lambda *_, **__: played)
    return played


@pytest.fixture
def passkey(federation: SmallFederation) -> SoftPasskey:
    """The officer's device, which the register has."""
    device = SoftPasskey()
    register_passkeys(federation, {OFFICER: (device.registered,)})
    return device


@pytest.fixture
def officer(node: Node, browse: Browse, hub: PlayedHub) -> FlaskClient:
    """The approver's browser, at the node of their own authority."""
    enter_person(node.party.directory, OFFICER, "approver", "Officer")
    return browse(OFFICER)


def approve(client: FlaskClient, passkey: SoftPasskey, query_id: str, **changes: str) -> TestResponse:
    """Open a query's page, have the device answer it, and send the form; a test may send something else."""
    page = client.get(f"/leaving/{query_id}").text
    return client.post(f"/leaving/{query_id}/approve", data={**fill_in(passkey, page), **changes})


def fill_in(passkey: SoftPasskey, page: str) -> dict[str, str]:
    shown = re.search(r'name="digest" value="([0-9a-f]{64})"', page)
    answer = passkey.answer(decode_base64url(read_data(page, "ticket")))
    return {
        "form_token": hidden_fields(page)["form_token"],
        "digest": shown[1] if shown else "",
        "credential": encode_base64url(passkey.id),
        "client_data": encode_base64url(answer.client_data),
        "authenticator_data": encode_base64url(answer.authenticator_data),
        "signature": encode_base64url(answer.signature),
    }


def logged(node: Node) -> list[AuditEvent]:
    entries = read_entries(node.database.connection, action=Action.QUERY_APPROVED)
    return [entry.to_event() for entry in reversed(list(entries))]


def test_an_approver_reads_and_approves(
    officer: FlaskClient, passkey: SoftPasskey, hub: PlayedHub, node: Node, federation: SmallFederation
) -> None:
    """What the passkey signs counts everywhere; that it was to be signed is logged first."""
    query_id = hub.put_forward(federation.manifest(), "officer@dfe")
    listed = officer.get("/leaving").text
    assert f'href="/leaving/{query_id}"' in listed
    page = officer.get(f"/leaving/{query_id}").text
    digest = manifest_digest(hub.waiting[query_id])
    assert shorten_digest(digest) in page
    assert digest.startswith(shorten_digest(digest).replace(" ", ""))
    assert "each authority protects its own rows before they leave" in page
    assert read_data(page, "allowed") == encode_base64url(passkey.id)

    assert approve(officer, passkey, query_id).status_code == 303
    member = node.register().find(OFFICER, node.clock())
    verify_approval(hub.waiting[query_id], member)
    first, last = logged(node)
    assert (first.outcome, last.outcome) == (Outcome.INTENDED, Outcome.DONE)
    assert (last.actor, last.details["digest"]) == (f"{OFFICER} (approver)", digest)
    assert "You have approved it" in officer.get(f"/leaving/{query_id}").text


def refuse(client: FlaskClient, query_id: str, reason: str) -> TestResponse:
    token = hidden_fields(client.get(f"/leaving/{query_id}").text)["form_token"]
    return client.post(f"/leaving/{query_id}/refuse", data={"form_token": token, "reason": reason})


def test_an_approver_refuses_and_says_why(
    officer: FlaskClient, passkey: SoftPasskey, hub: PlayedHub, node: Node, federation: SmallFederation
) -> None:
    """No passkey is needed to refuse; that it was to be is logged first, and the reason goes to the hub alone."""
    query_id = hub.put_forward(federation.manifest())
    assert refuse(officer, query_id, "  It asks too much. ").status_code == 303
    assert hub.refused == [(query_id, OFFICER, "It asks too much.")]
    events = [entry.to_event() for entry in read_entries(node.database.connection, action=Action.QUERY_DECLINED)]
    assert [(event.outcome, event.details["means"]) for event in events] == [
        (Outcome.DONE, "page"),
        (Outcome.INTENDED, "page"),
    ]
    assert passkey.id


@pytest.mark.parametrize("reason", ["", "   ", "two\nlines", "x" * 1001])
def test_a_refusal_has_a_reason(
    officer: FlaskClient, passkey: SoftPasskey, hub: PlayedHub, federation: SmallFederation, reason: str
) -> None:
    query_id = hub.put_forward(federation.manifest())
    assert refuse(officer, query_id, reason).status_code == 422
    assert hub.refused == []
    assert passkey.id


def test_who_cannot_approve_cannot_refuse(
    officer: FlaskClient, browse: Browse, passkey: SoftPasskey, hub: PlayedHub, federation: SmallFederation
) -> None:
    """Nor can an approver refuse what their own organisation asks."""
    query_id = hub.put_forward(federation.manifest())
    for person in ("ig", "vsh"):
        client = browse(person)
        token = hidden_fields(client.get("/").text)["form_token"]
        sent = client.post(f"/leaving/{query_id}/refuse", data={"form_token": token, "reason": "No"})
        assert sent.status_code == 403
    own = hub.put_forward(federation.manifest(asker="rae@la-316"))
    change_members(federation, {"rae@la-316": {"organisation": "la-203"}})
    token = hidden_fields(officer.get("/").text)["form_token"]
    sent = officer.post(f"/leaving/{own}/refuse", data={"form_token": token, "reason": "No"})
    assert (sent.status_code, hub.refused) == (403, [])
    assert passkey.id


def test_a_query_so_approved_is_answered(
    officer: FlaskClient, passkey: SoftPasskey, hub: PlayedHub, node: Node, federation: SmallFederation
) -> None:
    """By this node too, whose page then says so, from its own ledger."""
    query_id = hub.put_forward(federation.manifest(), "officer@dfe")
    approve(officer, passkey, query_id)
    assert answer_manifest(node, hub.fetch_for_approvers(query_id)) is not None
    hub.waiting.clear()
    page = officer.get(f"/leaving/{query_id}").text
    assert "Answered" in page
    assert "our figures left" in page.lower()
    assert "Answered" in officer.get("/leaving").text


def test_the_officer_for_information_governance_reads_and_approves_nothing(
    browse: Browse, passkey: SoftPasskey, hub: PlayedHub, officer: FlaskClient, federation: SmallFederation
) -> None:
    query_id, ig = hub.put_forward(federation.manifest()), browse("ig")
    page = ig.get(f"/leaving/{query_id}").text
    assert "Approve with your passkey" not in page
    filled = fill_in(passkey, officer.get(f"/leaving/{query_id}").text)
    token = re.search(r'name="form_token" value="([0-9a-f]{64})"', page)
    assert token is not None
    sent = ig.post(f"/leaving/{query_id}/approve", data={**filled, "form_token": token[1]})
    assert (sent.status_code, hub.handed_in) == (403, [])
    assert browse("vsh").get(f"/leaving/{query_id}").status_code == 403


def test_bytes_that_change_between_page_and_approval(
    officer: FlaskClient, passkey: SoftPasskey, hub: PlayedHub, node: Node, federation: SmallFederation
) -> None:
    """The hub shows one query and hands out another for signing: nothing is approved, with either digest."""
    manifest = federation.manifest()
    query_id = hub.put_forward(manifest)
    filled = fill_in(passkey, officer.get(f"/leaving/{query_id}").text)
    hub.put_forward(msgspec.structs.replace(manifest, purpose="Another question"))
    swapped = officer.post(f"/leaving/{query_id}/approve", data=filled)
    assert swapped.status_code == 409
    assert "other bytes than this page showed" in swapped.text
    claimed = {**filled, "digest": manifest_digest(hub.waiting[query_id])}
    assert officer.post(f"/leaving/{query_id}/approve", data=claimed).status_code == 403
    assert hub.handed_in == []
    assert [event.outcome for event in logged(node)] == [Outcome.REFUSED]


def test_an_answer_for_one_query_does_not_approve_another(
    officer: FlaskClient, passkey: SoftPasskey, hub: PlayedHub, federation: SmallFederation
) -> None:
    first, second = hub.put_forward(federation.manifest()), hub.put_forward(federation.manifest())
    filled = fill_in(passkey, officer.get(f"/leaving/{first}").text)
    filled["digest"] = manifest_digest(hub.waiting[second])
    assert officer.post(f"/leaving/{second}/approve", data=filled).status_code == 403
    assert hub.handed_in == []


def test_a_passkey_used_otherwise(
    officer: FlaskClient, passkey: SoftPasskey, hub: PlayedHub, federation: SmallFederation
) -> None:
    """Another device; and the one that the register has, at a hub's pages, or without its user verified."""
    for wrong in (
        SoftPasskey(),
        SoftPasskey(id=passkey.id, key=passkey.key, origin="http://localhost:8400"),
        SoftPasskey(id=passkey.id, key=passkey.key, origin="https://hub.example", domain="hub.example"),
        SoftPasskey(id=passkey.id, key=passkey.key, flags=Flags.USER_PRESENT),
    ):
        refused = approve(officer, wrong, hub.put_forward(federation.manifest()))
        assert (refused.status_code, hub.handed_in) == (403, [])


def test_a_passkey_that_was_taken_out_of_the_register(
    officer: FlaskClient, passkey: SoftPasskey, hub: PlayedHub, federation: SmallFederation
) -> None:
    """Between the page and the answer."""
    query_id = hub.put_forward(federation.manifest())
    filled = fill_in(passkey, officer.get(f"/leaving/{query_id}").text)
    register_passkeys(federation, {OFFICER: ()})
    refused = officer.post(f"/leaving/{query_id}/approve", data=filled)
    assert (refused.status_code, hub.handed_in) == (403, [])
    assert "None of your passkeys in the register" in officer.get(f"/leaving/{query_id}").text


def test_a_colleagues_passkey(
    officer: FlaskClient, passkey: SoftPasskey, hub: PlayedHub, federation: SmallFederation
) -> None:
    deputys = SoftPasskey()
    register_passkeys(federation, {"deputy@la-203": (deputys.registered,)})
    refused = approve(officer, deputys, hub.put_forward(federation.manifest()))
    assert (refused.status_code, hub.handed_in) == (403, [])


def test_our_own_organisations_question_is_for_others(
    officer: FlaskClient, passkey: SoftPasskey, hub: PlayedHub, node: Node, federation: SmallFederation
) -> None:
    """An asker of la-203: nobody of la-203 is offered the form, and a forged one is refused."""
    other = hub.put_forward(federation.manifest())
    own = federation.manifest(asker="rae@la-316")
    query_id = hub.put_forward(own)
    change_members(federation, {"rae@la-316": {"organisation": "la-203"}})
    assert "asked by our own organisation" in officer.get(f"/leaving/{query_id}").text
    filled = fill_in(passkey, officer.get(f"/leaving/{other}").text)
    filled["digest"] = manifest_digest(hub.waiting[query_id])
    assert officer.post(f"/leaving/{query_id}/approve", data=filled).status_code == 403
    assert hub.handed_in == []


def test_what_this_software_reads_otherwise_cannot_be_approved(
    officer: FlaskClient, passkey: SoftPasskey, hub: PlayedHub, federation: SmallFederation
) -> None:
    """Another plan than that of the SQL, SQL that is none, and another preset than goes by that name here."""
    for changes in ({"plan_id": "plan-" + "0" * 32}, {"sql": "DROP TABLE child_year"}, {"preset_version": "0"}):
        query_id = hub.put_forward(msgspec.structs.replace(federation.manifest(), **changes))
        assert "cannot be read here" in officer.get("/leaving").text
        assert officer.get(f"/leaving/{query_id}").status_code == 409
        hub.waiting.clear()


def test_a_question_that_is_out_of_date_or_of_nobody(
    officer: FlaskClient, passkey: SoftPasskey, hub: PlayedHub, federation: SmallFederation
) -> None:
    query_id = hub.put_forward(federation.manifest())
    hub.waiting[query_id] = msgspec.structs.replace(hub.waiting[query_id], signatures=())
    assert officer.get(f"/leaving/{query_id}").status_code == 409
    query_id = hub.put_forward(federation.manifest())
    federation.clock.move(timedelta(hours=2))
    assert officer.get(f"/leaving/{query_id}").status_code in (403, 409)


def test_a_refusal_is_listed_with_its_reason(
    officer: FlaskClient, hub: PlayedHub, node: Node, federation: SmallFederation
) -> None:
    """What nobody approved is not listed: it is counted and logged alone."""
    refused = federation.manifest(roster=("node-203", "node-301"))
    nobodys = federation.manifest()
    answer_manifest(node, federation.sign(refused))
    answer_manifest(node, federation.sign(nobodys, ("ana@ucl",)))
    listed = officer.get("/leaving").text
    assert "roster_small" in listed
    assert nobodys.query_id not in listed
    assert "this authority asks for 3" in officer.get(f"/leaving/{refused.query_id}").text


def test_a_hub_that_is_away_hides_nothing_that_came(
    officer: FlaskClient, node: Node, federation: SmallFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    from federation.transport import connect_party

    monkeypatch.setattr(leaving, "connect_party", connect_party)
    manifest = federation.manifest()
    answer_manifest(node, federation.sign(manifest))
    listed = officer.get("/leaving")
    assert listed.status_code == 200
    assert "The hub cannot say what waits" in listed.text
    assert manifest.query_id in listed.text
    assert officer.get("/leaving/Q-0000000000000000").status_code == 503


def test_the_page_of_passkeys_says_what_the_register_needs(
    officer: FlaskClient, browse: Browse, node: Node, send: Send
) -> None:
    device = SoftPasskey()
    assert send(officer, "/sign-in", {"code": issue_code(node, OFFICER)}).status_code == 303
    assert device.enrol(officer).status_code == 303
    page = officer.get("/passkeys").text
    said = device.registered
    assert f"--passkey localhost:8401 {said.credential} {said.public_key}" in page.replace("&#43;", "+")
    for person, signs in (("vsh", True), ("admin", False)):
        theirs = browse(person)
        assert SoftPasskey().enrol(theirs).status_code == 303
        assert ("--passkey" in theirs.get("/passkeys").text) is signs


# --- Held by our own rules -------------------------------------------------------------------------------------------


def hold_all(federation: SmallFederation, node: Node) -> None:
    federation.change_rule(node.authority, "all = false\npaths = []", "all = true\npaths = []")


def decide(client: FlaskClient, query_id: str, **changes: str) -> TestResponse:
    page = client.get(f"/leaving/{query_id}").text
    shown = re.search(r'name="digest" value="([0-9a-f]{64})"', page)
    fields = {"form_token": hidden_fields(page)["form_token"], "digest": shown[1] if shown else ""}
    told = {"decision": "let_through", "reason": "Read and understood", **changes}
    return client.post(f"/leaving/{query_id}/decide", data={**fields, **told})


def test_our_officer_lets_a_held_query_through_or_refuses_it_with_a_reason(
    federation: SmallFederation, node: Node, browse: Browse, hub: PlayedHub
) -> None:
    hold_all(federation, node)
    manifest, other = federation.manifest(), federation.manifest()
    for each in (manifest, other):
        reply = answer_manifest(node, federation.sign(each))
        assert reply is not None
        assert read_reply(reply).outcome is ReplyOutcome.HELD
    officer = browse("ig")
    assert officer.get("/leaving").text.count("Held</strong>") == 2
    assert "Held for you" in officer.get(f"/leaving/{manifest.query_id}").text
    assert decide(officer, manifest.query_id, reason=" ").status_code == 400
    assert decide(officer, manifest.query_id, digest="0" * 64).status_code == 409
    assert decide(officer, manifest.query_id).status_code == 303
    assert "ig let it through" in officer.get(f"/leaving/{manifest.query_id}").text
    assert decide(officer, manifest.query_id).status_code == 409  # The page has no form any more.
    assert decide(officer, other.query_id, decision="refuse", reason="Too small a group").status_code == 303
    replies = [answer_manifest(node, federation.sign(each)) for each in (manifest, other)]
    told = [read_reply(reply) for reply in replies if reply is not None]
    assert [(reply.outcome, reply.code) for reply in told] == [
        (ReplyOutcome.ANSWERED, ""),
        (ReplyOutcome.REFUSED, "officer_refused"),
    ]
    assert told[1].text == "Too small a group"


def test_a_query_is_decided_about_while_it_waits_for_approval(
    federation: SmallFederation, node: Node, browse: Browse, hub: PlayedHub
) -> None:
    """By the exact bytes, so that a sum, which waits for nobody, finds the decision there."""
    hold_all(federation, node)
    manifest = federation.manifest()
    query_id = hub.put_forward(manifest)
    officer = browse("ig")
    assert "Held for you" in officer.get(f"/leaving/{query_id}").text
    assert decide(officer, query_id).status_code == 303
    reply = answer_manifest(node, federation.sign(manifest))
    assert reply is not None
    assert read_reply(reply).outcome is ReplyOutcome.ANSWERED


def test_nobody_else_decides(federation: SmallFederation, node: Node, browse: Browse, hub: PlayedHub) -> None:
    hold_all(federation, node)
    manifest = federation.manifest()
    answer_manifest(node, federation.sign(manifest))
    for person in ("vsh", "staff", "teacher", "director", "admin"):
        assert browse(person).post(f"/leaving/{manifest.query_id}/decide").status_code in (400, 403)
    assert not list_held(node)[0].decided_at

"""The pages of one child's record of disclosures: signed by passkey, reviewed, printed, with what may be told alone."""

import csv
import io
import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from audit.event import Action, AuditEvent
from audit.log import read_entries
from federation.webauthn import decode_base64url, encode_base64url
from node.disclosures.gathering import list_records
from node.disclosures.record import DisclosureRecord, tell_own
from node.disclosures.telling import ROLES, name_authority, tell_record
from node.pages import through_hub
from node.service import Node
from tests.node.disclosures.gathered import HOME, Relay, child_hosted_by, gather, look, officer_of
from tests.node.lookups.test_emergencies import Device, give_passkeys
from tests.node.pages.conftest import Browse, Send
from tests.node.pages.soft_passkey import hidden_fields, read_data
from tests.small_federation import SmallFederation

HOST = "301"
START = datetime(2026, 11, 1, tzinfo=UTC)
WHY = {"reason": "SAR 2026/114"}


@pytest.fixture
def child(federation: SmallFederation) -> dict[str, Any]:
    return child_hosted_by(federation, HOST)


@pytest.fixture
def device(federation: SmallFederation, node: Node, monkeypatch: pytest.MonkeyPatch) -> Device:
    """The passkey of an officer whom the register knows, and a hub that the page reaches."""
    device = Device()
    officer_of(federation, "officer")
    give_passkeys(federation, monkeypatch, {"officer@la-203": (device.passkey(),)})
    monkeypatch.setattr(through_hub, "connect_party", lambda *_, **__: Relay(federation))
    monkeypatch.setattr(through_hub, "refresh_register", lambda *_: None)
    return device


def sign(page: str, device: Device) -> dict[str, str]:
    answer = device.answer(decode_base64url(read_data(page, "ticket")))
    names = ("client_data", "authenticator_data", "signature")
    parts = {name: encode_base64url(getattr(answer, name)) for name in names}
    draft = re.search(r'name="draft_id" value="(S-[0-9a-f]{32})"', page)
    assert draft is not None
    return {**hidden_fields(page), **parts, "credential": encode_base64url(device.id), "draft_id": draft[1]}


def numbers_of(child: dict[str, Any]) -> dict[str, str]:
    return {"la_child_id": child["la_child_id"], "upn": child["upn"]}


def events(node: Node, action: Action) -> list[AuditEvent]:
    return [entry.to_event() for entry in read_entries(node.database.connection, action=action)]


def open_form(client: FlaskClient, send: Send, what: str, record: DisclosureRecord, **fields: str) -> TestResponse:
    """Press one of the buttons about a record."""
    return send(client, f"/subject/{what}", {"record_id": record.record_id, **fields}, shown="/subject")


def plain(text: str) -> str:
    return " ".join(re.sub("<[^>]+>", " ", text).split())


def test_from_the_numbers_to_what_is_given_out(
    federation: SmallFederation, node: Node, child: dict[str, Any], device: Device, browse: Browse, send: Send
) -> None:
    first = look(federation, HOST, child, "Planning a review")
    second = look(federation, HOST, child, "Something about safety")
    client = browse("officer")
    drafted = send(client, "/subject", {**WHY, **numbers_of(child)})
    assert "Nothing has been sent yet" in drafted.text
    assert name_authority(HOST) in drafted.text
    moved = client.post("/subject/send", data=sign(drafted.text, device))
    assert moved.status_code == 200, moved.text
    (record,) = list_records(node)
    shown = open_form(client, send, "record", record)
    assert "4 entries of 2 logs; 4 may be given out, and 0 are held back" in plain(shown.text)
    assert f"{Action.LOOKUP_ANSWERED.meaning} lookup.answered" in plain(shown.text)
    review = {"name": second, "standing": "sealed", "reason": "the officer was told"}
    reviewed = open_form(client, send, "mark", record, **review)
    assert "2 may be given out, and 2 are held back" in plain(reviewed.text)
    given = open_form(client, send, "given", record).text
    said = plain(given)
    assert f"The virtual school head of {name_authority(HOST)}" in said
    assert "Saw information about you that we hold" in said
    assert "Reason given: Planning a review." in said
    assert "safety" not in said
    assert second not in given
    assert "not in this answer" not in said
    assert "ico.org.uk" in said
    copied = open_form(client, send, "copy", record, form="csv")
    (row,) = csv.DictReader(io.StringIO(copied.text))
    assert (row["reference"], row["both_logs"], row["why"]) == (first, "yes", "Planning a review")
    taken = json.loads(open_form(client, send, "copy", record, form="json").text)
    assert len(taken["disclosures"]) == 1
    assert "held_back" not in taken
    assert [event.details["form"] for event in events(node, Action.AUDIT_EXPORTED)] == ["json", "csv", "print"]
    for page in (shown.text, given, copied.text, moved.text, drafted.text):
        assert child["upn"] not in page
        assert child["la_child_id"] not in page


def test_how_many_are_held_back_is_said_where_the_rules_let_it(
    federation: SmallFederation, child: dict[str, Any], browse: Browse, send: Send
) -> None:
    reference = look(federation, HOST, child)
    record = gather(federation, Relay(federation), child["upn"], child["la_child_id"])
    client = browse("ig")
    open_form(client, send, "mark", record, name=reference, standing="sealed", reason="x")
    assert "Our log has nothing that we can give you" in open_form(client, send, "given", record).text
    federation.change_rule(HOME, "tell_held_back = false", "tell_held_back = true")
    assert "1 entry is not in this answer" in plain(open_form(client, send, "given", record).text)
    assert json.loads(open_form(client, send, "copy", record, form="json").text)["held_back"] == 1


def test_whose_log_did_not_tell_is_named_in_what_is_given(
    federation: SmallFederation, child: dict[str, Any], browse: Browse, send: Send
) -> None:
    look(federation, HOST, child)
    away = Relay(federation, silent=frozenset({f"node-{HOST}"}))
    record = gather(federation, away, child["upn"], child["la_child_id"])
    client = browse("ig")
    assert "Not complete:" in open_form(client, send, "record", record).text
    said = plain(open_form(client, send, "given", record).text)
    assert f"These have not told us everything yet: {name_authority(HOST)}." in said
    assert "One of the two councils' logs alone has this" in said.replace("&#39;", "'")


def test_a_passkey_that_is_not_the_officers_asks_nobody(
    node: Node, child: dict[str, Any], device: Device, browse: Browse, send: Send
) -> None:
    client = browse("officer")
    drafted = send(client, "/subject", {**WHY, **numbers_of(child)})
    answer = client.post("/subject/send", data=sign(drafted.text, Device()))
    assert answer.status_code == 400
    assert "Nothing was sent" in answer.text
    assert list_records(node) == ()


def test_what_is_missing_is_asked_for(device: Device, browse: Browse, send: Send) -> None:
    client = browse("officer")
    for fields in ({}, {"reason": "SAR"}, {"la_child_id": "77"}, {"la_child_id": "77", "reason": "of A800000000012"}):
        answer = send(client, "/subject", fields)
        assert answer.status_code == 400
        assert 'value="77"' not in answer.text


def test_an_officer_without_a_passkey_is_told_of_the_command(browse: Browse, send: Send) -> None:
    answer = send(browse("ig"), "/subject", {**WHY, "la_child_id": "77"})
    assert answer.status_code == 400
    assert "circe audit subject" in answer.text


def test_nobody_else_opens_or_reviews_a_record(
    federation: SmallFederation, child: dict[str, Any], browse: Browse, send: Send
) -> None:
    record = gather(federation, Relay(federation), child["la_child_id"])
    fields = {"record_id": record.record_id, "form": "csv"}
    for person in ("", "vsh", "admin", "staff", "teacher", "director"):
        client: FlaskClient = browse(person)
        for form in ("record", "mark", "given", "copy"):
            answer = send(client, f"/subject/{form}", fields, shown="/sign-in")
            assert answer.status_code in (302, 303, 403), (person, form)
    ig = browse("ig")
    assert send(ig, "/subject/record", {"record_id": "SAR-0000000000000000"}, shown="/subject").status_code == 404
    assert open_form(ig, send, "mark", record, name="L-1", standing="open", reason="x").status_code == 400
    assert open_form(ig, send, "copy", record, form="xml").status_code == 400


def test_every_action_is_told_in_words() -> None:
    """Whatever an entry about a child may be, the sentence says who did what, and has no code or number in it."""
    for action in Action:
        event = AuditEvent(
            at=START,
            actor="vsh (virtual_school_head)",
            action=action,
            acting_for=HOME,
            details={"home": HOST, "host": "node-301", "receiver": HOST},
        )
        (told,) = tell_record([tell_own(HOME, 1, event)], HOME)
        assert told.who == f"{ROLES['virtual_school_head']} here"
        assert told.did
        assert not re.search(r"[0-9_]|node|hub", told.did), told.did

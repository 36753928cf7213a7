"""The pages of hand-overs: offered under Tracking, signed by passkey; opened, accepted or declined elsewhere."""

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from audit.event import Action
from audit.log import read_entries
from federation.handovers import HandoverOffer
from federation.webauthn import decode_base64url, encode_base64url
from node.app import create_app
from node.lookups.handover.shelf import State, list_come, list_given
from node.pages import through_hub
from node.setting_up import enter_person
from node.sign_in import issue_code
from node.tracking.facts import Plan
from node.tracking.store import read_record
from tests.node.lookups.test_emergencies import Device, give_passkeys
from tests.node.lookups.test_handovers import HOME, OTHER, WHY, TwoWayRelay, child_of, give, parties
from tests.node.pages.conftest import Send
from tests.node.pages.soft_passkey import read_data
from tests.small_federation import SmallFederation

__all__ = ["parties"]


class PageHub(TwoWayRelay):
    """The paper relay, as a page opens and closes it."""

    def close(self) -> None:
        pass


class Desk:
    """A head at their node's pages, with a hub in reach."""

    def __init__(self, federation: SmallFederation, authority: str, person: str, send: Send) -> None:
        self.federation, self.authority, self._send = federation, authority, send
        self.client: FlaskClient = create_app(federation.node(authority)).test_client()
        code = issue_code(federation.node(authority), person)
        assert send(self.client, "/sign-in", {"code": code}).status_code == 303

    def post(self, path: str, monkeypatch: pytest.MonkeyPatch, **fields: Any) -> TestResponse:
        hub = PageHub(self.federation, sender=self.authority)
        monkeypatch.setattr(through_hub, "connect_party", lambda *_, **__: hub)
        monkeypatch.setattr(through_hub, "refresh_register", lambda *_: None)
        return self._send(self.client, path, {"purpose": "Moves", **fields}, shown="/handovers")


@pytest.fixture
def taker(parties: SmallFederation, send: Send) -> Desk:
    return Desk(parties, OTHER, "vsh", send)


def state_at(federation: SmallFederation, authority: str) -> list[State]:
    return [each.state for each in (*list_given(federation.node(authority)), *list_come(federation.node(authority)))]


def test_a_head_offers_a_record_from_its_page_and_signs_by_passkey(
    parties: SmallFederation, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = Device()
    give_passkeys(parties, monkeypatch, {f"officer@la-{HOME}": (device.passkey(),)})
    head = Desk(parties, HOME, "officer", send)
    caseload = head.post("/tracking", monkeypatch).text
    for reference in dict.fromkeys(re.findall(r'name="child" value="([0-9a-f]{32})"', caseload)):
        page = head.post("/handovers/form", monkeypatch, child=reference)
        assert page.status_code == 200
        written = head.post(
            "/handovers/write", monkeypatch, child=reference, authority=OTHER, occasion="new_home", why=WHY
        )
        if written.status_code == 200:
            break
    assert "Nothing has been sent yet" in written.text
    answer = device.answer(decode_base64url(read_data(written.text, "ticket")))
    parts = {
        name: encode_base64url(getattr(answer, name)) for name in ("client_data", "authenticator_data", "signature")
    }
    found = re.search(r'name="handover" value="(P-[0-9a-f]{32})"', written.text)
    assert found is not None
    fields = {**parts, "credential": encode_base64url(device.id), "handover": found[1]}
    assert head.post("/handovers/sign", monkeypatch, **fields).status_code == 303
    assert state_at(parties, HOME) == [State.RECEIVED]
    assert "received" in head.client.get("/handovers").text
    assert head.post("/handovers/sign", monkeypatch, **fields).status_code == 400  # Signed once.


def test_an_offer_is_opened_accepted_and_read(
    parties: SmallFederation, taker: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list names nobody; opening is in the log; the record begins under the number that the head gives."""
    offer = give(parties)
    assert offer.child.number not in taker.client.get("/handovers").text
    page = taker.post("/handovers/open", monkeypatch, handover=offer.handover_id).text
    assert offer.child.upn in page
    assert "not among ours yet" in page
    shown = [e.to_event() for e in read_entries(parties.node(OTHER).database.connection, action=Action.CHILDREN_LISTED)]
    assert [event.details["listing"] for event in shown] == ["handed_over"]
    assert taker.post("/handovers/accept", monkeypatch, handover=offer.handover_id).status_code == 400
    done = taker.post("/handovers/accept", monkeypatch, handover=offer.handover_id, number="990009")
    assert done.status_code == 303
    assert (state_at(parties, HOME), state_at(parties, OTHER)) == ([State.ACCEPTED], [State.ACCEPTED])
    (come,) = list_come(parties.node(OTHER))
    assert read_record(parties.node(OTHER).database.connection, come.child).all(Plan)
    copy = taker.post("/handovers/open", monkeypatch, handover=offer.handover_id).text
    assert "Personal education plan: term summer 2024/25" in copy
    assert "SECRET" not in copy
    assert ": the virtual school of this authority" in copy
    assert "990009" in taker.post("/tracking/newcomer", monkeypatch).text


def test_a_page_that_has_gone_stale_changes_nothing(
    parties: SmallFederation, taker: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = give(parties)
    taker.post("/handovers/accept", monkeypatch, handover=first.handover_id, number="990009")
    offer = give(parties)
    page = taker.post("/handovers/open", monkeypatch, handover=offer.handover_id).text
    assert 'name="version" value="3"' in page
    stale = taker.post("/handovers/accept", monkeypatch, handover=offer.handover_id, version="2")
    assert stale.status_code == 409
    assert state_at(parties, OTHER)[0] is State.WAITING


def decline(taker: Desk, offer: HandoverOffer, monkeypatch: pytest.MonkeyPatch, reason: str) -> int:
    return taker.post("/handovers/decline", monkeypatch, handover=offer.handover_id, reason=reason).status_code


def test_a_decline_needs_a_reason_and_is_shown_at_the_other_end(
    parties: SmallFederation, taker: Desk, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer = give(parties)
    assert decline(taker, offer, monkeypatch, "") == 400
    assert decline(taker, offer, monkeypatch, "call_first") == 303
    head = Desk(parties, HOME, "officer", send)
    assert "call first" in head.client.get("/handovers").text
    assert child_of(parties) not in head.client.get("/handovers").text


def test_an_offer_is_taken_back_at_the_page(
    parties: SmallFederation, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer, head = give(parties), Desk(parties, HOME, "officer", send)
    assert head.post("/handovers/withdraw", monkeypatch, handover=offer.handover_id).status_code == 303
    assert head.post("/handovers/withdraw", monkeypatch, handover=offer.handover_id).status_code == 400
    assert state_at(parties, HOME) == [State.WITHDRAWN]


def test_staff_who_take_no_records_out_have_no_hand_overs(parties: SmallFederation, send: Send) -> None:
    enter_person(parties.directory / f"node-{OTHER}", "staff", "virtual_school_staff", "Staff")
    staff = Desk(parties, OTHER, "staff", send)
    assert staff.client.get("/handovers").status_code == 403

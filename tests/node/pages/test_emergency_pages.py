"""The page of emergency access: written, signed with a passkey as its script would, sent, and told to the officer."""

import re
from typing import Any

import pytest

from federation.lookups import ChildSought
from federation.webauthn import decode_base64url, encode_base64url
from node.lookups.notices import NoticeKind, list_notices
from node.pages import through_hub
from node.service import Node
from node.setting_up import enter_person
from tests.node.lookups.test_emergencies import Device, give_passkeys
from tests.node.lookups.test_lookups import PaperRelay
from tests.node.lookups.test_one_child import child_elsewhere
from tests.node.pages.conftest import Browse, Send
from tests.node.pages.soft_passkey import hidden_fields, read_data
from tests.small_federation import SmallFederation

WHY = {"purpose": "Found alone at night", "at": "301"}


class Hub(PaperRelay):
    """The paper relay, as a page opens and closes it."""

    def close(self) -> None:
        pass


@pytest.fixture
def device() -> Device:
    return Device()


@pytest.fixture
def hub(federation: SmallFederation, node: Node, device: Device, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """A head whose passkey the register has, and a hub that their page reaches."""
    relay = Hub(federation)
    enter_person(node.party.directory, "officer", "virtual_school_head", "Head")
    give_passkeys(federation, monkeypatch, {"officer@la-203": (device.passkey(),)})
    monkeypatch.setattr(through_hub, "connect_party", lambda *_, **__: relay)
    monkeypatch.setattr(through_hub, "refresh_register", lambda *_: None)
    return relay


def sign(page: str, device: Device) -> dict[str, str]:
    """Fill the form in as the page's script does with what the device answers."""
    answer = device.answer(decode_base64url(read_data(page, "ticket")))
    names = ("client_data", "authenticator_data", "signature")
    parts = {name: encode_base64url(getattr(answer, name)) for name in names}
    draft = re.search(r'name="draft_id" value="(E-[0-9a-f]{32})"', page)
    assert draft is not None
    return {**hidden_fields(page), **parts, "credential": encode_base64url(device.id), "draft_id": draft[1]}


def whom(federation: SmallFederation) -> dict[str, str]:
    child = child_elsewhere(federation)
    return {"upn": child["upn"], "date_of_birth": child["dob"].isoformat()}


def test_a_child_is_shown_once_the_passkey_has_signed(
    federation: SmallFederation, node: Node, hub: Hub, device: Device, browse: Browse, send: Send
) -> None:
    client = browse("officer")
    page = send(client, "/emergency", {**WHY, **whom(federation)}).text
    assert "Nothing has been sent yet" in page
    assert hub.requests == {}
    answer = client.post("/emergency/send", data=sign(page, device))
    assert answer.status_code == 200
    assert ">Found</h1>" in answer.text
    assert whom(federation)["upn"] in answer.text
    assert [notice.kind for notice in list_notices(node)] == [NoticeKind.EMERGENCY_BY_US]
    again = client.post("/emergency/send", data=sign(page, device))
    assert again.status_code == 400
    assert "write it again" in again.text


def test_a_passkey_that_is_not_theirs_sends_nothing(
    federation: SmallFederation, hub: Hub, browse: Browse, send: Send
) -> None:
    client = browse("officer")
    page = send(client, "/emergency", {**WHY, **whom(federation)}).text
    answer = client.post("/emergency/send", data=sign(page, Device()))
    assert answer.status_code == 400
    assert "Nothing was sent" in answer.text
    assert hub.requests == {}


@pytest.mark.parametrize(
    "change", [{"upn": ""}, {"date_of_birth": ""}, {"at": ""}, {"at": "999"}, {"purpose": " "}], ids=str
)
def test_what_is_missing_is_asked_for_and_nothing_is_written(
    federation: SmallFederation, hub: Hub, browse: Browse, send: Send, change: dict[str, Any]
) -> None:
    answer = send(browse("officer"), "/emergency", {**WHY, **whom(federation), **change})
    assert answer.status_code == 400
    assert f'href="#{next(iter(change))}"' in answer.text
    assert whom(federation)["upn"] not in answer.text


def test_a_head_whom_the_register_does_not_know_is_told_so(
    federation: SmallFederation, hub: Hub, browse: Browse, send: Send
) -> None:
    enter_person(federation.directory / "node-203", "unknown", "virtual_school_head", "Head of no passkey")
    for person, told in (("unknown", "you are not in it"), ("vsh", "it has none")):
        answer = send(browse(person), "/emergency", {**WHY, **whom(federation)})
        assert answer.status_code == 400
        assert told in answer.text


def test_the_child_sought_shows_itself_to_nobody() -> None:
    assert "A823456789012" not in repr(ChildSought(upn="A823456789012"))

"""A query approved by passkey at a node's page, through the real hub, and answered by every node that verifies it."""

from collections.abc import Iterator

import pytest

from audit.event import Action
from audit.log import read_entries
from federation.exchange import QueryDraft, QueryState
from federation.state import REGISTER_FILE
from node.app import create_app
from node.pages import leaving
from node.setting_up import enter_person
from node.sign_in import issue_code
from tests.end_to_end.one_process import OneProcess, answering_at_once
from tests.node.pages.approver_at_node import OFFICER, register_passkeys
from tests.node.pages.soft_passkey import SoftPasskey, hidden_fields
from tests.node.pages.test_leaving_pages import approve
from tests.small_federation import QUESTION, SmallFederation

DRAFT = QueryDraft(
    project="attendance",
    purpose="How attendance differs by support",
    sql=QUESTION,
    academic_year="202425",
    preset="opensafely",
    roster=None,
    valid_hours=24,
)


@pytest.fixture
def together(federation: SmallFederation, monkeypatch: pytest.MonkeyPatch) -> Iterator[OneProcess]:
    process = OneProcess(federation)
    monkeypatch.setattr(leaving, "connect_party", lambda party, **_: process.connect(party))
    with answering_at_once():
        yield process
    process.close()


def test_a_query_approved_by_passkey_is_answered_and_released(together: OneProcess) -> None:
    federation, node = together.federation, together.nodes["203"]
    passkey = SoftPasskey()
    register_passkeys(federation, {OFFICER: (passkey.registered,)})
    data = (federation.directory / "register.json").read_bytes()
    together.hub.party.adopt_register(data, together.clock())
    assert (together.hub.party.directory / REGISTER_FILE).read_bytes() == data
    with together.client("ana@ucl") as asker:
        query_id = asker.submit(DRAFT).query_id

    enter_person(node.party.directory, OFFICER, "approver", "Officer")
    officer = create_app(node).test_client()
    token = hidden_fields(officer.get("/sign-in").text)["form_token"]
    assert officer.post("/sign-in", data={"form_token": token, "code": issue_code(node, OFFICER)}).status_code == 303
    assert query_id in officer.get("/leaving").text
    assert approve(officer, passkey, query_id).status_code == 303
    assert "You have approved it" in officer.get(f"/leaving/{query_id}").text
    assert together.state(query_id) is QueryState.SUBMITTED, "one organisation's approval is not enough"

    with together.client("officer@dfe") as other:
        other.sign(other.review(query_id))
    assert together.state(query_id) is QueryState.RUNNING
    together.poll(*federation.authorities)
    assert together.state(query_id) is QueryState.RELEASED
    with together.client("ana@ucl") as asker:
        assert {progress.outcome for progress in asker.fetch(query_id).nodes} == {"answered"}
    logged = [each.to_event() for each in read_entries(together.hub.database.connection, action=Action.QUERY_APPROVED)]
    assert {(each.actor, each.details["means"]) for each in logged} == {
        (OFFICER, "passkey"),
        ("officer@dfe", "key file"),
    }
    assert "Answered" in officer.get("/leaving").text

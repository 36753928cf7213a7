"""The pages of one child, of held requests and of notices: nothing of a child in an address or sent back in a form."""

import io
import re

import msgspec
import pytest
from flask import Flask

from audit.event import Action, Outcome
from audit.log import read_entries
from federation.lookups import ChildFile, ChildSought, LookupKind, LookupOutcome, LookupRequest
from federation.wire import whole_seconds
from node.lookups.errand import LookupResult, Missing
from node.lookups.gathering import Gathered
from node.lookups.holding import hold_request, list_held
from node.lookups.notices import NoticeKind, give_notice, list_notices
from node.lookups.one_child import check_question
from node.lookups.own_children import FIELDS, list_own_children
from node.pages import one_child, through_hub
from node.service import Node
from policies.access_policy import MATRIX
from policies.names import Relation
from tests.federation.test_lookup_messages import ANSWER
from tests.node.pages.conftest import Browse, Send
from tests.own_policies import put_policy

UPN = "A823456789012"
WHY = {"purpose": "Planning a visit"}


def our_child(node: Node) -> dict[str, object]:
    snapshot = node.store.current()
    assert snapshot is not None
    rows = list_own_children(node, snapshot, "virtual_school_head").rows
    return next(dict(zip(FIELDS, row, strict=True)) for row in rows if row[2])


def test_our_own_child_is_shown_after_the_search_is_logged(browse: Browse, send: Send, node: Node) -> None:
    child = our_child(node)
    answer = send(browse("vsh"), "/child", {**WHY, "where": "here", "upn": str(child["upn"])})
    assert answer.status_code == 200
    assert ">Found</h1>" in answer.text
    assert str(child["la_child_id"]) in answer.text
    entries = [entry.to_event() for entry in read_entries(node.database.connection, action=Action.CHILDREN_LISTED)]
    assert [event.details.get("children") for event in entries] == [1, None, None]


def test_the_record_of_whoever_was_found_is_one_button_away(browse: Browse, send: Send, node: Node) -> None:
    """From the list of our children, too: nobody looks a child up a second time to open the record."""
    child, client = our_child(node), browse("vsh")
    found = send(client, "/child", {**WHY, "where": "here", "upn": str(child["upn"])}).text
    listed = send(client, "/children", WHY).text
    reference = re.search(r'name="child" value="([0-9a-f]{32})"', found)
    assert reference is not None
    assert reference[1] in listed
    record = send(client, "/tracking/child", {**WHY, "child": reference[1]}, shown="/child")
    assert record.status_code == 200
    assert str(child["upn"]) in record.text
    put_policy(node.party.directory, f"{MATRIX.read_text()}p, *, home, read, plan_pep, deny\n")
    for path, fields in (("/child", {"where": "here", "upn": str(child["upn"])}), ("/children", {})):
        assert 'action="/tracking' not in send(client, path, {**WHY, **fields}).text


@pytest.mark.parametrize("relation", ["home", "host"])
def test_whoever_may_search_in_one_place_alone_is_told_so_in_the_other(
    browse: Browse, send: Send, node: Node, relation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(through_hub, "connect_party", lambda *_, **__: io.BytesIO())
    monkeypatch.setattr(through_hub, "refresh_register", lambda *_: None)
    put_policy(node.party.directory, f"{MATRIX.read_text()}p, *, {relation}, search, identity, deny\n")
    asked = {"home": {"where": "here"}, "host": {"where": "theirs", "at": "301"}}[relation]
    answer = send(browse("vsh"), "/child", {**WHY, **asked, "upn": UPN})
    assert (answer.status_code, "may not search identity" in answer.text) == (403, True)


def test_nobody_is_found_and_that_is_logged(browse: Browse, send: Send, node: Node) -> None:
    answer = send(browse("staff"), "/child", {**WHY, "where": "here", "upn": UPN})
    assert ">Not found</h1>" in answer.text
    assert "That you searched is logged" in answer.text
    assert UPN not in answer.text
    entry, *_ = read_entries(node.database.connection, action=Action.CHILDREN_LISTED)
    assert entry.to_event().details["children"] == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"where": "here"},
        {"where": "here", "upn": "A12"},
        {"where": "here", "upn": UPN, "purpose": ""},
        {"where": "theirs", "upn": UPN, "at": ""},
        {"where": "ours", "upn": UPN, "at": "301"},
        {"where": "elsewhere", "upn": UPN, "at": "301"},
        {"upn": UPN},
    ],
)
def test_what_is_wrong_is_said_and_nothing_of_the_child_is_sent_back(
    browse: Browse, send: Send, monkeypatch: pytest.MonkeyPatch, fields: dict[str, str]
) -> None:
    monkeypatch.setattr(through_hub, "connect_party", lambda *_, **__: pytest.fail("nobody is asked"))
    monkeypatch.setattr(one_child, "ask_authority", ask_nobody)
    answer = send(browse("vsh"), "/child", {**WHY, **fields})
    assert answer.status_code == 400
    assert "There is a problem" in answer.text
    assert UPN not in answer.text
    assert "A12" not in answer.text


def ask_nobody(*asked: object) -> LookupResult:
    """What `ask_authority` does before it connects."""
    _, _, sought, whose, at = asked
    assert isinstance(sought, ChildSought)
    check_question(sought, whose=str(whose), at=str(at))
    raise AssertionError("the question was taken")


def test_another_authoritys_answer_is_shown_with_whom_to_call(
    browse: Browse, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = ChildFile(upn=UPN, school="100001")
    answer = msgspec.structs.replace(ANSWER, children=(), files=(told,), fields=("upn", "school"))
    held = msgspec.structs.replace(answer, outcome=LookupOutcome.HELD, code="held", text="ask later", files=())
    shown = {
        ">Found</h1>": LookupResult(ANSWER.lookup_id, (answer,), ()),
        ">Held</h1>": LookupResult(ANSWER.lookup_id, (held,), ()),
        "Barking and Dagenham (301): Has not answered in time": LookupResult(
            ANSWER.lookup_id, (), (Missing("node-301", "301", "has not answered in time"),)
        ),
    }
    client = browse("vsh")
    for words, result in shown.items():
        monkeypatch.setattr(one_child, "ask_authority", lambda *_, result=result: result)
        page = send(client, "/child", {**WHY, "where": "theirs", "at": "301", "upn": UPN}).text
        assert words in page
        assert (ANSWER.contact in page) is bool(result.answers)
        assert ("100001" in page) is (words == ">Found</h1>")


def hold_one(node: Node) -> str:
    request = LookupRequest(
        lookup_id="L-" + "3" * 32,
        kind=LookupKind.ONE_CHILD,
        sender="node-301",
        receiver=node.party.member_id,
        authority="301",
        person="head",
        role="virtual_school_head",
        purpose="A visit",
        asked_at=whole_seconds(node.clock()),
        sought=ChildSought(upn=UPN),
    )
    with node.database.transaction() as connection:
        assert hold_request(connection, request, node.clock())
        assert not hold_request(connection, request, node.clock())
    (held,) = list_held(node)
    return held.held_id


def test_whom_a_held_request_seeks_is_shown_to_those_alone_who_may_see_children(browse: Browse, node: Node) -> None:
    hold_one(node)
    assert UPN in browse("vsh").get("/held").text
    officers = browse("ig").get("/held").text
    assert UPN not in officers
    assert "A visit" in officers


@pytest.mark.parametrize(("decision", "answered"), [("answer", True), ("refuse", False), ("", False)])
def test_an_officer_decides_once_with_a_reason(
    browse: Browse, send: Send, node: Node, decision: str, answered: bool
) -> None:
    """A form without a decision refuses."""
    number, client = hold_one(node), browse("ig")
    wrong = send(client, "/held", {"held_id": number, "decision": decision, "reason": ""})
    assert wrong.status_code == 400
    assert f'href="#{number}-reason"' in wrong.text
    assert f'id="{number}-reason-error"' in wrong.text
    nobodys = send(client, "/held", {"held_id": "H-0", "decision": decision, "reason": "Known to us"})
    assert (nobodys.status_code, 'href="#main"' in nobodys.text) == (400, True)
    told = {"held_id": number, "decision": decision, "reason": "Known to us"}
    assert send(client, "/held", told).status_code == 303
    (held,) = list_held(node)
    assert (held.answered, held.decided_by, bool(held.decided_at)) == (answered, "ig", True)
    assert send(client, "/held", told, shown="/").status_code == 400
    entry, *_ = read_entries(node.database.connection, action=Action.LOOKUP_DECIDED)
    assert entry.to_event().outcome is (Outcome.DONE if answered else Outcome.REFUSED)


def test_a_notice_stands_on_the_officers_home_page_until_it_is_reviewed(browse: Browse, send: Send, node: Node) -> None:
    with node.database.transaction() as connection:
        give_notice(
            connection,
            node.clock(),
            NoticeKind.MASS_LOOKUP,
            reference="L-" + "3" * 32,
            authority="301",
            text="more than 50 children were sought in one day",
        )
    client = browse("ig")
    assert "1 notice waits for your review" in client.get("/").text
    assert "for your review" not in browse("vsh").get("/").text
    (notice,) = list_notices(node)
    review = {"notice_id": notice.notice_id, "outcome": "not_justified", "remark": "They had no reason"}
    assert send(client, "/notices", {**review, "outcome": ""}).status_code == 400
    assert send(client, "/notices", review).status_code == 303
    assert "for your review" not in client.get("/").text
    assert send(client, "/notices", review, shown="/").status_code == 400


def test_no_address_of_these_pages_takes_anything_of_a_child(app: Flask) -> None:
    paths = [str(rule) for rule in app.url_map.iter_rules() if str(rule).startswith(("/child", "/held", "/notices"))]
    assert sorted(set(paths)) == ["/child", "/children", "/held", "/notices"]


def test_what_may_leave_shows_itself_to_nobody() -> None:
    assert UPN not in repr(Gathered(Relation.HOST, "0", ("upn",), ("t",), files=(ChildFile(upn=UPN),)))

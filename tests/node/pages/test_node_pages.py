"""A node's pages: each asks the access policy at every request, and what is shown of children is logged first."""

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from audit.checkpoint import parse_checkpoint, split_note
from audit.cosignature import cosign
from audit.event import Action, AuditEvent, Outcome
from audit.log import read_entries
from audit.witness_store import add_to_round, find_round
from federation.database import LogSigner
from federation.lookups import ChildFile, ChildRecord, LookupAnswer, LookupOutcome
from federation.problems import ProblemRaised
from federation.state import open_party
from federation.web.description import ADDRESS
from federation.web.sign_in_codes import CODE_LIFETIME
from federation.witnessing import witness_key
from node.lookups.class_list import ClassList
from node.lookups.errand import LookupResult
from node.lookups.own_children import list_own_children
from node.pages import children, class_list, placed_here
from node.pages.staff import may_read_log, may_read_ours, may_read_placed_here
from node.service import Node
from node.setting_up import enter_person
from node.sign_in import issue_code, use_code
from policies.access_policy import MATRIX
from query_engine.geography import name_authority
from tests.node.pages.conftest import Browse, Send
from tests.own_policies import put_policy
from tests.small_federation import SmallFederation

PURPOSE = {"purpose": "Termly review"}

SEEN_BY = {
    "/": {"", "vsh", "staff", "teacher", "director", "ig", "admin"},
    "/sign-in": {"", "vsh", "staff", "teacher", "director", "ig", "admin"},
    "/children": {"vsh", "staff"},
    "/tracking": {"vsh", "staff", "teacher"},
    "/placed-here": {"vsh", "staff"},
    "/area": set(),
    "/child": {"vsh", "staff"},
    "/class-list": {"teacher"},
    "/emergency": {"vsh"},
    "/named": {"vsh"},
    "/figures": {"vsh", "staff", "teacher", "director"},
    "/reports": {"vsh", "staff", "teacher", "director"},
    "/delegations": {"vsh"},
    "/handovers": {"vsh"},
    "/leaving": {"ig"},
    "/held": {"vsh", "ig"},
    "/policy": {"vsh", "staff", "teacher", "director", "ig", "admin"},
    "/passkeys": {"vsh", "staff", "teacher", "director", "ig", "admin"},
    "/notices": {"ig"},
    "/audit": {"ig"},
    "/subject": {"ig"},
    "/breach": {"ig"},
}
"""Who may open each page; the empty name is somebody who has not signed in."""

TRACKERS = {"vsh", "staff", "teacher"}
FORMS = {
    "/children": {"vsh", "staff"},
    "/placed-here": {"vsh", "staff"},
    "/placed-here/on-our-rolls": {"vsh", "staff"},
    "/policy/who": {"vsh", "staff"},
    "/area": set(),
    "/child": {"vsh", "staff"},
    "/class-list": {"teacher"},
    "/emergency": {"vsh"},
    "/emergency/send": {"vsh"},
    "/named": {"vsh"},
    "/figures": {"vsh", "staff", "teacher", "director"},
    "/reports": {"vsh", "staff", "teacher", "director"},
    "/figures/releases": {"vsh", "staff", "teacher", "director"},
    "/delegations": {"vsh"},
    "/delegations/revoke": {"vsh"},
    "/delegations/sign": {"vsh"},
    "/delegations/tell": {"vsh"},
    **{
        f"/handovers/{act}": {"vsh"}
        for act in ("form", "write", "sign", "send", "withdraw", "open", "accept", "decline")
    },
    "/held": {"vsh", "ig"},
    "/notices": {"ig"},
    "/tracking": TRACKERS,
    "/tracking/changes": TRACKERS,
    "/tracking/schools": TRACKERS,
    "/tracking/cohort": TRACKERS,
    "/tracking/child": TRACKERS,
    "/tracking/plain": TRACKERS,
    "/tracking/form": TRACKERS,
    "/tracking/update": TRACKERS,
    "/tracking/newcomer": {"vsh", "staff"},
    "/tracking/newcomer/enter": {"vsh", "staff"},
    "/tracking/newcomer/off": {"vsh", "staff"},
    "/tracking/files": {"vsh", "staff"},
    "/tracking/export": {"vsh"},
    "/tracking/import": {"vsh", "staff"},
    "/tracking/import/take": {"vsh", "staff"},
    "/audit": {"ig"},
    "/audit/verify": {"ig"},
    "/audit/found": {"ig"},
    "/audit/whole": {"ig"},
    "/subject": {"ig"},
    "/subject/send": {"ig"},
    "/breach": {"ig"},
}
"""Whose forms are taken, of those that show children."""

SIGNING = {"/sign-in", "/sign-in/passkey", "/sign-out", "/passkeys", "/passkeys/remove"}
"""Forms about oneself: anybody's, or one's own; their tests are in test_passkey_pages.py."""

ELSEWHERE = {"/sign-in/with/<name>", "/sign-in/with/<name>/back"}
"""The way to a provider and back, for anybody; its tests are in test_provider_pages.py."""

ABOUT_ONE_QUERY = {f"/leaving/<query_id>{act}" for act in ("", "/approve", "/refuse", "/decide")}
"""What is read and approved of one query; its tests are in test_leaving_pages.py."""

ABOUT_ONE_RECORD = {f"/subject/{form}" for form in ("record", "mark", "given", "copy")}
"""What is read, reviewed and given out of one record of disclosures; its tests are in test_disclosure_pages.py."""


@pytest.fixture(autouse=True)
def no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else is asked: what other nodes answer has tests of its own."""
    monkeypatch.setattr(placed_here, "ask_others", lambda *_: LookupResult("L-" + "0" * 32, (), ()))


def test_every_page_and_form_is_in_the_tables(app: Flask) -> None:
    """A page that nobody thought of would be a page that nobody guards."""
    opened = {str(rule) for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    sent = {str(rule) for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ())}
    assert opened - {
        "/assets/<path:filename>",
        ADDRESS,
        "/health",
    } - ELSEWHERE - ABOUT_ONE_QUERY - ABOUT_ONE_RECORD == set(SEEN_BY)
    assert sent - SIGNING - ABOUT_ONE_QUERY - ABOUT_ONE_RECORD == set(FORMS)


@pytest.mark.parametrize("person", sorted(SEEN_BY["/"]))
def test_each_page_is_shown_to_whom_the_policy_lets_see_it(person: str, browse: Browse) -> None:
    client = browse(person)
    shown = {path: client.get(path).status_code for path in SEEN_BY}
    assert shown == {path: 200 if person in people else 403 for path, people in SEEN_BY.items()}


@pytest.mark.parametrize("person", sorted(SEEN_BY["/"]))
def test_each_form_is_taken_from_whom_the_policy_lets_send_it(person: str, browse: Browse, send: Send) -> None:
    """A forged form gets no further than a page: the token is of the forger's own session."""
    client = browse(person)
    for path, people in FORMS.items():
        answer = send(client, path, {**PURPOSE, "child": "nobody"}, shown="/")
        assert answer.status_code == (403 if person and person not in people else answer.status_code), path
        if person not in people:
            assert answer.status_code in (400, 403)


def listed(node: Node) -> list[AuditEvent]:
    entries = read_entries(node.database.connection, action=Action.CHILDREN_LISTED)
    return [entry.to_event() for entry in reversed(list(entries))]


def test_our_children_are_shown_after_the_purpose_is_logged(browse: Browse, send: Send, node: Node) -> None:
    page = send(browse("vsh"), "/children", PURPOSE).text
    first, *children, last = listed(node)
    assert (first.outcome, first.purpose, first.actor) == (
        Outcome.INTENDED,
        "Termly review",
        "vsh (virtual_school_head)",
    )
    assert last.details["children"] == len(children) > 0
    assert page.count('<tr class="govuk-table__row" role="row">') == len(children) + 1
    assert ">My children</h1>" in page


@pytest.mark.parametrize("purpose", ["", "  ", "about A801200005001"])
def test_a_purpose_that_cannot_be_logged_is_asked_for_again(
    purpose: str, browse: Browse, send: Send, node: Node
) -> None:
    answer = send(browse("vsh"), "/children", {"purpose": purpose})
    assert answer.status_code == 400
    assert "There is a problem" in answer.text
    assert listed(node) == []


def test_a_form_of_another_session_is_not_taken(browse: Browse, node: Node) -> None:
    answer = browse("vsh").post("/children", data={**PURPOSE, "form_token": "0" * 64})
    assert answer.status_code == 400
    assert listed(node) == []


def test_a_policy_that_changes_between_two_requests_is_the_one_that_decides(
    browse: Browse, send: Send, node: Node
) -> None:
    client = browse("vsh")
    assert client.get("/children").status_code == 200
    put_policy(node.party.directory, MATRIX.read_text() + "p, *, *, *, identity, deny\n")
    assert send(client, "/children", PURPOSE, shown="/policy").status_code in (400, 403)
    assert client.get("/children").status_code == 403


def test_a_policy_that_cannot_be_used_shows_nothing_to_anybody(browse: Browse, node: Node) -> None:
    client = browse("vsh")
    put_policy(node.party.directory, "p, virtual_school_hed, home, read, identity, allow\n")
    answer = client.get("/children")
    assert answer.status_code == 503
    assert "nobody sees anything" in answer.text


def test_whoever_changes_role_or_leaves_is_treated_so_at_once(browse: Browse, node: Node) -> None:
    client, directory = browse("vsh"), node.party.directory
    enter_person(directory, "vsh", "node_administrator", "Administrator")
    assert client.get("/children").status_code == 403
    (directory / "people.toml").write_text("")
    assert client.get("/policy").status_code == 403
    assert "Sign in" in client.get("/").text


def test_who_could_see_a_child_is_shown_with_reasons(browse: Browse, send: Send, node: Node) -> None:
    client = browse("vsh")
    page = send(client, "/children", PURPOSE).text
    number = re.findall(r'>\s*(\w+)<span class="govuk-visually-hidden">: open the tracking record', page)[0]
    answer = send(client, "/policy/who", {**PURPOSE, "child": number}, shown="/policy")
    assert answer.status_code == 200
    assert f"Who could see child {number} today" in answer.text
    assert "children in the care of the asker" in answer.text
    assert [event.details["listing"] for event in listed(node) if event.subject][-1] == "who_could_see"


def test_a_number_that_is_nobodys_is_not_shown_again(browse: Browse, send: Send) -> None:
    answer = send(browse("vsh"), "/policy/who", {**PURPOSE, "child": "4711"}, shown="/policy")
    assert answer.status_code == 400
    assert "4711" not in answer.text


def test_that_the_log_is_read_is_in_the_log(browse: Browse, node: Node) -> None:
    page = browse("ig").get("/audit?action=signin").text
    (entry,) = read_entries(node.database.connection, action=Action.AUDIT_READ)
    assert entry.to_event().actor == "ig (ig_officer)"
    assert entry.to_event().details["searched.action"] == "signin"
    assert "Latest checkpoint" in page


def test_what_is_unusual_is_shown_to_the_officer(browse: Browse, node: Node) -> None:
    client = browse("ig")
    assert "Nothing unusual was found" in client.get("/audit").text
    node.record(node.event(Action.LOOKUP_ASKED, "vsh (virtual_school_head)", "L-1", kind="emergency"))
    page = client.get("/audit").text
    assert "claimed as an emergency" in page
    assert "<code>emergency</code>" in page
    assert "Unusual patterns" not in client.get("/audit?action=signin").text


def test_the_log_says_how_far_it_is_witnessed_and_what_is_disputed(browse: Browse, node: Node) -> None:
    client, register = browse("ig"), node.register()
    assert "entries is witnessed by enough other members yet" in client.get("/audit").text
    with node.database.transaction() as connection:
        current = find_round(connection, 2, node.clock())
        for member in ("node-316", "node-301"):
            signer = LogSigner(open_party(node.party.directory.parent / member))
            line = cosign(parse_checkpoint(split_note(current.note)[0]), signer, 1)
            add_to_round(connection, current.size, line, witness_key(register.find(member, node.clock())))
        connection.execute(
            "INSERT INTO audit_evidence VALUES ('hub', '', 'split', x'', x'', '2026-11-29T09:00:00.000000Z')"
        )
    page = client.get("/audit").text
    assert f"{current.size} of {current.size + 1} entries are witnessed: 2 other members" in " ".join(page.split())
    assert "The log of hub was not signed:</strong> it signed two different histories of one length" in page


def test_a_code_is_good_once_and_for_a_quarter_of_an_hour(node: Node, federation: SmallFederation) -> None:
    used, stale = issue_code(node, "vsh"), issue_code(node, "vsh")
    assert use_code(node, used).id == "vsh"
    federation.clock.move(CODE_LIFETIME + timedelta(seconds=1))
    for code in (used, stale, "never made"):
        with pytest.raises(ProblemRaised, match="ask for another"):
            use_code(node, code)
    logged = [e.to_event() for e in reversed(list(read_entries(node.database.connection, action=Action.SIGNIN)))]
    assert [(event.outcome, event.details["link"]) for event in logged] == [
        (Outcome.INTENDED, "made"),
        (Outcome.INTENDED, "made"),
        (Outcome.DONE, "used"),
        (Outcome.REFUSED, "used"),
    ]


def test_an_address_never_holds_a_purpose_or_a_child(app: Flask) -> None:
    """Lists about children are asked for in forms; an address would be in every log between here and there."""
    for path in FORMS:
        methods = {method for rule in app.url_map.iter_rules() if str(rule) == path for method in rule.methods or ()}
        assert "POST" in methods
        assert "<" not in path


def test_the_roles_of_the_tables_are_the_policys(app: Flask, node: Node) -> None:
    """The tables above are the packaged matrix, read by hand."""
    with app.app_context():
        for person in SEEN_BY["/"] - {""}:
            entered = node.find_person(person)
            assert may_read_ours(entered) is (person in SEEN_BY["/children"])
            assert may_read_placed_here(entered) is (person in SEEN_BY["/placed-here"])
            assert may_read_log(entered) is (person in SEEN_BY["/audit"])


def test_a_policy_edited_while_a_list_is_read_stops_it(
    browse: Browse, send: Send, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Edited to permit more between the log's entry and the reading: nothing is shown under what was not logged."""

    def edit_and_read(*arguments: Any) -> Any:
        put_policy(node.party.directory, f"{MATRIX.read_text()}# A comment makes another version.\n")
        return list_own_children(*arguments)

    client = browse("vsh")
    monkeypatch.setattr(children, "list_own_children", edit_and_read)
    answer = send(client, "/children", PURPOSE)
    assert (answer.status_code, "<table" in answer.text) == (409, False)
    assert "ask again" in answer.text
    first, last = listed(node)
    assert (first.outcome, last.outcome, last.details["code"]) == (Outcome.INTENDED, Outcome.REFUSED, "policy_changed")
    monkeypatch.undo()
    assert send(client, "/children", PURPOSE, shown="/policy").status_code == 200


def read_row_heads(page: str) -> list[str]:
    heads = re.findall(r'scope="row"[^>]*>(.*?)</th>', page, re.DOTALL)
    return [" ".join(html.unescape(re.sub("<[^>]+>", " ", head)).split()) for head in heads]


def test_the_head_of_a_row_is_the_child_and_not_the_home_that_many_have(
    node: Node, browse: Browse, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In lists of children of many authorities, each by its name: our own too, of whom a page would else say `ours`."""
    record = ChildRecord("77", "A801200005001", "2010-01-01", "100001", "foster_other", "full_care_order", "2020-02-03")
    answer = LookupAnswer(
        lookup_id="L-" + "0" * 32,
        sender="node-302",
        receiver="node-301",
        authority="302",
        outcome=LookupOutcome.ANSWERED,
        code="",
        text="",
        policy_version="p",
        snapshot="s",
        as_of=datetime(2026, 3, 2, tzinfo=UTC),
        contact="the virtual school of 302",
        fields=(),
        children=(record,),
        files=(ChildFile(la_child_id="78"),),
    )
    found = LookupResult(answer.lookup_id, (answer,), ())
    monkeypatch.setattr(placed_here, "ask_others", lambda *_: found)
    page = send(browse("vsh"), "/placed-here", PURPOSE).text
    assert read_row_heads(page) == ["77 : ask Barnet (302) for this child's record"]
    assert "Barnet (302)</td>" in page
    own = ClassList((ChildFile(la_child_id="5"),), found)
    monkeypatch.setattr(class_list, "ask_everybody", lambda *_: own)
    page = send(browse("teacher"), "/class-list", PURPOSE).text
    assert read_row_heads(page) == ["5", "78"]
    assert re.findall(r'data-column="Home">([^<]*)</td>', page) == [name_authority(node.authority), "Barnet (302)"]

"""The log's page at a node: searched by anything, a child in no address, verified and taken away as it was sought."""

import csv
import io
import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

import audit.search
from audit.event import Action, AuditEvent, Outcome
from audit.log import read_entries
from audit.retention import Periods, delete_due
from audit.verifier import verify_export
from federation.register import MemberKind
from federation.web import breach_page, log_copies
from federation.web.session import load_secret, name_cookie
from node.disclosures.tokens import list_tokens
from node.ingest.tokens import row_token
from node.lookups.records import CHILDREN
from node.service import Node
from node.vault import read_vault
from tests.node.pages.conftest import Browse, Send
from tests.small_federation import SmallFederation


@pytest.fixture
def number(node: Node) -> str:
    """The number of one of our own children."""
    snapshot = node.store.current()
    assert snapshot is not None
    rows = read_vault({CHILDREN: snapshot.identified[CHILDREN]}, f"SELECT min(la_child_id) FROM {CHILDREN}")
    return str(rows[0][0])


@pytest.fixture
def busy(node: Node, number: str) -> Node:
    """Two people looked at one child sixty times each, and one at another authority's child."""
    token = node.party.keys.log_token(row_token(node.party.keys.row_secret, number))
    about: dict[str, Any] = {"subject": token, "relationship": "home", "fields": ("upn",), "policy_version": "v1"}
    node.record(
        *(
            node.event(Action.LOOKUP_RECEIVED, f"{who} (virtual_school_head)", f"L-{n}", purpose="The plan", **about)
            for n in range(60)
            for who in ("vsh", "deputy")
        )
    )
    theirs = node.party.keys.log_token("301/A800000000012")
    node.record(node.event(Action.LOOKUP_RECEIVED, "vsh (virtual_school_head)", "L-x", subject=theirs))
    return node


def indexes(page: TestResponse) -> list[int]:
    rows = page.text.partition('class="govuk-table stacking log"')[2]
    return [int(number) for number in re.findall(r'data-column="Entry">(\d+)<', rows)]


def events(node: Node, action: Action) -> list[AuditEvent]:
    return [entry.to_event() for entry in read_entries(node.database.connection, action=action)]


def hidden(page: TestResponse) -> list[tuple[str, str]]:
    """What the form below the entries sends back."""
    form = page.text.partition('action="/audit/verify"')[2].partition("</form>")[0]
    return re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)


def press(client: FlaskClient, path: str, page: TestResponse, **more: str) -> TestResponse:
    fields: dict[str, list[str]] = {}
    for name, value in [*hidden(page), *more.items()]:
        fields.setdefault(name, []).append(value)
    return client.post(path, data=fields)


def test_a_child_is_found_by_the_number_typed_and_stands_in_no_address(
    busy: Node, number: str, browse: Browse, send: Send
) -> None:
    ig = browse("ig")
    first = send(ig, "/audit", {"child": number, "actor": "vsh"}, shown="/audit")
    assert first.status_code == 200
    assert len(indexes(first)) == 50
    assert number not in first.text
    assert "/audit?actor=vsh&amp;child" not in first.text
    older = re.search(r'name="before" value="(\d+)">Older', first.text)
    assert older is not None
    second = press(ig, "/audit", first, before=older[1])
    assert len(indexes(second)) == 10
    assert set(indexes(first)).isdisjoint(indexes(second))
    searched = events(busy, Action.AUDIT_READ)[0]
    assert dict(searched.details) == {"searched.actor": "vsh", "searched.child": True}
    assert not re.search(rf'(href|action)="[^"]*({number}|subject=)', first.text + second.text)


def test_another_authoritys_child_is_found_by_pupil_number(busy: Node, browse: Browse, send: Send) -> None:
    found = send(browse("ig"), "/audit", {"child": "A800000000012"}, shown="/audit")
    assert len(indexes(found)) == 1


def test_one_of_our_own_is_found_by_either_number_however_it_is_typed(busy: Node, browse: Browse, send: Send) -> None:
    """Our log has a child under our own number; an officer may have the pupil number alone, as a letter writes it."""
    snapshot = busy.store.current()
    assert snapshot is not None
    rows = read_vault(
        {CHILDREN: snapshot.identified[CHILDREN]},
        f"SELECT la_child_id, upn FROM {CHILDREN} WHERE length(upn) = 13 ORDER BY upn, academic_year LIMIT 1",
    )
    number, pupil_number = map(str, rows[0])
    token = busy.party.keys.log_token(row_token(busy.party.keys.row_secret, number))
    busy.record(busy.event(Action.LOOKUP_RECEIVED, "vsh (virtual_school_head)", "L-y", subject=token))
    ig = browse("ig")
    by_ours = indexes(send(ig, "/audit", {"child": number, "actor": "vsh"}, shown="/audit"))
    assert by_ours
    for typed in (pupil_number, pupil_number.lower(), f" {pupil_number[:5]} {pupil_number[5:]}"):
        assert indexes(send(ig, "/audit", {"child": typed, "actor": "vsh"}, shown="/audit")) == by_ours, typed


def test_what_is_no_child_goes_to_an_address_of_its_own(busy: Node, browse: Browse, send: Send) -> None:
    ig = browse("ig")
    moved = send(ig, "/audit", {"purpose": "plan", "until": "2031-01-01"}, shown="/audit")
    assert (moved.status_code, moved.location) == (303, "/audit?purpose=plan&until=2031-01-01")
    assert len(indexes(ig.get(moved.location))) == 50
    british = send(ig, "/audit", {"purpose": "plan", "until": "1/1/2031"}, shown="/audit")
    assert british.location == moved.location
    assert indexes(ig.get("/audit?purpose=plan&until=2011-01-01")) == []
    assert len(indexes(ig.get("/audit?policy_version=v1&outcome=done"))) == 50
    assert indexes(ig.get("/audit?outcome=failed")) == []


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"since": "yesterday"}, 400),
        ({"until": "9999-12-31"}, 400),
        ({"outcome": "well"}, 400),
        ({"purpose": "about A800000000012"}, 422),
        ({"purpose": "x" * 201}, 422),
    ],
)
def test_what_cannot_be_looked_for(browse: Browse, asked: dict[str, str], status: int) -> None:
    answer = browse("ig").get("/audit", query_string=asked)
    assert answer.status_code == status
    assert "A800" not in answer.text


def test_a_child_sent_back_is_a_token(browse: Browse, send: Send) -> None:
    ig = browse("ig")
    assert send(ig, "/audit", {"subject": "A800000000012"}, shown="/audit").status_code == 400


def test_one_persons_accesses_with_flags_beside_them(busy: Node, browse: Browse) -> None:
    page = browse("ig").get("/audit?actor=vsh").text
    said = " ".join(re.sub("<[^>]+>", " ", page).split())
    assert "What vsh did" in said
    assert "61, of 2 children" in said
    assert "again_and_again" in page
    _, found, patterns = page.partition("What is unusual")
    assert found
    assert "deputy" not in patterns


def test_whoever_is_called_the_same_elsewhere_did_nothing_here(busy: Node, browse: Browse) -> None:
    """Our log has what they were told under the name that they have there: it is listed, and not counted as ours."""
    told = busy.event(Action.LOOKUP_ANSWERED, "vsh (virtual_school_head)", "L-z", outcome=Outcome.REFUSED)
    busy.record(replace(told, acting_for="301"))
    page = browse("ig").get("/audit?actor=vsh")
    said = " ".join(re.sub("<[^>]+>", " ", page.text).split())
    assert re.search(r"Entries 61,? (all on|from) ", said)
    assert "Refused 0" in said
    assert "Not counted here 1, of what somebody of that name at another authority was told" in said
    assert len(indexes(page)) == 50
    assert "for 301" in said
    busy.record(replace(told, actor="head (virtual_school_head)", acting_for="301"))
    alone = browse("ig").get("/audit?actor=head")
    assert len(indexes(alone)) == 1
    assert "What head did" not in alone.text


def test_verifying_keeps_what_is_looked_for(busy: Node, number: str, browse: Browse, send: Send) -> None:
    ig = browse("ig")
    found = send(ig, "/audit", {"child": number, "actor": "vsh"}, shown="/audit")
    verified = press(ig, "/audit/verify", found)
    assert "The log is whole: " in verified.text
    assert indexes(verified) == indexes(found)
    assert events(busy, Action.AUDIT_READ)[0].details["verified"] is True


def test_a_broken_log_is_said_so(busy: Node, browse: Browse, send: Send) -> None:
    ig = browse("ig")
    connection = busy.database.connection
    connection.execute("UPDATE audit_entries SET salt = ? WHERE idx = 3", (b"1" * 16,))
    assert "The log is broken at entry 3" in send(ig, "/audit/verify", shown="/audit").text


def test_a_log_too_long_for_a_page_is_left_to_the_command(
    busy: Node, browse: Browse, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_copies, "MOST_VERIFIED", 5)
    assert "run circe audit verify" in send(browse("ig"), "/audit/verify", shown="/audit").text


def test_what_was_found_is_taken_away_and_that_is_logged(busy: Node, number: str, browse: Browse, send: Send) -> None:
    ig = browse("ig")
    found = send(ig, "/audit", {"child": number, "actor": "vsh"}, shown="/audit")
    taken = press(ig, "/audit/found", found, form="csv")
    assert taken.headers["Content-Disposition"] == 'attachment; filename="audit-log.csv"'
    assert taken.headers["Cache-Control"] == "no-store"
    rows = list(csv.DictReader(io.StringIO(taken.text)))
    assert len(rows) == 60
    assert {row["actor"] for row in rows} == {"vsh (virtual_school_head)"}
    assert len(json.loads(press(ig, "/audit/found", found, form="json").text)) == 60
    copied = events(busy, Action.AUDIT_EXPORTED)[0]
    assert dict(copied.details) == {"searched.actor": "vsh", "searched.child": True, "form": "json"}
    assert press(ig, "/audit/found", found, form="xml").status_code == 400


def test_the_whole_log_is_taken_away_and_verifies_anywhere(
    busy: Node, browse: Browse, send: Send, tmp_path: Path
) -> None:
    taken = send(browse("ig"), "/audit/whole", shown="/audit")
    path = tmp_path / "taken"
    path.write_bytes(taken.data)
    found = verify_export(path, busy.party.member_id, busy.party.keys.public_log_key)
    assert found.entries > 120
    assert events(busy, Action.AUDIT_EXPORTED)[0].details["form"] == "whole"


@pytest.mark.parametrize("path", ["/audit", "/audit/verify", "/audit/found", "/audit/whole"])
def test_nobody_else_searches_verifies_or_takes_away(browse: Browse, send: Send, path: str) -> None:
    for person in ("", "vsh", "admin", "staff", "teacher", "director"):
        assert send(browse(person), path, {"form": "csv"}, shown="/sign-in").status_code in (302, 303, 403), person


def test_an_entry_whose_time_is_over_is_said_to_be_deleted(busy: Node, browse: Browse) -> None:
    later = busy.clock() + timedelta(days=366 * 26)
    with busy.database.transaction() as connection:
        done = delete_due(connection, busy.database.log, Periods(), actor="ig", now=later)
    page = browse("ig").get("/audit").text
    assert f"Deleted when its time was over, as entry {done.logged_by} says" in page


def test_a_page_says_how_far_it_has_read(busy: Node, browse: Browse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit.search, "READ_AT_ONCE", 1)
    page = browse("ig").get("/audit?purpose=nothing+like+this").text
    assert "there are no others" in page
    assert "Older entries" in page


def test_tokens_are_of_whom_the_log_has(busy: Node, number: str) -> None:
    tokens = list_tokens(busy, [number, " ", number])
    assert tokens[0] == busy.party.keys.log_token(row_token(busy.party.keys.row_secret, number))
    nodes = list(busy.register().active(MemberKind.NODE, busy.clock()))
    assert len(tokens) == len(set(tokens)) > len(nodes)
    assert events(busy, Action.LOOKUP_RECEIVED)[1].subject in tokens
    assert Outcome.DONE is events(busy, Action.LOOKUP_RECEIVED)[1].outcome


def test_a_breach_drill_shows_what_was_touched_and_drafts_the_notice(busy: Node, browse: Browse, send: Send) -> None:
    ig = browse("ig")
    asked = {"person": "vsh", "since": "2020-01-01", "until": "2999-01-01"}
    page = send(ig, "/breach", asked).text
    assert re.search(r"Children</dt>\s*<dd[^>]*>2</dd>", page)
    assert "circe node passkeys --state DIR --person vsh" in page
    assert f"{Action.LOOKUP_RECEIVED.meaning} <span" in page
    assert "NOTICE OF A PERSONAL DATA BREACH: DRAFT" in page
    assert events(busy, Action.AUDIT_READ)[0].details["drill"] == "the account of vsh"
    member = send(ig, "/breach", {"member": "node-301", "since": "2020-01-01"}).text
    assert "circe member revoke --root ROOT" in member
    assert "not all of it" not in page
    assert "NOT ALL OF IT" not in page


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({}, "person"),
        ({"person": "vsh"}, "since"),
        ({"person": "vsh", "since": "then"}, "since"),
        ({"person": "vsh", "since": "31/02/2026"}, "since"),
        ({"person": "vsh", "since": "2026-11-29 25:00"}, "since"),
        ({"person": "vsh", "since": "29/11/2026", "until": "28/11/2026"}, "until"),
        ({"person": "vsh", "since": "2026-11-29", "until": "9999-12-31"}, "until"),
        ({"person": "vsh", "since": "2026-11-01", "aware": "yesterday"}, "aware"),
        ({"member": "nobody", "since": "2020-01-01"}, "member"),
        ({"key": "AAAA", "since": "2020-01-01"}, "key"),
    ],
)
def test_what_a_drill_cannot_read_is_said_at_its_field(
    browse: Browse, send: Send, asked: dict[str, str], field: str
) -> None:
    """A span that ends before it begins has no entries: nobody is to take that for nothing having been touched."""
    answer = send(browse("ig"), "/breach", asked)
    assert answer.status_code == 400
    assert re.findall(r'href="#(\w+)"', answer.text.partition("error-summary")[2].partition("<form")[0]) == [field]


def test_moments_of_a_drill_are_typed_as_on_british_forms(busy: Node, browse: Browse, send: Send) -> None:
    asked = {"person": "vsh", "since": "1/1/2020 9:05", "until": "31/12/2030", "aware": "2 1 2020"}
    page = send(browse("ig"), "/breach", asked).text
    assert "1 Jan 2020 09:05 to 1 Jan 2031 00:00 UTC" in page
    assert "We became aware: 2 January 2020, 00:00 UTC" in page


def test_a_breach_that_a_page_has_not_read_whole_says_so_and_what_to_do(
    busy: Node, browse: Browse, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In words, in the draft, and by the command that reads it all."""
    asked = {"person": "vsh", "since": "2020-01-01", "until": "2999-01-01"}
    ig, entries = browse("ig"), sum(1 for _ in read_entries(busy.database.connection))
    command = (
        "circe audit breach --state DIR --person vsh --since 2020-01-01T00:00:00Z --until 2999-01-02T00:00:00Z --aware "
    )
    # Signing in was an entry; this one is written once the span has been read.
    monkeypatch.setattr(breach_page, "MOST_READ", entries)
    assert "not all of it" not in send(ig, "/breach", asked).text
    page = send(ig, "/breach", asked).text
    assert "This is not all of it." in page
    assert f"than the {entries:,} that a page reads" in page
    assert command in page
    assert "[NOT ALL OF IT: the numbers here are of entries from" in page


def test_a_long_list_of_what_was_touched_says_where_the_rest_is(
    busy: Node, browse: Browse, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breach_page, "MOST_SHOWN", 1)
    page = send(browse("ig"), "/breach", {"person": "vsh", "since": "2020-01-01", "until": "2999-01-01"}).text
    assert re.search(r"The first 1 of [0-9]+ entries", page)
    assert "All of them, as a table for a spreadsheet: <code>circe audit breach --state DIR --person vsh " in page


# --- Pages that were refused -----------------------------------------------------------------------------------------


def refused_pages(node: Node) -> list[tuple[str, object, object]]:
    found = reversed(events(node, Action.PAGE_REFUSED))
    return [(event.actor, event.details["page"], event.details["code"]) for event in found]


def test_a_page_refused_is_an_entry_once_a_day_for_each_person_and_page(
    federation: SmallFederation, node: Node, browse: Browse, send: Send
) -> None:
    teacher, director = browse("teacher"), browse("director")
    for _ in range(3):
        assert teacher.get("/audit?actor=A823456789012").status_code == 403
    assert director.get("/audit").status_code == 403
    assert send(director, "/children", {"purpose": "Forged"}, shown="/").status_code == 403
    once = [
        ("teacher", "GET /audit", "not_permitted"),
        ("director", "GET /audit", "not_permitted"),
        ("director", "POST /children", "not_permitted"),
    ]
    assert refused_pages(node) == once
    assert {event.policy_version for event in events(node, Action.PAGE_REFUSED)} == {node.policy().version}
    federation.clock.now += timedelta(days=1)
    assert browse("teacher").get("/audit").status_code == 403
    assert refused_pages(node) == [*once, once[0]]


def test_a_session_that_ended_and_a_child_named_as_in_another_are_entries_too(
    node: Node, browse: Browse, send: Send
) -> None:
    """A copied cookie after signing out, read and written with, and a reference that is another session's."""
    client, why = browse("vsh"), {"purpose": "Termly review"}
    assert send(client, "/tracking/child", {**why, "child": "0" * 32}, shown="/tracking").status_code == 404
    copied = client.get_cookie(name_cookie(node.party.member_id, load_secret(node.party.directory)))
    assert copied is not None
    assert send(client, "/sign-out", {}, shown="/").status_code == 303
    thief = browse("")
    for _ in range(2):
        thief.set_cookie(copied.key, copied.value)
        assert thief.get("/children").status_code == 403
    thief.set_cookie(copied.key, copied.value)
    assert thief.post("/children", data=why).status_code == 400
    assert refused_pages(node) == [
        ("vsh", "POST /tracking/child", "no_such_child"),
        ("vsh", "GET /children", "session_ended"),
        ("vsh", "POST /children", "session_ended"),
    ]


def test_who_has_not_signed_in_leaves_no_entry(node: Node, browse: Browse) -> None:
    assert browse("").get("/audit").status_code == 403
    assert refused_pages(node) == []


def test_the_officer_finds_who_tried_page_after_page(node: Node, browse: Browse) -> None:
    teacher = browse("teacher")
    for page in ("/audit", "/delegations", "/held", "/breach"):
        assert teacher.get(page).status_code == 403
    ig = browse("ig")
    assert len(indexes(ig.get("/audit?action=page.refused&actor=teacher"))) == 4
    said = " ".join(re.sub("<[^>]+>", " ", ig.get("/audit").text).split())
    assert "4 pages refused within an hour" in said

"""The tracking pages: who sees and changes whose record, what the log has of it, and that nobody's change is lost."""

import html
import re
from datetime import date, timedelta

import msgspec
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from audit.event import Action, AuditEvent, Outcome
from audit.log import read_entries
from federation.lookups import ChildRecord
from node.lookups.errand import LookupResult
from node.pages import placed_here
from node.service import Node
from node.setting_up import enter_person
from node.tracking.facts import StartingPoint, Target
from node.tracking.store import add_entries, read_records
from node.vault import read_vault
from policies.access_policy import MATRIX
from tests.federation.test_lookup_messages import ANSWER
from tests.node.pages.conftest import Browse, Send
from tests.own_policies import put_policy
from tests.small_federation import SmallFederation

PURPOSE = {"purpose": "Termly review"}
TARGET = {"kind": "target", "term": "202425-summer", "subject": "english", "target": "5", "reason": "Agreed at the PEP"}


SCHOOL_IS_TO_REPLY = {"owner": "school", "due": "2025-02-08"}


def children_of(node: Node) -> list[tuple[str, int | None]]:
    """Our children in care now, by row token, with their schools: read without any of the code under test."""
    snapshot = node.store.current()
    assert snapshot is not None
    return read_vault(
        {"children": snapshot.identified["children"]},
        "SELECT child, school_urn FROM children WHERE care_start IS NOT NULL AND care_end IS NULL "
        "AND academic_year = (SELECT max(academic_year) FROM children) ORDER BY la_child_id",
    )


def references(page: str) -> list[str]:
    return list(dict.fromkeys(re.findall(r'name="child" value="([0-9a-f]{32})"', page)))


def version_on(page: str) -> str:
    found = re.search(r'name="version" value="([0-9]+)"', page)
    assert found is not None
    return found[1]


def logged(node: Node, action: Action = Action.TRACKING_UPDATED) -> list[AuditEvent]:
    return [entry.to_event() for entry in reversed(list(read_entries(node.database.connection, action=action)))]


class Desk:
    """Somebody at the tracking pages, with the caseload open."""

    def __init__(self, client: FlaskClient, send: Send) -> None:
        self.client, self._send = client, send
        self.page = self.ask("/tracking").text
        self.children = references(self.page)

    def ask(self, path: str, **fields: str) -> TestResponse:
        return self._send(self.client, path, {**PURPOSE, **fields}, shown="/tracking")

    def form(self, child: str, kind: str = "target", key: str = "") -> str:
        return self.ask("/tracking/form", child=child, kind=kind, key=key).text

    def set_down(self, child: str, version: str, **changes: str) -> TestResponse:
        return self.ask("/tracking/update", child=child, version=version, **{**TARGET, **changes})


@pytest.fixture
def desk(browse: Browse, send: Send) -> Desk:
    return Desk(browse("vsh"), send)


def test_a_target_is_set_down_and_shown_with_its_history(desk: Desk, node: Node) -> None:
    child = desk.children[0]
    answer = desk.set_down(child, version_on(desk.form(child)))
    assert answer.status_code == 200
    assert "Target: set down." in answer.text
    assert "summer 2024/25" in answer.text
    assert "vsh, virtual school head: Agreed at the PEP" in answer.text
    (record,) = read_records(node.database.connection).values()
    assert [(entry.by, entry.reason) for entry in record.entries] == [("vsh", "Agreed at the PEP")]
    (event,) = logged(node)
    assert (event.outcome, event.purpose, event.fields) == (Outcome.DONE, "Agreed at the PEP", ("target",))
    assert event.subject == node.party.keys.log_token(next(iter(read_records(node.database.connection))))


def test_whoever_comes_second_is_shown_both_and_nothing_is_lost(
    desk: Desk, browse: Browse, send: Send, node: Node
) -> None:
    other = Desk(browse("staff"), send)
    mine, theirs = desk.children[0], other.children[0]
    seen, seen_too = version_on(desk.form(mine)), version_on(other.form(theirs))
    assert desk.set_down(mine, seen).status_code == 200
    moved = other.set_down(theirs, seen_too, target="6", reason="The school says so")
    assert moved.status_code == 409
    page = html.unescape(moved.text)
    assert "Somebody else changed this record while you were writing" in page
    assert "target 5" in page
    assert "vsh, virtual school head: Agreed at the PEP" in page
    assert '<option value="6" selected>' in page
    assert 'value="The school says so"' in page
    (record,) = read_records(node.database.connection).values()
    assert record.version == 1
    assert other.set_down(theirs, version_on(moved.text), target="6", reason="The school says so").status_code == 200
    (record,) = read_records(node.database.connection).values()
    assert [(entry.by, entry.fact.target) for entry in record.entries] == [("vsh", "5"), ("staff", "6")]  # type: ignore[union-attr]
    refused = [event for event in logged(node) if event.outcome is Outcome.REFUSED]
    assert [event.details["code"] for event in refused] == ["record_moved"]


def test_a_fact_is_taken_back_and_stays_in_the_history(desk: Desk, node: Node) -> None:
    child = desk.children[0]
    desk.set_down(child, "0")
    form = desk.form(child, key="202425-summer/english")
    assert '<option value="5" selected>' in form
    assert '<option value="202425-summer" selected>summer 2024/25</option>' in form
    answer = desk.set_down(child, version_on(form), key="202425-summer/english", withdraw="yes", reason="A mistake")
    assert "Target: taken back." in answer.text
    (record,) = read_records(node.database.connection).values()
    assert (record.version, record.standing) == (2, {})


def test_a_fact_whose_term_was_wrong_is_moved_and_does_not_stand_twice(desk: Desk, node: Node) -> None:
    """Whoever presses Change beside a target changes that one, whatever field of it they change."""
    child = desk.children[0]
    desk.set_down(child, "0")
    answer = desk.set_down(child, "1", key="202425-summer/english", term="202526-summer", reason="The wrong year")
    assert "Target: changed." in answer.text
    (record,) = read_records(node.database.connection).values()
    assert list(record.standing) == [("target", "202526-summer/english")]
    assert [entry.reason for entry in record.entries] == ["Agreed at the PEP", "The wrong year", "The wrong year"]
    assert logged(node)[-1].details["facts"] == 2
    gone = desk.set_down(child, "3", key="202425-summer/english", term="202627-summer")
    assert (gone.status_code, "nothing of that kind to take back" in gone.text) == (400, True)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"target": "A*"}, "Target cannot be read: write one of"),
        ({"term": ""}, "Term is missing"),
        ({"reason": " "}, "say why the record is changed"),
        ({"reason": "About A801200005001"}, "the reason cannot be logged"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_kept(desk: Desk, node: Node, changes: dict[str, str], says: str) -> None:
    answer = desk.set_down(desk.children[0], "0", **changes)
    assert answer.status_code == 400
    assert says.casefold() in html.unescape(answer.text).casefold()
    assert "There is a problem" in answer.text
    assert read_records(node.database.connection) == {}


@pytest.fixture
def taught(node: Node, browse: Browse, send: Send) -> tuple[str, Desk]:
    """A child of ours with a school, and that school's designated teacher at their desk."""
    token, school = next((token, school) for token, school in children_of(node) if school is not None)
    enter_person(node.party.directory, "teacher", "designated_teacher", "Teacher", school)
    return token, Desk(browse("teacher"), send)


def test_a_teacher_reads_the_plan_of_their_own_school_and_changes_nothing(taught: tuple[str, Desk], node: Node) -> None:
    token, teacher = taught
    start = StartingPoint(subject="english", grade="WTS", assessed_on=date(2024, 9, 1))
    target = Target(term="202425-summer", subject="english", target="5")
    with node.database.transaction() as connection:
        add_entries(
            connection,
            token,
            0,
            [start, target],
            by="vsh",
            role="virtual_school_head",
            reason="SECRET",
            at=node.clock(),
        )
    schools = dict(children_of(node))
    assert len(teacher.children) <= len([child for child in schools if schools[child] == schools[token]])
    shown = [teacher.ask("/tracking/child", child=reference).text for reference in teacher.children]
    (page,) = [page for page in shown if "summer 2024/25" in page]
    assert "Starting point" not in page
    assert "Conversation" not in page
    assert "1 changes, newest first" in page
    assert "SECRET" not in page + teacher.ask("/tracking/changes").text
    assert "You may read this record and not change it" in page
    for reference in teacher.children:
        forged = teacher.set_down(reference, "2", target="9")
        assert forged.status_code == 403
        assert "nothing was changed" in forged.text
        assert teacher.ask("/tracking/form", child=reference, kind="target").status_code == 403
    assert [record.version for record in read_records(node.database.connection).values()] == [2]
    assert {(event.actor, event.relationship, event.outcome) for event in logged(node)} == {
        ("teacher (designated_teacher)", "school", Outcome.REFUSED)
    }


def test_a_reference_names_nobody_in_another_session_or_made_up(
    desk: Desk, browse: Browse, send: Send, node: Node
) -> None:
    again = Desk(browse("vsh"), send)
    assert not set(desk.children) & set(again.children)
    for forged in (desk.children[0], "0" * 32, children_of(node)[0][0], "", "é"):
        for path in ("/tracking/child", "/tracking/plain", "/tracking/form", "/tracking/update"):
            answer = again.ask(path, child=forged, version="0", **TARGET)
            assert answer.status_code == 404, path
    assert read_records(node.database.connection) == {}


def test_each_child_shown_is_in_the_log_with_the_purpose(desk: Desk, node: Node) -> None:
    shown = [event for event in logged(node, Action.CHILDREN_LISTED) if event.subject]
    assert len(shown) == len(children_of(node))
    assert {(event.purpose, event.details["listing"]) for event in shown} == {("Termly review", "tracking")}
    desk.ask("/tracking/child", child=desk.children[0])
    assert len([event for event in logged(node, Action.CHILDREN_LISTED) if event.subject]) == len(shown) + 1


@pytest.mark.parametrize("path", ["/tracking", "/tracking/changes", "/tracking/child", "/tracking/update"])
def test_without_a_purpose_nothing_is_shown(desk: Desk, node: Node, path: str) -> None:
    before = len(logged(node, Action.CHILDREN_LISTED))
    answer = desk.ask(path, purpose=" ", child=desk.children[0], version="0", **TARGET)
    assert answer.status_code == 400
    assert len(logged(node, Action.CHILDREN_LISTED)) == before
    assert read_records(node.database.connection) == {}


def test_a_policy_that_takes_a_right_away_takes_it_from_the_next_request(desk: Desk, node: Node) -> None:
    child = desk.children[0]
    form = desk.form(child)
    put_policy(node.party.directory, MATRIX.read_text() + "p, *, home, update, plan_pep, deny\n")
    assert desk.set_down(child, version_on(form)).status_code == 403
    assert read_records(node.database.connection) == {}
    put_policy(node.party.directory, MATRIX.read_text() + "p, *, home, *, plan_pep, deny\n")
    assert desk.ask("/tracking/child", child=child).status_code in (400, 403)


def test_what_others_changed_is_shown_once(desk: Desk, browse: Browse, send: Send) -> None:
    other = Desk(browse("staff"), send)
    other.set_down(other.children[0], "0")
    first = desk.ask("/tracking/changes").text
    assert "You have not looked before" in first
    assert "staff, virtual school staff" in first
    mine = other.ask("/tracking/changes").text
    assert "Nobody else has changed a record" in mine


def test_what_others_changed_stays_listed_for_one_sitting(
    desk: Desk, browse: Browse, send: Send, federation: SmallFederation
) -> None:
    """Whoever opens a child and comes back sees the list again; next time, what came since."""
    other = Desk(browse("staff"), send)
    federation.clock.move(timedelta(seconds=5))
    assert "You have not looked before" in desk.ask("/tracking/changes").text
    federation.clock.move(timedelta(hours=1))
    desk, other = Desk(browse("vsh"), send), Desk(browse("staff"), send)
    other.set_down(other.children[0], "0", reason="First")
    looks = [desk.ask("/tracking/changes").text]
    federation.clock.move(timedelta(minutes=20))
    other.set_down(other.children[0], "1", reason="Second")
    federation.clock.move(timedelta(seconds=5))
    looks.append(desk.ask("/tracking/changes").text)
    federation.clock.move(timedelta(hours=1))
    looks.append(Desk(browse("vsh"), send).ask("/tracking/changes").text)
    assert [[why in look for why in ("First", "Second")] for look in looks] == [
        [True, False],
        [True, True],
        [False, False],
    ]


def test_every_view_and_the_plain_page_show_the_children(desk: Desk) -> None:
    child = desk.children[0]
    facts = (
        {"kind": "starting_point", "subject": "english", "grade": "WTS", "assessed_on": "2023-09-01"},
        {"kind": "target", "term": "209899-summer", "subject": "english", "target": "EXS"},
        {"kind": "attainment", "term": "202425-spring", "subject": "english", "grade": "EXS"},
        {"kind": "attendance", "term": "202425-spring", "possible": "100", "authorised": "6", "unauthorised": "4"},
        {"kind": "step", "topic": "ambition", "on": "2025-02-01", "step": "challenged", **SCHOOL_IS_TO_REPLY},
    )
    for version, fact in enumerate(facts):
        fields = {name: text for name, text in TARGET.items() if name == "reason"}
        answer = desk.ask("/tracking/update", child=child, version=str(version), **fields, **fact)
        assert answer.status_code == 200, fact
    page = html.unescape(desk.ask("/tracking/child", child=child).text)
    assert "Progress in English" in page
    assert "spring 2024/25: no target, reached EXS." in page
    assert "90.0%" in page
    assert "What was to come of a conversation with the school is late: ambition" in page
    plain = html.unescape(desk.ask("/tracking/plain", child=child).text)
    assert "In English: at the expected standard, by the end of summer 2098/99." in plain
    assert "conversation" not in plain.casefold()
    assert "1 child: 1 above what was expected" in desk.ask("/tracking/cohort").text
    assert "School: " in desk.ask("/tracking/schools").text


def test_a_child_placed_here_is_opened_at_its_home_authority(
    browse: Browse, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the list to the record: home is asked, with the purpose of the list and by home's own number."""
    child = ChildRecord("77", None, None, None, None, None, None)
    listed = LookupResult(ANSWER.lookup_id, (msgspec.structs.replace(ANSWER, children=(child,), files=()),), ())
    monkeypatch.setattr(placed_here, "ask_others", lambda *_: listed)
    page = send(browse("vsh"), "/placed-here", PURPOSE).text
    form = page.split('action="/child"')[1].split("</form>")[0]
    fields = dict(re.findall(r'name="([a-z_]+)" value="([^"]*)"', form))
    del fields["form_token"]
    assert fields == {**PURPOSE, "where": "theirs", "at": ANSWER.authority, "la_child_id": "77"}

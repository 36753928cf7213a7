"""The dataset of plans at the pages: a copy out, files in after a report, and children entered by hand."""

import io
import re
import zipfile

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from audit.event import Action, AuditEvent, Outcome
from audit.log import read_entries
from federation.spreadsheet import write_spreadsheet
from federation.web.site import MAX_FORM_BYTES
from node.pages.site import MOST_UPLOADED
from node.service import Node
from node.tracking.spreadsheet import read_spreadsheet
from node.tracking.store import read_records
from tests.node.pages.conftest import Browse, Send
from tests.node.pages.test_tracking_pages import PURPOSE, TARGET, Desk, version_on
from tests.node.tracking.test_newcomers import CHILD

HEADER = ["la_child_id", "term", "subject", "target"]


def logged(node: Node, action: Action) -> list[AuditEvent]:
    return [entry.to_event() for entry in reversed(list(read_entries(node.database.connection, action=action)))]


class Counter(Desk):
    """Somebody at the tracking pages, with files to send in."""

    def send_in(self, *rows: list[str], name: str = "targets.csv", data: bytes | None = None) -> TestResponse:
        text = "\n".join(",".join(row) for row in (HEADER, *rows)).encode() if data is None else data
        token = re.search(r'name="form_token" value="([0-9a-f]{64})"', self.client.get("/tracking").text)
        assert token is not None
        fields = {**PURPOSE, "form_token": token[1], "reason": "Termly return"}
        return self.client.post("/tracking/import", data={**fields, "files": (io.BytesIO(text), name)})

    def take(self, report: TestResponse) -> TestResponse:
        told = dict(re.findall(r'name="(upload|digest)" value="([0-9a-f]+)"', report.text))
        return self.ask("/tracking/import/take", reason="Termly return", **told)


@pytest.fixture
def counter(browse: Browse, send: Send) -> Counter:
    return Counter(browse("vsh"), send)


@pytest.fixture
def number(counter: Counter) -> str:
    """Our number of the first child of the caseload."""
    page = counter.ask("/tracking/child", child=counter.children[0]).text
    found = re.search(r">Number</dt>\s*<dd[^>]*>(\d+)</dd>", page)
    assert found is not None
    return found[1]


def test_files_change_nothing_before_their_sender_has_seen_what_they_would(
    counter: Counter, node: Node, number: str
) -> None:
    report = counter.send_in([number, "202425-summer", "english", "5"], [number, "202425-summer", "mathematics", "6"])
    assert report.status_code == 200
    assert "2 lines were read" in report.text
    assert not read_records(node.database.connection)
    assert "Facts set down: 2; records changed: 1" in counter.take(report).text
    (record,) = read_records(node.database.connection).values()
    assert [(entry.by, entry.reason) for entry in record.entries] == [("vsh", "Termly return")] * 2
    assert logged(node, Action.TRACKING_UPDATED)[-1].details["facts"] == 2
    assert counter.take(report).status_code == 400  # Taken once.


def test_a_record_that_moved_on_makes_the_report_anew(counter: Counter, node: Node, number: str) -> None:
    report, child = counter.send_in([number, "202425-summer", "english", "5"]), counter.children[0]
    assert counter.set_down(child, version_on(counter.form(child)), **{**TARGET, "target": "7"}).status_code == 200
    again = counter.take(report)
    assert again.status_code == 409
    assert "moved on since" in again.text
    assert len(next(iter(read_records(node.database.connection).values())).entries) == 1
    assert counter.take(again).status_code == 200
    assert len(next(iter(read_records(node.database.connection).values())).entries) == 2


def test_wrong_lines_are_told_with_their_place_and_never_their_values(counter: Counter, node: Node) -> None:
    answer = counter.send_in(["SECRET-NUMBER", "202425-summer", "english", "5"])
    assert answer.status_code == 400
    assert "targets.csv, line 2, column la_child_id" in answer.text
    assert "SECRET" not in answer.text
    assert not read_records(node.database.connection)


def test_a_spreadsheet_goes_out_and_comes_in_as_it_is(counter: Counter, number: str, node: Node) -> None:
    counter.take(counter.send_in([number, "202425-summer", "english", "5"]))
    copy = counter.ask("/tracking/export", form="xlsx")
    assert copy.headers["Content-Disposition"] == 'attachment; filename="circe-plans.xlsx"'
    assert copy.headers["Cache-Control"] == "no-store"
    sheet = read_spreadsheet(copy.data)["target"]
    assert [row[1] for row in sheet[1:]] == [number]
    assert [event.details["copied"] for event in logged(node, Action.CHILDREN_LISTED) if "copied" in event.details] == [
        True
    ]
    back = counter.send_in(name="plans.xlsx", data=copy.data)
    assert "there is nothing to change" in back.text
    archive = zipfile.ZipFile(io.BytesIO(counter.ask("/tracking/export", form="csv").data))
    assert number in archive.read("target.csv").decode()


def test_staff_send_in_and_take_no_copies(browse: Browse, send: Send, node: Node) -> None:
    staff = Counter(browse("staff"), send)
    assert "Take a copy" not in staff.ask("/tracking/files").text
    assert staff.ask("/tracking/export").status_code == 403


def test_another_persons_upload_is_not_taken(counter: Counter, browse: Browse, send: Send, number: str) -> None:
    report = counter.send_in([number, "202425-summer", "english", "5"])
    assert Counter(browse("staff"), send).take(report).status_code == 400


def test_what_cannot_be_read_is_refused(counter: Counter) -> None:
    for name, data in (("a.csv", b"\xff\xfe"), ("a.xlsx", b"no archive"), ("a.csv", b"who,what\n1,2")):
        assert counter.send_in(name=name, data=data).status_code == 400


def test_large_files_are_taken_from_those_who_have_signed_in_alone(counter: Counter, node: Node) -> None:
    padded = write_spreadsheet({"notes": [["x"]]}) + bytes(2 * MAX_FORM_BYTES)
    assert counter.send_in(name="a.xlsx", data=padded).status_code != 413
    too_much = {"data": bytes(MOST_UPLOADED + 1), "content_type": "multipart/form-data; boundary=x"}
    assert counter.client.post("/tracking/import", **too_much).status_code == 413
    stranger: FlaskClient = counter.client.application.test_client()
    sent = stranger.post("/tracking/import", data={"files": (io.BytesIO(bytes(2 * MAX_FORM_BYTES)), "a.csv")})
    assert sent.status_code == 413


def test_a_child_is_entered_opened_and_taken_off_again(counter: Counter, node: Node) -> None:
    page = counter.ask("/tracking/newcomer/enter", **CHILD, reason="Came on Monday")
    assert page.status_code == 200
    assert "Number 990001" in page.text
    (reference,) = dict.fromkeys(re.findall(r'name="child" value="([0-9a-f]{32})"', page.text))
    assert counter.set_down(reference, version_on(counter.form(reference))).status_code == 200
    unsaid = counter.ask("/tracking/newcomer/off", child=reference, reason="")
    assert (unsaid.status_code, f'id="reason-{reference}-error"' in unsaid.text) == (400, True)
    gone = counter.ask("/tracking/newcomer/off", child=reference, reason="Went home")
    assert "990001" not in gone.text
    assert logged(node, Action.TRACKING_UPDATED)[-1].outcome is Outcome.DONE
    wrong = counter.ask("/tracking/newcomer/enter", **{**CHILD, "care_start": "soon"}, reason="x")
    assert wrong.status_code == 400
    assert "990001" not in wrong.text
    assert re.findall(r'id="(\w+)-error"', wrong.text) == ["care_start"]
    unsaid = counter.ask("/tracking/newcomer/enter", **CHILD, reason="")
    assert re.findall(r'id="(\w+)-error"', unsaid.text) == ["reason"]

"""A node's own reports: nothing that could not be asked for figure by figure, each logged, and schools by the rules."""

import csv
import io

import pytest

from audit.event import Action, Outcome
from audit.log import read_entries
from federation.reports.tidy import write_tidy
from federation.reports.written import WrittenReport
from federation.state import StateError
from node.figures.reports import SCHOOL_REPORT, list_own_reports, write_own_report
from node.lookups.purpose import PurposeMissing
from node.service import Node
from policies.access_policy import AccessDenied
from tests.node.figures.conftest import YEAR, list_schools


def write(node: Node, person: str, name: str = SCHOOL_REPORT, whose: str = "authority") -> WrittenReport:
    return write_own_report(node, node.find_person(person), "Annual report", name, YEAR, whose)


def rows_of(written: WrittenReport) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(write_tidy(written))))


def test_the_annual_report_has_our_figures_and_says_what_is_not_released(node: Node) -> None:
    """Each figure is logged with its purpose, and whoever asks for the report again reads the same."""
    written = write(node, "director")
    assert written.heading == "Annual virtual school report: Barking and Dagenham, 2024/25"
    ours = [each for each in written.figures if each.place.level == "authority"]
    assert {each.measure.name for each in ours} == {
        name for each in list_own_reports()[0].section for name in each.measures
    }
    assert any(each.share is not None for each in ours)
    assert {each.why_not for each in written.figures if each.place.level != "authority"} == {"not yet released"}
    shown = [row for row in rows_of(written) if row["children"] not in ("c", "x")]
    assert shown
    assert all(int(row["children"]) >= 10 for row in shown)
    entries = read_entries(node.database.connection, action=Action.FIGURES_SHOWN)
    done = [event for entry in entries if (event := entry.to_event()).outcome is Outcome.DONE]
    assert {str(each.details["figure"]) for each in done} == {each.measure.name for each in ours}
    assert {each.purpose for each in done} == {"Annual report"}
    assert rows_of(write(node, "vsh")) == rows_of(written)


def test_the_practice_report_tells_which_support_with_what_result(node: Node) -> None:
    written = write(node, "director", "practice")
    assert [each.title for each in written.sections] == [
        "Progress while in care, by kind of support",
        "Ambition of targets, by what the support is to improve",
        "Attendance, by kind of support",
        "Wellbeing, by kind of support",
    ]
    for section in written.sections:
        (table,) = section.tables
        assert [row[0] for row in table.rows][-1] == "All"
    assert {"Tuition", "Mentoring"} <= {row[0] for row in written.sections[0].tables[0].rows}


def test_a_teachers_report_is_of_their_school_beside_ours(node: Node) -> None:
    urn = list_schools(node)[0][0]
    written = write(node, "teacher", whose=str(urn))
    assert [each.place.level for each in written.figures[:4]] == ["school", "authority", "region", "nation"]
    assert {row["school_urn"] for row in rows_of(written) if row["geographic_level"] == "School"} == {str(urn)}


def test_a_trust_sees_its_schools_and_not_the_authority(node: Node) -> None:
    written = write(node, "trust", whose="own")
    assert {each.place.level for each in written.figures} == {"school", "region", "nation"}
    assert written.place.name.endswith("schools together")
    assert {row["school_urn"] for row in rows_of(written)} == {""}, "no school has their number for its own"


REFUSED = (
    ("teacher", SCHOOL_REPORT, "999999", "Report", AccessDenied),
    ("trust", SCHOOL_REPORT, "authority", "Report", AccessDenied),
    ("admin", SCHOOL_REPORT, "authority", "Report", AccessDenied),
    ("director", "metrics", "authority", "Report", StateError),
    ("teacher", "practice", "own", "Report", StateError),
    ("director", SCHOOL_REPORT, "here", "Report", StateError),
    ("director", SCHOOL_REPORT, "authority", " ", PurposeMissing),
)


def test_what_one_may_not_see_or_says_no_purpose_of_is_in_no_report(node: Node) -> None:
    for person, name, whose, purpose, error in REFUSED:
        reader = node.find_person(person)
        with pytest.raises(error):
            write_own_report(node, reader, purpose, name, YEAR, whose)
    entries = [each.to_event() for each in read_entries(node.database.connection, action=Action.FIGURES_SHOWN)]
    assert {each.outcome for each in entries} == {Outcome.REFUSED}
    denied = {(person, str(error)) for person, *_, error in REFUSED if error is AccessDenied}
    assert len(entries) == len(denied), "whoever may not see it is in the log"
    assert {each.purpose for each in entries} == {"Report"}

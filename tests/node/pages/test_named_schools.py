"""A school is known by its name on every page where the register of establishments was loaded, else by its number."""

import html
import re
from collections.abc import Callable
from datetime import date

import pytest

from node.ingest.formats import load_formats
from node.ingest.periods import UNDATED
from node.schools import name_school, read_school_names
from node.service import Node
from node.tracking.caseload import list_caseload
from node.tracking.changing import change_record
from node.tracking.facts import Admission
from node.tracking.visit import begin_visit
from tests.node.pages.changed_snapshot import publish_changed
from tests.node.pages.conftest import Browse, Send

REGISTER = f"identified/staged/{load_formats()['gias'].relation}-{UNDATED}"
AT_SCHOOL = "SELECT * REPLACE (100001 AS school_urn) FROM {table}"
NAMED = "Hill & Dale Academy (100001)"
WHY = {"purpose": "Termly review"}


@pytest.mark.parametrize(
    ("urn", "said"),
    [
        (100001, "Hill (100001)"),
        ("100001", "Hill (100001)"),
        (100002, "100002"),
        ("-", "-"),
        ("<b>", "<b>"),
        ("\u0661\u0660", "\u0661\u0660"),
        ("1" * 5000, "1" * 5000),
    ],
)
def test_a_school_is_named_as_far_as_it_is_known(urn: object, said: str) -> None:
    assert name_school({100001: "Hill"}, urn) == said


@pytest.fixture
def show(browse: Browse, send: Send) -> Callable[[str, str], str]:
    """Shows a page, stated a purpose, as text."""

    def ask(person: str, path: str) -> str:
        shown = send(browse(person), path, {"purpose": "Termly review"}, shown="/tracking")
        assert shown.status_code == 200
        return " ".join(html.unescape(re.sub("<[^>]+>", " ", shown.text)).split())

    return ask


PAGES = ("/children", "/tracking", "/tracking/schools")


def test_pages_name_the_school(node: Node, show: Callable[[str, str], str]) -> None:
    named = "SELECT 100001 AS urn, 'Hill & Dale Academy' AS establishmentname"
    publish_changed(node, {"identified/children": AT_SCHOOL, REGISTER: named})
    for path in PAGES:
        assert NAMED in show("vsh", path), path


def test_the_history_of_a_record_names_the_school(node: Node, browse: Browse, send: Send) -> None:
    """What was set down about a school, a number in the record, is read by its name."""
    publish_changed(node, {REGISTER: "SELECT 100001 AS urn, 'Hill & Dale Academy' AS establishmentname"})
    visit = begin_visit(node, "vsh", "Termly review")
    asked = Admission(request_date=date(2025, 1, 7), school_urn=100001)
    # Whoever has most to attend to stands first, and has one thing more with this.
    change_record(visit, list_caseload(visit)[0].child, 0, [asked], "Asked for")
    client = browse("vsh")
    reference = re.findall(r'name="child" value="([0-9a-f]{32})"', send(client, "/tracking", WHY).text)[0]
    page = html.unescape(send(client, "/tracking/child", {**WHY, "child": reference}, shown="/tracking").text)
    assert f"school's urn {NAMED}<span" in page


def test_a_report_of_a_school_names_it(node: Node, browse: Browse, send: Send) -> None:
    publish_changed(node, {REGISTER: "SELECT 100001 AS urn, 'Hill & Dale Academy' AS establishmentname"})
    asked = {**WHY, "report": "virtual-school", "year": "202425", "whose": "100001", "school": "100001"}
    page = html.unescape(send(browse("teacher"), "/reports", asked).text)
    assert NAMED in page
    assert "School 100001" not in page


def test_without_the_register_a_school_is_its_number(node: Node, show: Callable[[str, str], str]) -> None:
    publish_changed(node, {"identified/children": AT_SCHOOL})
    assert dict(read_school_names(node.store.current())) == {}
    for path in PAGES:
        assert "100001" in (page := show("vsh", path)), path
        assert "(100001)" not in page


def test_nothing_is_known_before_the_first_load() -> None:
    assert dict(read_school_names(None)) == {}

"""What an information governance officer works with, filled: a search, a record of disclosures, a breach."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from audit.event import Action, format_time
from federation.database import stamp
from federation.wire import encode_document, whole_seconds
from node.disclosures.record import Disclosure, DisclosureRecord, Unheard
from node.service import Node, open_node
from node.setting_up import enter_person
from tests.browser.looking import keep_picture, look_at
from tests.browser.serving import serve_node
from tests.browser.test_every_node_page import cookie_for
from tests.small_federation import SmallFederation, copy_federation

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

RECORD_ID = "SAR-0123456789abcdef"


@pytest.fixture(scope="module")
def node(pristine_federation: SmallFederation, tmp_path_factory: pytest.TempPathFactory) -> Node:
    """A node whose log has one child under several lookups, and whose officer gathered what others saw."""
    copied = copy_federation(pristine_federation, tmp_path_factory.mktemp("officer") / "federation")
    state = copied.directory / f"node-{copied.authorities[0]}"
    enter_person(state, "ig", "ig_officer", "Information governance")
    opened = open_node(state)
    token, head = opened.party.keys.log_token("301/A800000000012"), "vsh (virtual_school_head)"
    fields = ("upn", "school", "sen_provision", "attendance_rate", "sdq_score", "care_start")
    for number in range(60):
        opened.record(
            opened.event(
                Action.LOOKUP_RECEIVED,
                head,
                f"L-{number:032x}",
                subject=token,
                relationship="host",
                purpose="Planning the termly review",
                fields=fields,
                acting_for=opened.authority,
                home="301",
            )
        )
    keep_record(opened)
    return opened


def keep_record(node: Node) -> None:
    """A record as it is kept: two lookups in two logs each, one of them about safety, and a log that did not tell."""
    ours, theirs = node.authority, "301"
    told = [
        Disclosure(
            log=log,
            entry=entry,
            at=format_time(node.clock()),
            reference=f"L-{lookup:032x}",
            actor="vsh (virtual_school_head)",
            action="lookup.answered" if log == ours else "lookup.received",
            outcome="done",
            acting_for=theirs,
            other="",
            purpose="Planning the termly review",
            relationship="host" if lookup == 1 else "emergency",
            fields=("upn", "school", "sen_provision", "tracked_plan"),
            policy_version="v1",
            safeguarding=lookup == 2,
        )
        for lookup in (1, 2)
        for log, entry in ((ours, lookup), (theirs, 40 + lookup))
    ]
    record = DisclosureRecord(
        record_id=RECORD_ID,
        authority=ours,
        made_at=whole_seconds(node.clock()),
        made_by="ig",
        reason="Subject access request 2026/114",
        disclosures=tuple(told),
        unheard=(Unheard(authority="316", reason="has not answered in time", lookups=2),),
    )
    with node.database.transaction() as connection:
        row = (RECORD_ID, stamp(node.clock()), encode_document(record))
        connection.execute("INSERT INTO subject_records VALUES (?, ?, ?)", row)


@pytest.fixture
def officer(node: Node, page: "Page") -> Iterator["Page"]:
    """The officer's own browser."""
    with serve_node(node) as address:
        page.context.add_cookies([cookie_for(node, "ig", address)])  # type: ignore[list-item]
        page.goto(address)
        yield page


def test_a_search_its_flags_and_its_verification(officer: "Page", width: str) -> None:
    officer.goto(f"{officer.url}audit?actor=vsh")
    officer.get_by_role("heading", name="What vsh did").wait_for()
    look_at(officer, "officer-log-person", width)
    officer.get_by_role("button", name="Verify the log").click()
    officer.get_by_text("The log is whole").wait_for()
    assert officer.get_by_label("Who").input_value() == "vsh"
    officer.get_by_label("Child's number").fill("A800000000012")
    officer.get_by_label("Who").fill("")
    officer.keyboard.press("Enter")
    officer.get_by_text("These are entries about one child").wait_for()
    assert officer.url.endswith("/audit")
    assert "A800000000012" not in officer.content()
    officer.get_by_role("button", name="Older entries").click()
    officer.get_by_role("button", name="Newest entries").wait_for()


def test_a_record_is_reviewed_and_given_out(officer: "Page", width: str) -> None:
    officer.goto(f"{officer.url}subject")
    officer.get_by_role("button", name=RECORD_ID).click()
    officer.get_by_text("2 may be given out, and 2 are held back").wait_for()
    look_at(officer, "officer-record", width)
    officer.get_by_role("button", name="What may be given out, to read and print").click()
    officer.get_by_role("heading", name="Who saw information about you").wait_for()
    assert officer.get_by_text("Saw information about you that we hold").count() == 1
    assert officer.get_by_text("safety").count() == 0
    look_at(officer, "officer-given", width)
    officer.emulate_media(media="print")
    assert not officer.get_by_role("button", name="Back to the record").is_visible()
    keep_picture(officer, f"officer-given-printed-{width}")


def test_a_breach_is_rehearsed(officer: "Page", width: str) -> None:
    officer.goto(f"{officer.url}breach")
    officer.get_by_label("A person at this node").fill("vsh")
    officer.get_by_label("It may have been used from").fill("2020-01-01")
    officer.keyboard.press("Enter")
    officer.get_by_role("heading", name="Draft of the notice").wait_for()
    look_at(officer, "officer-breach", width)

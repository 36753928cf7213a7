"""The node's pages in a real browser: they look right, work by keyboard alone, and fit a narrow telephone."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from federation.lookups import ChildRecord, LookupAnswer, LookupOutcome
from federation.wire import whole_seconds
from node.lookups.errand import LookupResult, Missing
from node.pages import placed_here
from node.service import Node, open_node
from node.setting_up import enter_person
from node.sign_in import issue_code
from tests.browser.looking import look_at
from tests.browser.serving import serve_node
from tests.small_federation import SmallFederation, copy_federation

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

Visit = Callable[[str, str], "Page"]


@pytest.fixture(scope="module")
def node(pristine_federation: SmallFederation, tmp_path_factory: pytest.TempPathFactory) -> Node:
    copied = copy_federation(pristine_federation, tmp_path_factory.mktemp("looked-at") / "federation")
    state = copied.directory / f"node-{copied.authorities[0]}"
    enter_person(state, "ig", "ig_officer", "Information governance officer")
    return open_node(state)


@pytest.fixture(scope="module")
def address(node: Node) -> Iterator[str]:
    with serve_node(node) as place:
        yield place


@pytest.fixture
def visit(page: "Page", address: str, node: Node) -> Visit:
    """Signs a person in, unless the name is empty, and opens a path."""

    def open_path(person: str, path: str) -> "Page":
        if person:
            page.goto(f"{address}/sign-in#{issue_code(node, person)}")
            page.get_by_role("button", name="Use the code").click()
        page.goto(address + path)
        return page

    return open_path


def test_the_head_of_a_virtual_school_sees_our_children(visit: Visit, width: str) -> None:
    page = visit("vsh", "/")
    look_at(page, "node-home", width)
    page.get_by_role("link", name="My children").first.click()
    look_at(page, "node-children-purpose", width)
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Show the children").click()
    page.get_by_role("alert").wait_for()
    look_at(page, "node-children-error", width)
    page.get_by_label("Why do you need this list?").fill("Termly review")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="My children", exact=True).wait_for()
    page.get_by_text("children in care, by the files").wait_for()
    assert page.get_by_role("row").count() > 2
    look_at(page, "node-children", width)


def test_who_could_see_a_child_is_looked_up(visit: Visit, width: str, node: Node) -> None:
    page = visit("vsh", "/children")
    page.get_by_label("Why do you need this list?").fill("A complaint")
    page.keyboard.press("Enter")
    number = page.get_by_role("rowheader").first.inner_text().removeprefix("Child:").partition(":")[0].strip()
    page.get_by_role("link", name="Who may see what").click()
    look_at(page, "node-policy", width)
    page.get_by_label("The child's number").fill(number)
    page.get_by_label("Why do you ask?").fill("A complaint")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name=f"Who could see child {number} today").wait_for()
    look_at(page, "node-who", width)


def test_children_placed_here_are_shown_with_who_is_missing(
    visit: Visit, width: str, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = ChildRecord("77", "A801200005001", "2010-01-01", "100001", "foster_other", "full_care_order", "2020-02-03")
    answer = LookupAnswer(
        lookup_id="L-" + "0" * 32,
        sender="node-302",
        receiver=node.party.member_id,
        authority="302",
        outcome=LookupOutcome.ANSWERED,
        code="",
        text="",
        policy_version="p",
        snapshot="s",
        as_of=whole_seconds(node.clock()),
        contact="the virtual school of 302",
        fields=(),
        children=(child,),
    )
    found = LookupResult(answer.lookup_id, (answer,), (Missing("node-316", "316", "has not answered in time"),))
    monkeypatch.setattr(placed_here, "ask_others", lambda *_: found)
    page = visit("vsh", "/placed-here")
    page.get_by_label("Why do you need this list?").fill("Termly review")
    page.keyboard.press("Enter")
    page.get_by_text("Newham (316): Has not answered in time.").wait_for()
    look_at(page, "node-placed-here", width)


def test_an_officer_reads_the_log_and_no_children(visit: Visit, width: str) -> None:
    page = visit("ig", "/audit")
    page.get_by_role("heading", name="Audit log").wait_for()
    assert page.get_by_role("link", name="My children").count() == 0
    look_at(page, "node-log", width)
    page.goto(page.url.replace("/audit", "/children"))
    page.get_by_text("your role does not have them").wait_for()

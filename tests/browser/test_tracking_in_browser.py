"""The tracking pages in a real browser: a virtual school head updates a target of a child educated elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from federation.lookups import ChildSought
from node.lookups.errand import LookupResult
from node.lookups.one_child import ask_one_child
from node.pages import one_child
from node.service import Node, open_node
from node.sign_in import issue_code
from node.tracking.facts import Attainment, Attendance, Fact, Plan, StartingPoint, Step, Support, Target, TimeAway
from node.tracking.store import add_entries, read_record
from node.vault import read_vault
from tests.browser.looking import AT_DESKTOP, look_at, look_at_each_width
from tests.browser.serving import serve_node
from tests.node.lookups.test_lookups import ASKER, PaperRelay
from tests.node.lookups.test_one_child import HOME
from tests.small_federation import MovableClock, SmallFederation, copy_federation

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

Visit = Callable[[str, str], "Page"]

TODAY = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
FACTS: tuple[Fact, ...] = (
    StartingPoint(subject="english", grade="WTS", assessed_on=date(2023, 11, 6)),
    StartingPoint(subject="mathematics", grade="PKS", assessed_on=date(2023, 11, 6)),
    Target(term="202425-summer", subject="english", target="EXS", expected="WTS"),
    Target(term="202526-summer", subject="english", target="EXS"),
    Target(term="202526-summer", subject="mathematics", target="PKS"),
    Attainment(term="202324-summer", subject="english", grade="WTS"),
    Attainment(term="202425-summer", subject="english", grade="EXS"),
    Attainment(term="202425-summer", subject="mathematics", grade="WTS"),
    Plan(term="202526-autumn", meeting_date=date(2025, 11, 3), completed_date=date(2025, 11, 10), quality="good"),
    Support(kind="tuition", start_date=date(2025, 9, 8), target_subject="english", premium=True),
    Attendance(term="202526-autumn", possible=140, authorised=12, unauthorised=4),
    Attendance(term="202526-spring", possible=118, authorised=10, unauthorised=0),
    TimeAway(cause="suspension", start_date=date(2025, 10, 6), end_date=date(2025, 10, 7)),
    Step(topic="ambition", on=date(2025, 11, 12), step="challenged", owner="school", due=date(2025, 11, 26)),
)


def elsewhere(node: Node) -> tuple[str, str]:
    """A child of ours who is educated in another authority: row token and number."""
    snapshot = node.store.current()
    assert snapshot is not None
    rows = read_vault(
        {"children": snapshot.identified["children"]},
        "SELECT child, la_child_id FROM children WHERE care_end IS NULL AND host_authority = $host "
        "AND dob BETWEEN '2010-01-01' AND '2017-01-01' "
        "AND academic_year = (SELECT max(academic_year) FROM children) ORDER BY la_child_id LIMIT 1",
        {"host": ASKER},
    )
    ((token, number),) = rows
    return token, number


@pytest.fixture(scope="module")
def federation(pristine_federation: SmallFederation, tmp_path_factory: pytest.TempPathFactory) -> SmallFederation:
    return copy_federation(pristine_federation, tmp_path_factory.mktemp("tracked") / "federation")


@pytest.fixture(scope="module")
def node(federation: SmallFederation) -> Node:
    node = open_node(federation.directory / f"node-{HOME}", MovableClock(TODAY))
    with node.database.transaction() as connection:
        given = {"by": "staff", "role": "virtual_school_staff", "reason": "Autumn plan"}
        add_entries(connection, elsewhere(node)[0], 0, FACTS, at=node.clock(), **given)
    return node


@contextmanager
def serving(node: Node) -> Iterator[str]:
    """Serve a node's pages, at the address that is given."""
    with serve_node(node) as place:
        yield place


@pytest.fixture(scope="module")
def address(node: Node) -> Iterator[str]:
    with serving(node) as served:
        yield served


@pytest.fixture(scope="module")
def host_address(federation: SmallFederation) -> Iterator[str]:
    with serving(federation.node(ASKER)) as served:
        yield served


def sign_in(page: "Page", address: str, node: Node, person: str) -> None:
    page.goto(f"{address}/sign-in#{issue_code(node, person)}")
    page.get_by_role("button", name="Use the code").click()


@pytest.fixture
def visit(page: "Page", address: str, node: Node) -> Visit:
    """Signs a person in and opens the caseload."""

    def open_path(person: str, path: str) -> "Page":
        sign_in(page, address, node, person)
        page.goto(address + path)
        page.get_by_label("Why do you need this list?").fill("Termly review")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Tracking", exact=True).wait_for()
        return page

    return open_path


@pytest.fixture
def host_visit(page: "Page", host_address: str, federation: SmallFederation) -> Visit:
    """Signs a person of the host authority in, and opens a page there."""

    def open_path(person: str, path: str) -> "Page":
        sign_in(page, host_address, federation.node(ASKER), person)
        page.goto(host_address + path)
        return page

    return open_path


def open_child(page: "Page") -> None:
    """Open the page of the one child in the caseload of whom anything was set down."""
    row = page.get_by_role("row").filter(has_text="conversation late")
    row.get_by_role("button").click()
    page.get_by_role("heading", name="Calls for attention").wait_for()


def test_the_head_updates_a_target_of_a_child_educated_elsewhere(visit: Visit, width: str, node: Node) -> None:
    page = visit("vsh", "/tracking")
    look_at(page, "tracking-caseload", width)
    open_child(page)
    assert page.locator("dd", has_text=elsewhere(node)[1]).count() == 1
    look_at(page, "tracking-child", width)
    before = page.get_by_role("button", name="Change target").count()
    page.get_by_role("button", name="Change target summer 2025/26 mathematics").click()
    page.get_by_label("Target", exact=True).select_option("EXS")
    look_at(page, "tracking-form", width)
    page.get_by_role("button", name="Set down").click()
    page.get_by_role("alert").wait_for()
    look_at(page, "tracking-form-error", width)
    page.get_by_label("Why?").fill("Agreed with the school")
    page.get_by_role("button", name="Set down").click()
    page.get_by_text("It is kept with your name and reason").wait_for()
    assert page.evaluate("document.activeElement.getAttribute('role')") == "alert"
    assert page.get_by_role("button", name="Change target").count() == before
    page.get_by_role("button", name="In plain language, for the young person").click()
    page.get_by_role("heading", name="What you are working towards").wait_for()
    look_at(page, "tracking-plain", width)


def test_the_host_reads_the_record_and_cannot_change_it(
    host_visit: Visit, width: str, node: Node, federation: SmallFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The head of the virtual school where the child goes to school: no button, and a forged form names nobody."""
    host = federation.node(ASKER)
    head = host.find_person("vsh")

    def ask(_: object, purpose: str, sought: ChildSought, whose: str, at: str) -> LookupResult:
        return ask_one_child(host, PaperRelay(federation), head, purpose, sought, whose=whose, at=at, patience=1)

    monkeypatch.setattr(one_child, "ask_authority", ask)
    page = host_visit("vsh", "/child")
    page.get_by_label("The home authority's own number").fill(elsewhere(node)[1])
    page.get_by_label("Another authority's: a child in its care").check()
    page.get_by_label("The other authority's code").fill(node.authority)
    page.get_by_label("Why do you ask?").fill("Visit to the school")
    page.get_by_role("button", name="Find the child").click()
    page.get_by_role("heading", name="Tracking record").wait_for()
    page.get_by_role("heading", name="Conversation with the school").wait_for()
    assert page.get_by_role("button", name="Change").count() == 0
    look_at(page, "tracking-host", width)
    before = read_record(node.database.connection, elsewhere(node)[0]).version
    token = page.locator("input[name=form_token]").first.input_value()
    fields: dict[str, str | float | bool] = {
        "form_token": token,
        "purpose": "Forged",
        "child": "0" * 32,
        "kind": "target",
        "version": "14",
    }
    forged = page.request.post(page.url.replace("/child", "/tracking/update"), form=fields)
    assert forged.status == 404
    assert read_record(node.database.connection, elsewhere(node)[0]).version == before


@AT_DESKTOP
def test_views_of_all_children_fit_their_window(visit: Visit) -> None:
    page = visit("vsh", "/tracking")
    for button, name in (("What has changed", "changes"), ("By school", "schools"), ("Progress of all", "cohort")):
        page.get_by_role("button", name=button).click()
        page.get_by_role("heading", name=button, exact=True).wait_for()
        look_at_each_width(page, f"tracking-{name}")


def test_the_childs_page_prints_on_one_sheet(visit: Visit, node: Node) -> None:
    """On paper there is no form, no button, and nothing is cut off at the side."""
    page = visit("vsh", "/tracking")
    open_child(page)
    page.emulate_media(media="print")
    assert page.get_by_role("button", name="Go on").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    if page.viewport_size and page.viewport_size["width"] > 1000:
        assert page.pdf(format="A4").count(b"/Type /Page\n") == 1

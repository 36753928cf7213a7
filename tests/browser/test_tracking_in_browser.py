"""The tracking pages in a real browser: a virtual school head updates a target of a child educated elsewhere."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from werkzeug.serving import make_server

from node.app import create_app
from node.service import Node, open_node
from node.sign_in import issue_code
from node.tracking.facts import Attainment, Attendance, Fact, Plan, StartingPoint, Step, Support, Target, TimeAway
from node.tracking.store import add_entries
from node.vault import read_vault
from tests.browser.looking import look_at
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
        "SELECT child, la_child_id FROM children WHERE care_end IS NULL AND host_authority <> $home "
        "AND dob BETWEEN '2010-01-01' AND '2017-01-01' "
        "AND academic_year = (SELECT max(academic_year) FROM children) ORDER BY la_child_id LIMIT 1",
        {"home": node.authority},
    )
    ((token, number),) = rows
    return token, number


@pytest.fixture(scope="module")
def node(pristine_federation: SmallFederation, tmp_path_factory: pytest.TempPathFactory) -> Node:
    copied = copy_federation(pristine_federation, tmp_path_factory.mktemp("tracked") / "federation")
    node = open_node(copied.directory / f"node-{copied.authorities[0]}", MovableClock(TODAY))
    with node.database.transaction() as connection:
        given = {"by": "staff", "role": "virtual_school_staff", "reason": "Autumn plan"}
        add_entries(connection, elsewhere(node)[0], 0, FACTS, at=node.clock(), **given)
    return node


@pytest.fixture(scope="module")
def address(node: Node) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, create_app(node))

    def serve() -> None:
        server.serve_forever()
        node.database.close()

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
    node.database.close()


@pytest.fixture
def visit(page: "Page", address: str, node: Node) -> Visit:
    """Signs a person in and opens the caseload."""

    def open_path(person: str, path: str) -> "Page":
        page.goto(f"{address}/sign-in#{issue_code(node, person)}")
        page.get_by_role("button", name="Use the code").click()
        page.goto(address + path)
        page.get_by_label("Why do you need this list?").fill("Termly review")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Tracking", exact=True).wait_for()
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
    page.get_by_role("status").wait_for()
    assert page.get_by_role("button", name="Change target").count() == before
    page.get_by_role("button", name="In plain language, for the young person").click()
    page.get_by_role("heading", name="What you are working towards").wait_for()
    look_at(page, "tracking-plain", width)


def test_views_of_all_children_fit_their_window(visit: Visit, width: str) -> None:
    page = visit("vsh", "/tracking")
    for button, name in (("What has changed", "changes"), ("By school", "schools"), ("Progress of all", "cohort")):
        page.get_by_role("button", name=button).click()
        page.get_by_role("heading", name=button, exact=True).wait_for()
        look_at(page, f"tracking-{name}", width)


def test_the_childs_page_prints_on_two_sheets(visit: Visit, node: Node) -> None:
    """On paper there is no form, no button, and nothing is cut off at the side."""
    page = visit("vsh", "/tracking")
    open_child(page)
    page.emulate_media(media="print")
    assert page.get_by_role("button", name="Go on").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    if page.viewport_size and page.viewport_size["width"] > 1000:
        sheets = page.pdf(format="A4").count(b"/Type /Page\n")
        assert 1 <= sheets <= 2

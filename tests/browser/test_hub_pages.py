"""The hub's pages in a real browser: they look right, work by keyboard alone, and fit a narrow telephone."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import pytest

from hub.app import create_app
from hub.sign_in import issue_code
from tests.browser.looking import AT_DESKTOP, EVERY, click_through, look_at, look_at_each_width
from tests.browser.serving import serve_app
from tests.hub.pages.kept_releases import find_release_id, keep_model, withdraw
from tests.hub.played_federation import NODES, SQL, PlayedFederation, found_federation

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

WRONG_SQL = """SELECT sex, COUNT(DISTINCT child) AS children
FROM child_year
WHERE kee_stage = 'key_stage_4'
GROUP BY sex"""
VIEWED_SQL = """SELECT key_stage, COUNT(DISTINCT child) AS children, AVG(attendance_rate) AS attendance,
  AVG(CASE WHEN persistent_absentee THEN 1 ELSE 0 END) AS absent, MEDIAN(months_in_care) AS median_months
FROM child_year
WHERE academic_year = 202425 AND counted_here AND population = 'looked_after'
GROUP BY key_stage
HAVING children > 40
ORDER BY children DESC
LIMIT 12"""
OUTLINE = "element => { const style = getComputedStyle(element); return style.outlineStyle + style.boxShadow }"

Visit = Callable[[str, str], "Page"]


@pytest.fixture
def visit(address: str, page: "Page", federation: PlayedFederation) -> Visit:
    """Signs a member in, unless the name is empty, and opens a path; the window is closed before the hub is."""

    def open_path(member: str, path: str) -> "Page":
        return open_as(member, page, federation, address + path)

    return open_path


def open_as(member: str, page: "Page", federation: PlayedFederation, url: str) -> "Page":
    """Open a page of the hub, once a member has signed in there, unless the name is empty."""
    if member:
        page.goto(urljoin(url, f"/sign-in#{issue_code(federation.hub, member)}"))
        page.get_by_role("button", name="Use the code").click()
    page.goto(url)
    return page


@dataclass(frozen=True)
class LivelyHub:
    """A hub that is served, with queries in every state: whoever looks at its pages changes nothing but sessions."""

    federation: PlayedFederation
    address: str
    history: dict[str, str]


@pytest.fixture(scope="module")
def lively(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivelyHub]:
    federation = found_federation(tmp_path_factory.mktemp("lively"))
    history = make_history(federation)
    with serve_app(create_app(federation.hub), federation.hub.database) as address:
        yield LivelyHub(federation, address, history)
    federation.hub.database.close()


def make_history(federation: PlayedFederation) -> dict[str, str]:
    """Have a query in every state that a visitor may come upon, by the name of the state."""
    released = federation.start()
    federation.refuse(federation.answer(released, "node-301", "node-303"), "node-302")
    withdrawn = federation.answer(federation.start(), "node-301", "node-302", "node-303")
    withdraw(federation, withdrawn)
    refused = federation.start()
    for node in NODES:
        federation.refuse(refused, node, "plan_differs", "the question is planned otherwise here")
    viewed = federation.answer(federation.start(VIEWED_SQL), "node-301", "node-302", "node-303")
    return {
        "viewed": viewed,
        "drafted": federation.draft(),
        "submitted": federation.sign(federation.draft(), "ana", "cho"),
        "running": federation.answer(federation.start(), "node-301"),
        "refused": refused,
        "released": released,
        "model": keep_model(federation),
        "cited": find_release_id(federation, released),
        "withdrawn": withdrawn,
    }


@AT_DESKTOP
@pytest.mark.parametrize(
    ("name", "member", "path"),
    [
        ("home", "", "/"),
        ("home-signed-in", "ana", "/"),
        ("sign-in", "", "/sign-in"),
        ("catalogue", "", "/catalogue"),
        ("catalogue-table", "", "/catalogue/child_year"),
        ("catalogue-factor", "", "/catalogue/child_year?factor=attendance"),
        ("catalogue-tables-of-factor", "", "/catalogue?factor=attendance"),
        ("queries", "ana", "/queries"),
        ("asking", "ana", "/queries/new"),
        ("query-drafted", "ana", "/queries/{drafted}"),
        ("query-submitted", "dev", "/queries/{submitted}"),
        ("query-running", "ana", "/queries/{running}"),
        ("query-refused", "ana", "/queries/{refused}"),
        ("query-released", "ana", "/queries/{released}"),
        ("release", "ana", "/queries/{released}/release"),
        ("release-view", "ana", "/queries/{viewed}/release"),
        ("release-whole", "ana", "/queries/{viewed}/release?whole=yes"),
        ("release-model", "ana", "/queries/{model}/release"),
        ("release-cited", "", "/releases/{cited}"),
        ("release-withdrawn", "ana", "/queries/{withdrawn}/release"),
        ("compare", "ana", "/compare?first={released}&second={viewed}"),
        ("asking-next", "ana", "/queries/new?next={released}"),
        ("audit", "eve", "/audit"),
        ("breach", "eve", "/breach"),
        ("not-found", "", "/nowhere"),
        ("not-allowed", "ana", "/audit"),
    ],
)
def test_each_page_fits_its_window(lively: LivelyHub, page: "Page", name: str, member: str, path: str) -> None:
    """No page scrolls sideways, and no page has anything to complain of in the console."""
    open_as(member, page, lively.federation, lively.address + path.format(**lively.history))
    look_at_each_width(page, name, EVERY)


def test_a_question_is_asked_from_form_to_draft(visit: Visit, width: str) -> None:
    """A refusal is shown at its place; mended, the plan is shown; and the draft says what makes it a submission."""
    page = visit("ana", "/queries/new")
    page.get_by_label("Purpose").fill("How many children there are by sex")
    page.get_by_label("Academic year").select_option("202425")
    page.get_by_label("Rows of each authority").check()
    page.get_by_label("Question in SQL").fill(WRONG_SQL)
    click_through(page.get_by_role("button", name="Check the question"))
    look_at(page, "asking-refused", width, EVERY)
    assert "Line 3, column 7" in page.locator("main").inner_text()

    page.get_by_role("link", name="The query is refused").click()
    assert page.evaluate("document.activeElement.id") == "sql"
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(SQL)
    click_through(page.get_by_role("button", name="Check the question"))
    look_at(page, "asking-review", width)
    click_through(page.get_by_role("button", name="Draft the query"))
    assert re.search(r"circe query sign --state YOUR-DIRECTORY Q-[0-9a-f]{16}", page.locator("main").inner_text())
    look_at(page, "asking-drafted", width)


def test_the_form_can_be_sent_by_keyboard_alone(visit: Visit, width: str) -> None:
    """Tab reaches the skip link first, then every field in order, and Enter sends the form."""
    page = visit("ana", "/queries/new")
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to main content"
    look_at(page, "skip-link", width)
    page.keyboard.press("Enter")
    reached = list(tab_through(page, 16))
    total = ["epsilon", "dropouts", "colluders", "mechanism"]
    first = ["project", "purpose", "academic_year", "term", "preset", "path"]
    assert reached == [*first, *total, "sql", "summary", "summary", "button"]


def tab_through(page: "Page", most: int) -> Iterator[str]:
    """Press Tab and yield what has the focus, a field by its name, as far as the form's button."""
    for _ in range(most):
        page.keyboard.press("Tab")
        focus = page.locator(":focus")
        tag = str(focus.evaluate("element => element.tagName.toLowerCase()"))
        assert focus.evaluate(OUTLINE) != "nonenone", f"the focus on {tag} cannot be seen"
        yield tag if tag in ("summary", "button") else str(focus.get_attribute("name"))
        if tag == "button":
            return

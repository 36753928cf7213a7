"""The page of figures in a real browser: what a director sees of all our children, and of a school with few of them."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from node.service import Node
from node.setting_up import enter_person
from node.sign_in import issue_code
from tests.browser.looking import look_at
from tests.browser.serving import serve_node
from tests.node.figures.conftest import AUTHORITY, list_schools
from tests.small_federation import SmallFederation, copy_federation

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

Ask = Callable[..., "Page"]


@pytest.fixture(scope="module")
def node(pristine_federation: SmallFederation, tmp_path_factory: pytest.TempPathFactory) -> Node:
    federation = copy_federation(pristine_federation, tmp_path_factory.mktemp("figures") / "federation")
    found = federation.node(AUTHORITY)
    enter_person(found.party.directory, "director", "director_of_childrens_services", "Director")
    return found


@pytest.fixture(scope="module")
def address(node: Node) -> Iterator[str]:
    with serve_node(node) as served:
        yield served


@pytest.fixture
def ask(page: "Page", address: str, node: Node) -> Ask:
    """Signs the director in, fills in the form as it is labelled, and sends it."""
    page.goto(f"{address}/sign-in#{issue_code(node, 'director')}")
    page.get_by_role("button", name="Use the code").click()

    def fill(**chosen: str) -> "Page":
        page.goto(f"{address}/figures")
        page.get_by_label("Figure", exact=True).select_option("placements")
        page.get_by_label("Academic year").select_option("202425")
        page.get_by_label("Split by").select_option(chosen.get("by", ""))
        if "school" in chosen:
            page.get_by_label("Or of those at one school").fill(chosen["school"])
        page.get_by_label("Why do you need it?").fill(chosen.get("purpose", "Annual report"))
        page.get_by_role("button", name="Show the figure").click()
        return page

    return fill


def test_a_director_reads_a_figure_split_and_what_stands_beside_it(ask: Ask, width: str) -> None:
    """Every count by itself in a line that fits 320 pixels, c where it is withheld, and England with its source."""
    page = ask(by="sex")
    page.get_by_role("heading", name="All children in our care, by sex").wait_for()
    figures = page.get_by_role("table").first
    lines = figures.get_by_role("rowheader").all_inner_texts()
    assert {"Female", "Male", "All"} <= set(lines)
    shares = [each for each in figures.get_by_role("cell").all_inner_texts() if each.endswith("%")]
    assert shares
    beside = page.get_by_role("table", name="England and our region")
    assert beside.get_by_role("rowheader").all_inner_texts()[-1] == "England"
    assert "published for 2024/25" in beside.inner_text().lower()
    assert "?" not in page.url
    look_at(page, "figures-split", width)
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_school_with_few_children_has_its_reason_said(ask: Ask, node: Node, width: str) -> None:
    page = ask(school=str(list_schools(node)[-1][0]))
    page.get_by_text("Nothing can be shown.").wait_for()
    assert page.get_by_role("heading", name="All children in our care").count() == 1
    look_at(page, "figures-school", width)


def test_what_cannot_be_asked_is_said_at_its_field(ask: Ask, width: str) -> None:
    page = ask(purpose="")
    page.get_by_role("alert").wait_for()
    assert page.get_by_label("Split by").input_value() == ""
    look_at(page, "figures-form-error", width)

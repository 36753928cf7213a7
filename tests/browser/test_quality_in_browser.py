"""The page of `circe node quality` in a real browser, opened from its file as an officer opens it."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from federation.cli import run
from node.setting_up import create_node, enter_person
from tests.browser.looking import AT_DESKTOP, EVERY, find_barriers, look_at, look_at_each_width

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def quality_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a node whose schools and loads made every mistake that synthetic England knows."""
    place = tmp_path_factory.mktemp("quality")
    england, state, page = place / "england", place / "state", place / "quality.html"
    wanted = [
        "--authorities",
        "203,301,316",
        "--full",
        "--dirty",
        "--returns-errors",
        "--seed",
        "5",
        "--format",
        "json",
    ]
    assert run(["synth", str(england), *wanted]) == 0
    create_node(state, "203")
    enter_person(state, "vsh", "virtual_school_head", "Virtual school head")
    files = [str(england / "203"), str(england / "register")]
    assert run(["node", "load", "--state", str(state), "--format", "json", *files]) == 0
    asked = ["--as", "vsh", "--purpose", "Correcting the summer census", "--page", str(page)]
    assert run(["node", "quality", "--state", str(state), *asked]) == 0
    return page


@AT_DESKTOP
def test_the_page_fits_its_window(page: "Page", quality_page: Path) -> None:
    """No scrolling sideways at 320 pixels, no faint text, no complaint: its own policy lets its stylesheet in."""
    page.goto(quality_page.as_uri())
    look_at_each_width(page, "quality")
    assert page.evaluate("getComputedStyle(document.body).fontFamily").startswith("arial")


def test_a_school_is_reached_from_the_list_of_calls(page: "Page", quality_page: Path) -> None:
    """The list of schools leads to what is to be said to each."""
    page.goto(quality_page.as_uri())
    link = page.locator("#schools + table a").nth(1)
    name = link.inner_text()
    link.click()
    target = page.evaluate("decodeURIComponent(location.hash)")
    assert page.locator(f"h3{target}").inner_text() == name
    assert page.locator(f"h3{target}").bounding_box()["y"] < 900  # type: ignore[index]


def test_the_page_prints(page: "Page", quality_page: Path) -> None:
    """On paper the header and the links are black, and nothing is cut off at the side."""
    page.goto(quality_page.as_uri())
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.querySelector('main a')).color") == "rgb(0, 0, 0)"
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@AT_DESKTOP
def test_what_bars_somebodys_way_is_found(page: "Page") -> None:
    """Of what is looked for on every page, one example: else a broken search would find every page good."""
    page.set_content('<html lang="en"><title>A page</title><main><h1>A page</h1><input name="nameless"></main></html>')
    (barrier,) = find_barriers(page)
    assert barrier.startswith('label: <input name="nameless">')


@AT_DESKTOP
def test_what_is_too_wide_for_a_telephone_is_found(page: "Page") -> None:
    """A page that fits a desktop is looked at again in the narrow window, though it is loaded once."""
    page.set_content('<html lang="en"><title>A page</title><main style="width: 600px"><h1>A page</h1></main></html>')
    look_at(page, "wide", "desktop", EVERY)
    with pytest.raises(AssertionError, match="wide"):
        look_at_each_width(page, "wide", EVERY)

"""Looking at a page: at which widths, what is kept of it, whether its words stand out, and whom it would keep out."""

import os
from collections.abc import Collection
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.house.test_page_kit import UNSTYLED

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

SCREENSHOTS = Path(__file__).parents[1] / "screenshots"
PICTURES = "CIRCE_PICTURES" in os.environ
"""Whether a picture is kept of every page that is looked at, for people: it takes longer than all that is checked."""

WIDTHS = {"desktop": 1280, "narrow": 320}
"""A desktop, and the narrowest screen that WCAG 2.2 asks for (1.4.10)."""

HEIGHT = 900
"""How high a window is at every width, in pixels."""

AT_DESKTOP = pytest.mark.parametrize("width", ["desktop"])
"""Has a test that looks at each width by itself begin with the first."""

FAINT_TEXTS = """() => {
    const numbers = colour => colour.match(/[0-9.]+/g).map(Number);
    const light = colour => {
        const [red, green, blue] = numbers(colour).map(part => part / 255)
            .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const behind = element => {
        const colour = element ? getComputedStyle(element).backgroundColor : "rgb(255, 255, 255)";
        return element && numbers(colour)[3] === 0 ? behind(element.parentElement) : colour;
    };
    return [...document.body.querySelectorAll("*")].filter(element => {
        if (![...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim())) return false;
        const [low, high] = [light(getComputedStyle(element).color), light(behind(element))].sort((a, b) => a - b);
        return (high + 0.05) / (low + 0.05) < 4.5;
    }).map(element => element.outerHTML.slice(0, 80));
}"""
"""The elements whose own text has a contrast under 4.5 to 1 with what is behind it (WCAG 1.4.3)."""

STRANGE_CLASSES = """unstyled => {
    const rules = sheet => [...sheet.cssRules].flatMap(
        rule => [rule.selectorText ?? "", ...rule.cssRules ? rules(rule) : []]);
    const styled = new Set([...document.styleSheets].flatMap(rules).join(" ").match(/(?<=\\.)[a-z][\\w-]*/g));
    const used = [...document.body.querySelectorAll("[class]:not(svg *)")].flatMap(element => [...element.classList]);
    return [...new Set(used)].filter(name => !styled.has(name) && !unstyled.includes(name));
}"""
"""The classes of a page that none of its stylesheets has a rule for; in a chart a plain line is one without a rule."""

GRAVE = ("serious", "critical")
EVERY = ("minor", "moderate", *GRAVE)
"""How much each thing that axe finds is in somebody's way, in its words."""

AXE_OPTIONS = {
    "resultTypes": ["violations"],
    "preload": False,
    "rules": {"color-contrast": {"enabled": "CIRCE_DEEP" in os.environ}},
}
"""Its rule of contrast takes most of the time, and is laxer than our own, which every page is held to."""


def click_through(control: "Locator") -> None:
    """Click what leads to another page, and go on when that page is read: a click alone may end on the page before."""
    with control.page.expect_event("domcontentloaded"):
        control.click()


def keep_picture(page: "Page", name: str) -> None:
    """Keep a picture of a page as it stands, where somebody wants pictures."""
    if PICTURES:
        page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


def look_at(page: "Page", name: str, width: str, impacts: Collection[str] = GRAVE) -> None:
    """Check the width of the page, its classes, that all its text stands out, and what axe finds."""
    page.wait_for_load_state()
    keep_picture(page, f"{name}-{width}")
    assert page.evaluate("document.documentElement.scrollWidth") <= WIDTHS[width], name
    assert page.evaluate(STRANGE_CLASSES, sorted(UNSTYLED)) == [], name
    assert page.evaluate(FAINT_TEXTS) == [], name
    assert find_barriers(page, impacts) == [], name


def look_at_each_width(page: "Page", name: str, impacts: Collection[str] = GRAVE) -> None:
    """Look at a page in windows of every width, of which it is loaded once: it is laid out anew."""
    for width, pixels in WIDTHS.items():
        page.set_viewport_size({"width": pixels, "height": HEIGHT})
        look_at(page, name, width, impacts)


@cache
def read_axe() -> str:
    """The source of axe-core, which a package for tests carries (under the Mozilla Public License 2.0)."""
    return resources.files("axe_playwright_python").joinpath("axe.min.js").read_text()


def find_barriers(page: "Page", impacts: Collection[str] = GRAVE) -> list[str]:
    """What axe-core finds on a page that is so much in somebody's way: its rule, and where."""
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(read_axe())
    found = page.evaluate("options => axe.run(document, options)", AXE_OPTIONS)["violations"]
    grave = [(rule["id"], node) for rule in found if rule["impact"] in impacts for node in rule["nodes"]]
    return [f"{rule}: {node['html'][:120]} {node['failureSummary']}" for rule, node in grave]

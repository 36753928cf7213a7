"""Debian's Chromium, driven by Playwright, in windows of two widths; and a hub of its own to look at."""

import shutil
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from hub.app import create_app
from tests.browser.looking import WIDTHS
from tests.browser.serving import serve_app
from tests.browser.windows import open_window
from tests.hub.played_federation import PlayedFederation, found_federation

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture
def federation(tmp_path: Path) -> Iterator[PlayedFederation]:
    """A small federation with nothing asked yet."""
    founded = found_federation(tmp_path)
    yield founded
    founded.hub.database.close()


@pytest.fixture
def address(federation: PlayedFederation) -> Iterator[str]:
    """The address at which the federation's hub serves its pages."""
    with serve_app(create_app(federation.hub), federation.hub.database) as place:
        yield place


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """One headless Chromium with a profile of its own."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (Debian package chromium)")
    playwright_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (extra browser)")
    pytest.importorskip("axe_playwright_python", reason="axe-core is not installed (extra browser)")
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(params=WIDTHS)
def width(request: pytest.FixtureRequest) -> str:
    """The name of a width."""
    return str(request.param)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Leave the last page as its test ends: the server is stopped next, and would cut off what still loads."""
    try:
        return (yield)
    finally:
        if "page" in pyfuncitem.funcargs:
            cast("Page", pyfuncitem.funcargs["page"]).close()


@pytest.fixture
def page(browser: "Browser", width: str) -> Iterator["Page"]:
    """A fresh window, whose console is empty in the end."""
    with open_window(browser, width) as window:
        yield window

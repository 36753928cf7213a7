"""Debian's Chromium, driven by Playwright, in windows of two widths; and a hub of its own to look at."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from werkzeug.serving import make_server

from hub.app import create_app
from tests.browser.looking import WIDTHS
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


EXPECTED = ("the server responded with a status of", "publicKey.pubKeyCredParams is missing")
"""What a browser may complain of: a page that was refused, and that we take no passkeys by RSA."""


@pytest.fixture
def federation(tmp_path: Path) -> Iterator[PlayedFederation]:
    """A small federation with nothing asked yet."""
    founded = found_federation(tmp_path)
    yield founded
    founded.hub.database.close()


@pytest.fixture
def address(federation: PlayedFederation) -> Iterator[str]:
    """The address at which the federation's hub serves its pages."""
    server = make_server("127.0.0.1", 0, create_app(federation.hub))
    thread = threading.Thread(target=_serve, args=(server.serve_forever, federation))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def _serve(serve_forever: object, federation: PlayedFederation) -> None:
    """Serve in this thread, whose connection to the database is closed here too."""
    assert callable(serve_forever)
    serve_forever()
    federation.hub.database.close()


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


@pytest.fixture
def page(browser: "Browser", width: str) -> Iterator["Page"]:
    """A fresh browser window; anything in its console but the status of a refused page fails the test."""
    context = browser.new_context(viewport={"width": WIDTHS[width], "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    said: list[tuple[str, str]] = []
    page.on("console", lambda message: said.append((message.type, message.text)))
    page.on("pageerror", lambda error: said.append(("error", str(error))))
    yield page
    context.close()
    complaints = [text for kind, text in said if kind in ("error", "warning")]
    assert [text for text in complaints if not any(known in text for known in EXPECTED)] == []

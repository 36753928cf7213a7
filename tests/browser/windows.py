"""Fresh windows of the browser; anything in their console but the status of a refused page fails the test."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.browser.looking import HEIGHT, WIDTHS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

EXPECTED = ("the server responded with a status of", "publicKey.pubKeyCredParams is missing")
"""What a browser may complain of: a page that was refused, and that we take no passkeys by RSA."""


@contextmanager
def open_window(browser: "Browser", width: str) -> Iterator["Page"]:
    """Open a window in which nobody has been yet."""
    context = browser.new_context(viewport={"width": WIDTHS[width], "height": HEIGHT}, reduced_motion="reduce")
    page = context.new_page()
    said: list[tuple[str, str]] = []
    page.on("console", lambda message: said.append((message.type, message.text)))
    page.on("pageerror", lambda error: said.append(("error", str(error))))
    try:
        yield page
    finally:
        context.close()
    complaints = [text for kind, text in said if kind in ("error", "warning")]
    unexpected = [text for text in complaints if not any(known in text for known in EXPECTED)]
    assert unexpected == [], unexpected

"""Browsers that are played: each has signed in at the hub, and opens one page after another.

A view is timed from the request to the last byte of the page, whatever lies between: where a worker is killed
meanwhile, the browser asks again, and the time runs on.
"""

import re
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse
from random import Random
from urllib.parse import urlencode, urlsplit

from hub.bench.played_england import PROJECT
from hub.bench.played_nodes import RETRY_SECONDS
from hub.bench.played_researchers import Timings

__all__ = ["OFFICERS_PAGES", "RESEARCHERS_PAGES", "Browser", "ViewFailed"]

PATIENCE = 30.0

RESEARCHERS_PAGES = (
    *("/", "/queries", "/queries/{query}", "/queries/{query}", "/queries/new"),
    *("/queries/{released}/release", "/queries/{released}/release", "/queries/{released}/release"),
    *("/catalogue", "/catalogue/child_year", "/projects", f"/projects/{PROJECT}"),
)
"""What a researcher looks at, the more often the more often it is here."""

OFFICERS_PAGES = ("/", "/queries", "/nodes", "/audit", "/queries/{query}", "/projects")
"""What an information governance officer of the hub looks at."""

Answer = tuple[int, str, Mapping[str, str]]


class ViewFailed(Exception):
    """A page was not shown; the text says which, and with what status it was answered."""


@dataclass
class Browser:
    """One member's browser. What it may open of queries is what their asker has been told of."""

    address: str
    pages: Sequence[str]
    draw: Random
    pause: float
    stop: threading.Event
    timings: Timings
    queries: list[str]
    """The ids of queries to look at; they grow while it browses."""

    released: list[str] = field(default_factory=list)
    _cookie: str = ""
    _line: HTTPConnection | None = None

    def sign_in(self, code: str) -> None:
        """Use a sign-in code up."""
        _, page, headers = self._send("GET", "/sign-in")
        self._keep_cookie(headers)
        token = re.search(r'name="form_token" value="([0-9a-f]{64})"', page)
        form = urlencode({"form_token": token[1] if token else "", "code": code})
        status, _, headers = self._send("POST", "/sign-in", form)
        if status != 303:
            raise ViewFailed(f"/sign-in: {status}")
        self._keep_cookie(headers)

    def browse(self) -> None:
        """Open pages until told to stop."""
        try:
            self._browse()
        finally:
            self.close()

    def _browse(self) -> None:
        while not self.stop.wait(self.draw.uniform(0.5, 1.5) * self.pause):
            page = self.draw.choice(self.pages)
            if (path := self._choose(page)) is None:
                continue
            begun = time.monotonic()
            status, shown, headers = self._send("GET", path)
            self.timings.append((page, time.monotonic() - begun))
            if status != 200:
                raise ViewFailed(f"{path}: {status}")
            self._keep_cookie(headers)
            if page == "/queries/{query}" and f'href="{path}/release"' in shown:
                self.released.append(path.rpartition("/")[2])

    def _choose(self, page: str) -> str | None:
        """An address of a page; none where there is no such thing yet."""
        known = self.released if "{released}" in page else self.queries if "{query}" in page else [""]
        return page.format(query=self.draw.choice(known), released=self.draw.choice(known)) if known else None

    def _send(self, method: str, path: str, body: str = "") -> Answer:
        """Send a request until it is answered."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return self._send_once(method, path, body)
            except (OSError, HTTPException):
                self.close()
                if time.monotonic() > deadline:
                    raise
                self.stop.wait(RETRY_SECONDS)

    def _send_once(self, method: str, path: str, body: str) -> Answer:
        if self._line is None:
            self._line = HTTPConnection(urlsplit(self.address).netloc, timeout=PATIENCE)
        cookie = {"Cookie": self._cookie} if self._cookie else {}
        self._line.request(method, path, body, {"Content-Type": "application/x-www-form-urlencoded", **cookie})
        response: HTTPResponse = self._line.getresponse()
        return response.status, response.read().decode(), dict(response.getheaders())

    def _keep_cookie(self, headers: Mapping[str, str]) -> None:
        if cookie := headers.get("Set-Cookie"):
            self._cookie = cookie.partition(";")[0]

    def close(self) -> None:
        """Close the connection."""
        if self._line is not None:
            self._line.close()
            self._line = None

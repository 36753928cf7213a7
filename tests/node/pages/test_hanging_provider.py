"""A provider whose token endpoint hangs, or drips, holds a few threads of the node for a short time, and no more.

The provider is a real server at a port of this machine. Each test has one bound that can end an exchange, so that it is
this one that did, however slow the machine is.
"""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from federation.lines import Bounds
from federation.state import write_file
from federation.web.site import MOST_FAILURES
from node import providers
from node.pages.providers import MOST_AT_A_TIME
from node.providers import PROVIDERS_FILE
from node.service import Node

EVER = 600
PATIENT = Bounds(seconds=EVER, silence=EVER, size=4096)
SILENCED = Bounds(seconds=EVER, silence=0.5, size=4096)
OVER_SOON = Bounds(seconds=1, silence=EVER, size=4096)


@dataclass
class SlowProvider:
    """A provider that describes itself at once, and gives tokens never, or a byte at a time."""

    drips: bool = False
    goes_on: threading.Event = field(default_factory=threading.Event)
    """Set when the test is over."""

    asked: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    """Released by each request for tokens that has come in."""

    address: str = ""


@pytest.fixture
def slow(node: Node, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowProvider]:
    """The slow provider, entered at the node."""
    monkeypatch.setattr(providers, "PATIENCE", PATIENT)
    provider = SlowProvider()

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            named = {name: f"{provider.address}/{name}" for name in ("authorization_endpoint", "token_endpoint")}
            said = json.dumps({"issuer": provider.address, "jwks_uri": provider.address, **named}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def do_POST(self) -> None:
            provider.asked.release()
            while provider.drips and not provider.goes_on.wait(0.05):
                try:
                    self.wfile.write(b"H")
                except OSError:
                    return
            provider.goes_on.wait()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        provider.address = f"http://127.0.0.1:{server.server_port}"
        (node.party.directory / PROVIDERS_FILE).write_text(
            f'[[provider]]\nname = "work"\ntitle = "work"\nshape = "plain"\nissuer = "{provider.address}"\n'
            'client_id = "circe"\n[[provider.account]]\nsubject = "s-1"\nperson = "vsh"\n'
        )
        write_file(node.party.directory / "provider-work.secret", b"a secret of ours\n")
        threading.Thread(target=server.serve_forever, args=(0.05,)).start()
        yield provider
        provider.goes_on.set()
        server.shutdown()


@pytest.fixture
def begin(app: Flask, slow: SlowProvider) -> Callable[[], tuple[FlaskClient, str]]:
    """Begins to sign in, and returns the browser with the address that the provider would send it back to."""

    def leave() -> tuple[FlaskClient, str]:
        client = app.test_client()
        place = client.get("/sign-in/with/work").headers["Location"]
        assert place.startswith(slow.address)
        (state,) = parse_qs(urlsplit(place).query)["state"]
        return client, f"/sign-in/with/work/back?code=abc&state={state}"

    return leave


def test_a_few_wait_for_a_provider_that_hangs_and_everybody_else_is_served(
    app: Flask, slow: SlowProvider, begin: Callable[[], tuple[FlaskClient, str]]
) -> None:
    browsers = [begin() for _ in range(MOST_AT_A_TIME)]
    late, back = begin()
    with ThreadPoolExecutor(MOST_AT_A_TIME) as threads:
        waiting = [threads.submit(client.get, path) for client, path in browsers]
        for _ in waiting:
            assert slow.asked.acquire(timeout=20)
        # None of them gives up by itself: the provider hangs up on them when everybody else has been served.
        turned_away = [late.get(back) for _ in range(2)]
        assert app.test_client().get("/sign-in").status_code == 200
        assert not any(each.done() for each in waiting)
        slow.goes_on.set()
        answers: list[TestResponse] = [each.result(timeout=20) for each in waiting]
    assert [each.status_code for each in turned_away] == [503, 503]
    assert "reload the page" in turned_away[0].text
    assert [(each.status_code, "did not answer" in each.text) for each in answers] == [(503, True)] * MOST_AT_A_TIME


def test_whoever_found_no_place_has_used_nothing_up(
    app: Flask, slow: SlowProvider, begin: Callable[[], tuple[FlaskClient, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reloading the page asks the provider, which it would not if the state were spent; its silence has a bound."""
    client, back = begin()
    places = app.extensions["provider_places"]
    taken = [places.acquire(blocking=False) for _ in range(MOST_AT_A_TIME)]
    assert all(taken)
    assert client.get(back).status_code == 503
    assert not slow.asked.acquire(blocking=False)
    for _ in taken:
        places.release()
    monkeypatch.setattr(providers, "PATIENCE", SILENCED)
    assert "did not answer" in client.get(back).text
    assert not slow.goes_on.is_set()
    assert slow.asked.acquire(timeout=20)
    assert client.get(back).status_code == 403, "the state is used up by the attempt"


def test_a_provider_that_sends_a_byte_now_and_then_has_no_longer(
    slow: SlowProvider, begin: Callable[[], tuple[FlaskClient, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    slow.drips = True
    client, back = begin()
    monkeypatch.setattr(providers, "PATIENCE", OVER_SOON)
    answer = client.get(back)
    assert (answer.status_code, "did not answer" in answer.text) == (503, True)
    assert slow.asked.acquire(timeout=20)
    assert not slow.goes_on.is_set()


def test_a_silent_provider_shuts_nobody_out(
    begin: Callable[[], tuple[FlaskClient, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An office behind one address has done nothing wrong, however often its provider says nothing."""
    browsers = [begin() for _ in range(MOST_FAILURES + 1)]
    monkeypatch.setattr(providers, "PATIENCE", Bounds(seconds=0.02, silence=0.02, size=4096))
    assert [client.get(back).status_code for client, back in browsers] == [503] * len(browsers)

"""The hub's pages through Flask's test client, and what a reader of their HTML notices."""

import re
from collections.abc import Callable, Mapping

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from hub.app import create_app
from hub.sign_in import issue_code
from tests.described import hold_answers
from tests.hub.pages.kept_releases import find_release_id
from tests.hub.played_federation import PlayedFederation

Browse = Callable[[str], FlaskClient]
Send = Callable[..., TestResponse]


@pytest.fixture
def app(federation: PlayedFederation) -> Flask:
    """The application of the federation's hub."""
    return hold_answers(create_app(federation.hub), "hub")


@pytest.fixture
def send() -> Send:
    """Sends a form as its page does: see `send_form`."""
    return send_form


def send_form(
    client: FlaskClient, path: str, fields: Mapping[str, str] | None = None, shown: str | None = None
) -> TestResponse:
    """Send a form as its page does: with the token that the page at `shown` (or `path`) carries."""
    page = client.get(shown or path).text
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', page)
    token = found[1] if found else ""
    return client.post(path, data={"form_token": token, **(fields or {})})


@pytest.fixture
def browse(app: Flask, federation: PlayedFederation) -> Browse:
    """Returns the browser of a member who has signed in, or of nobody when the name is empty."""
    return browse_at(app, federation)


def browse_at(app: Flask, federation: PlayedFederation) -> Browse:
    """Return what opens the browser of a member who has signed in, or of nobody when the name is empty."""

    def open_browser(member: str) -> FlaskClient:
        client = app.test_client()
        if member:
            signed_in = send_form(client, "/sign-in", {"code": issue_code(federation.hub, member)})
            assert signed_in.status_code == 303
        return client

    return open_browser


@pytest.fixture
def asked(federation: PlayedFederation) -> dict[str, str]:
    """Ana's queries, one in each state: see `ask_in_every_state`."""
    return ask_in_every_state(federation)


def ask_in_every_state(federation: PlayedFederation) -> dict[str, str]:
    """Have Ana ask queries, one in each state, by the name of the state; and the id of what was released."""
    released = federation.start()
    federation.refuse(federation.answer(released, "node-301", "node-303"), "node-302")
    return {
        "drafted": federation.draft(),
        "submitted": federation.sign(federation.draft(), "ana", "cho"),
        "running": federation.answer(federation.start(), "node-301"),
        "released": released,
        "release": find_release_id(federation, released),
    }

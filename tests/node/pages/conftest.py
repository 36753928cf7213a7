"""A node's pages through Flask's test client, at a node of a loaded small federation."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from node.app import create_app
from node.service import Node
from node.setting_up import enter_person
from node.sign_in import issue_code
from tests.described import hold_answers
from tests.small_federation import SmallFederation, copy_federation

Browse = Callable[[str], FlaskClient]
Send = Callable[..., TestResponse]

PEOPLE = {
    "staff": ("virtual_school_staff", None),
    "teacher": ("designated_teacher", 100001),
    "director": ("director_of_childrens_services", None),
    "ig": ("ig_officer", None),
}
"""Besides `vsh` and `admin`, who are there already."""


@pytest.fixture(scope="session")
def peopled_federation(
    pristine_federation: SmallFederation, tmp_path_factory: pytest.TempPathFactory
) -> SmallFederation:
    """A federation whose first authority has people of every kind; made once and never changed."""
    federation = copy_federation(pristine_federation, tmp_path_factory.mktemp("peopled"))
    for person, (role, school) in PEOPLE.items():
        enter_person(federation.directory / f"node-{federation.authorities[0]}", person, role, person.title(), school)
    return federation


@pytest.fixture
def federation(peopled_federation: SmallFederation, tmp_path: Path) -> SmallFederation:
    """A small federation of the test's own."""
    return copy_federation(peopled_federation, tmp_path / "federation")


@pytest.fixture
def node(federation: SmallFederation) -> Node:
    """The node of the first authority, with people of every kind."""
    return federation.node(federation.authorities[0])


@pytest.fixture
def app(node: Node) -> Flask:
    return hold_answers(create_app(node), "node")


@pytest.fixture
def send() -> Send:
    """Sends a form as its page does: with the token that the page at `shown` (or `path`) carries."""

    def post(
        client: FlaskClient, path: str, fields: Mapping[str, str] | None = None, shown: str | None = None
    ) -> TestResponse:
        found = re.search(r'name="form_token" value="([0-9a-f]{64})"', client.get(shown or path).text)
        return client.post(path, data={"form_token": found[1] if found else "", **(fields or {})})

    return post


@pytest.fixture
def browse(app: Flask, node: Node, send: Send) -> Browse:
    """Returns the browser of one of the people, signed in, or of nobody when the name is empty."""

    def open_browser(person: str) -> FlaskClient:
        client = app.test_client()
        if person:
            assert send(client, "/sign-in", {"code": issue_code(node, person)}).status_code == 303
        return client

    return open_browser

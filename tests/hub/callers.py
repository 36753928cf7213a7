"""Members at the hub's doors: signed requests through Flask's test client, and what every refusal must look like."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from flask import Flask
from werkzeug.test import TestResponse

from federation.http_signatures import sign_request
from federation.keys import MemberKeys
from federation.problems import PROBLEM_TYPE
from hub.app import create_app
from tests.described import hold_answers
from tests.hub.played_federation import HUB_ADDRESS, PlayedFederation


@dataclass
class Callers:
    """Everybody of a small federation, in front of the hub's application."""

    federation: PlayedFederation
    app: Flask

    def keys(self, member: str) -> MemberKeys:
        return self.federation.parties[member].keys

    def sign(
        self, method: str, path: str, keys: MemberKeys, body: bytes = b"", at: datetime | None = None
    ) -> dict[str, str]:
        """The headers that sign a request."""
        return dict(sign_request(method, HUB_ADDRESS + path, body, keys, at or self.federation.clock()))

    def send(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> TestResponse:
        """Send a request as it stands."""
        return self.app.test_client().open(path, method=method, base_url=HUB_ADDRESS, data=body, headers=headers or {})

    def call(self, member: str, method: str, path: str, body: bytes = b"") -> TestResponse:
        """Send a request that a member has signed."""
        return self.send(method, path, body, self.sign(method, path, self.keys(member), body))


def gather(federation: PlayedFederation) -> Callers:
    """Put everybody in front of the hub's doors."""
    return Callers(federation, hold_answers(create_app(federation.hub), "hub"))


def assert_problem(response: TestResponse, status: int, code: str = "") -> None:
    """A refusal is a problem document (RFC 9457) of this status, and of this code where one is given."""
    assert response.status_code == status, response.data[:300]
    assert response.content_type == PROBLEM_TYPE
    problem = json.loads(response.data)
    assert problem.keys() == {"type", "title", "status", "detail", "code"}
    assert problem["status"] == status
    assert problem["detail"]
    if code:
        assert problem["code"] == code, problem
    assert "Traceback" not in response.text

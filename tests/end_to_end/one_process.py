"""A whole federation in one process: the hub's application, the nodes' polls and the people's clients.

They meet over signed requests, as they do over a network, by a clock that the test moves; what is left out is the wire.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import pytest
from flask import Flask

from federation.client import FederationClient
from federation.exchange import QueryDraft, QueryState
from federation.lines import Answer, Bounds, Lines
from federation.state import Party
from federation.transport import HubConnection
from hub import bell
from hub.app import create_app
from hub.projects import keep_project
from hub.service import Hub, open_hub
from node.budget_statement import StatedBudget
from node.desk import Desk
from node.polling import poll_once
from node.schedule import Schedule
from tests.projects import make_project
from tests.small_federation import SmallFederation

HUB = "http://127.0.0.1:9"


class ShortLines(Lines):
    """Lines that end in the application itself."""

    address = HUB

    def __init__(self, app: Flask) -> None:
        super().__init__(HUB, None)
        self._app = app

    def send(self, method: str, path: str, body: bytes, headers: Mapping[str, str], bounds: Bounds) -> Answer:
        client = self._app.test_client()
        response = client.open(path, method=method, base_url=self.address, data=body, headers=dict(headers))
        found = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, found, response.data)


class OneProcess:
    """The members of a small federation: who asks, who approves, and nodes that poll when the test lets them."""

    def __init__(self, federation: SmallFederation, presets: Iterable[str] = ("opensafely",)) -> None:
        self.federation, self.clock = federation, federation.clock
        self.hub: Hub = open_hub(federation.directory / "hub", federation.clock)
        askers = ("ana@ucl", "rae@la-316")
        keep_project(self.hub, make_project("attendance", askers, tuple(presets)))
        self.app = create_app(self.hub)
        self.nodes = {code: federation.node(code) for code in federation.authorities}
        self._stated = {code: StatedBudget() for code in self.nodes}

    def connect(self, party: Party) -> HubConnection:
        """A member's connection, with the application itself at its other end."""
        connection = HubConnection(HUB, party.ring, clock=self.clock)
        connection._lines = ShortLines(self.app)
        return connection

    def client(self, member: str) -> FederationClient:
        """A person's own software."""
        party = self.federation.party(member)
        return FederationClient(party, self.connect(party), self.clock)

    def submit(self, draft: QueryDraft, asker: str = "ana@ucl") -> str:
        """Have a question asked and approved; returns its id."""
        with self.client(asker) as client:
            query_id = client.submit(draft).query_id
        for officer in ("officer@la-203", "officer@dfe"):
            with self.client(officer) as approver:
                approver.sign(approver.review(query_id))
        return query_id

    def poll(self, *authorities: str) -> None:
        """Let nodes ask once what is waiting, deal with it, and say so with their next poll."""
        for code in authorities:
            hub, desk = self.connect(self.nodes[code].party), Desk()
            self._stated[code].renew(self.nodes[code], hub)
            for _ in range(2):
                poll_once(self.nodes[code], hub, Schedule(), desk)
                desk.answer_due()
            hub.close()

    def state(self, query_id: str, asker: str = "ana@ucl") -> QueryState:
        """Where a question stands."""
        with self.client(asker) as client:
            return client.status(query_id).state

    def close(self) -> None:
        """Close what was opened."""
        self.hub.close()
        for node in self.nodes.values():
            node.database.close()


@contextmanager
def answering_at_once() -> Iterator[None]:
    """Polls that wait for nothing: whoever has nothing to do hears so immediately."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(bell, "MOST_WAIT_SECONDS", 0.0)
        yield

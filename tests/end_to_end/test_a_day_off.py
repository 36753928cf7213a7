"""A node that is off for a day catches up: what is still open is answered, what has expired is refused or gone.

The hub's application, the nodes' polls and the people's client meet in this process, over signed requests, by a clock
that the test moves.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta

import msgspec
import pytest
from flask import Flask

from audit.event import Action
from audit.log import read_entries
from audit.verifier import verify_log
from federation.client import FederationClient
from federation.envelope import decode_base64, write_envelope
from federation.exchange import QueryDraft, QueryState
from federation.lines import Answer, Bounds, Lines
from federation.register import Register, read_signed_register, sign_register
from federation.root import open_root
from federation.state import Party
from federation.transport import HubConnection, HubRefused
from hub import service
from hub.app import create_app
from hub.projects import Project, add_project
from hub.service import Hub, open_hub
from node.answering import answer_manifest
from node.polling import Finished, poll_once
from node.schedule import Schedule
from node.service import Node
from tests.end_to_end.test_interruptions import DRAFT
from tests.small_federation import SmallFederation, read_reply

HUB = "http://127.0.0.1:9"
AN_HOUR, A_DAY = timedelta(hours=1), timedelta(days=1)


class ShortLines(Lines):
    """Lines that end in the application itself."""

    def __init__(self, app: Flask) -> None:
        super().__init__(HUB, None)
        self._app = app

    def send(self, method: str, path: str, body: bytes, headers: Mapping[str, str], bounds: Bounds) -> Answer:
        client = self._app.test_client()
        response = client.open(path, method=method, base_url=HUB, data=body, headers=dict(headers))
        found = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, found, response.data)


class Day:
    """A federation in one process: who asks, who approves, and nodes that poll when the test lets them."""

    def __init__(self, federation: SmallFederation) -> None:
        self.federation, self.clock = federation, federation.clock
        self.hub: Hub = open_hub(federation.directory / "hub", federation.clock)
        project = Project("attendance", "Attendance", frozenset({"ana@ucl"}), frozenset({"opensafely"}))
        add_project(self.hub, project)
        self.app = create_app(self.hub)
        self.nodes = {code: federation.node(code) for code in federation.authorities}

    def connect(self, party: Party) -> HubConnection:
        """A member's connection, with the application itself at its other end."""
        connection = HubConnection(HUB, party.ring, clock=self.clock)
        connection._lines = ShortLines(self.app)
        return connection

    def client(self, member: str) -> FederationClient:
        party = self.federation.party(member)
        return FederationClient(party, self.connect(party), self.clock)

    def ask(self, purpose: str, hours: int) -> str:
        """Have a question asked and approved; returns its id."""
        draft: QueryDraft = msgspec.structs.replace(DRAFT, purpose=purpose, valid_hours=hours)
        with self.client("ana@ucl") as ana:
            query_id = ana.submit(draft).query_id
        for officer in ("officer@la-203", "officer@dfe"):
            with self.client(officer) as approver:
                approver.sign(approver.review(query_id))
        return query_id

    def poll(self, *authorities: str) -> None:
        """Let nodes ask once what is waiting, deal with it, and say so with their next poll."""
        for code in authorities:
            hub, finished = self.connect(self.nodes[code].party), Finished()
            for _ in range(2):
                poll_once(self.nodes[code], hub, Schedule(), finished)
            hub.close()

    def state(self, query_id: str) -> QueryState:
        with self.client("ana@ucl") as ana:
            return ana.status(query_id).state

    def outcomes(self, query_id: str) -> dict[str, tuple[str, str]]:
        """What each authority's node said: its outcome and the code of its reason."""
        with self.client("ana@ucl") as ana:
            return {node.authority: (node.outcome, node.code) for node in ana.status(query_id).nodes}


@pytest.fixture
def day(federation: SmallFederation, monkeypatch: pytest.MonkeyPatch) -> Iterator[Day]:
    monkeypatch.setattr(service, "MOST_WAIT_SECONDS", 0.0)
    begun = Day(federation)
    yield begun
    begun.hub.close()


def replies(node: Node) -> list[str]:
    """The queries that a node has answered, by its log."""
    return [
        entry.to_event().reference for entry in read_entries(node.database.connection, action=Action.QUERY_ANSWERED)
    ]


def test_a_node_that_was_off_for_a_day_catches_up(day: Day) -> None:
    """Two questions were asked meanwhile: one has expired, without it; the other has waited for it."""
    off, *others = day.federation.authorities
    short, long = day.ask("Open for an hour", 1), day.ask("Open for two days", 48)
    day.poll(*others)
    day.clock.move(A_DAY)
    day.poll(others[0])
    assert day.state(short) is QueryState.RELEASED
    assert day.outcomes(short)[off] == ("awaited", "")
    assert day.state(long) is QueryState.RUNNING
    day.poll(off)
    assert replies(day.nodes[off]) == [long]
    assert day.state(long) is QueryState.RELEASED
    assert {outcome for outcome, _ in day.outcomes(long).values()} == {"answered"}
    for party, connection in [
        (day.hub.party, day.hub.database.connection),
        *((node.party, node.database.connection) for node in day.nodes.values()),
    ]:
        verify_log(connection, party.member_id, party.keys.public_log_key)


def test_a_question_that_expired_in_its_hands_is_refused(day: Day) -> None:
    """The node took it out of its inbox, and was off before it had begun; or a hub hands it out late all the same."""
    off = day.federation.authorities[0]
    query_id = day.ask("Open for an hour", 1)
    (delivery,) = day.connect(day.nodes[off].party).fetch_inbox(wait=0).deliveries
    day.clock.move(A_DAY)
    reply = read_reply(_answer(day.nodes[off], delivery.body))
    assert (reply.outcome, reply.code) == ("refused", "expired")
    assert replies(day.nodes[off]) == []
    day.poll(off)
    assert day.state(query_id) is QueryState.UNFINISHED


def test_an_answer_that_comes_too_late_does_no_harm(day: Day) -> None:
    """It was ready when the node went off: the hub takes it no more, and the node is done with it."""
    off, *others = day.federation.authorities
    query_id = day.ask("Open for an hour", 1)
    day.poll(*others)
    hub = day.connect(day.nodes[off].party)
    (delivery,) = hub.fetch_inbox(wait=0).deliveries
    reply = _answer(day.nodes[off], delivery.body)
    day.clock.move(A_DAY)
    day.poll(others[0])
    before = day.outcomes(query_id)
    with pytest.raises(HubRefused, match="no reply is awaited"):
        hub.send_reply(reply)
    day.poll(off)
    assert day.outcomes(query_id) == before
    assert before[off] == ("awaited", "")


def test_a_register_that_ran_out_meanwhile_is_fetched_first(day: Day) -> None:
    """A node off for longer than its register is good for begins with the hub's, and answers then."""
    off = day.federation.authorities[0]
    before = day.nodes[off].register().version
    day.clock.move(timedelta(days=31))
    _renew_register(day)
    query_id = day.ask("Asked after the renewal", 1)
    day.poll(*day.federation.authorities)
    assert day.nodes[off].register().version == before + 1
    assert day.outcomes(query_id)[off] == ("answered", "")


def _answer(node: Node, body: str) -> bytes:
    reply = answer_manifest(node, decode_base64(body))
    assert reply is not None
    return reply


def _renew_register(day: Day) -> None:
    """Have the root sign the same members for another month, and the hub adopt it."""
    root = open_root(day.federation.directory / "root")
    path = day.federation.directory / "register.json"
    old = read_signed_register(path.read_bytes(), root.public_key)
    now = day.clock().replace(microsecond=0)
    renewed: Register = msgspec.structs.replace(
        old, version=old.version + 1, issued_at=now, expires_at=now + timedelta(days=30)
    )
    path.write_bytes(write_envelope(sign_register(renewed, root)))
    day.hub.party.adopt_register(path.read_bytes(), day.clock())

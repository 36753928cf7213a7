"""A node that is off for a day catches up: what is still open is answered, what has expired is refused or gone.

Everybody meets in this process, by a clock that the test moves.
"""

from collections.abc import Iterator
from datetime import timedelta

import msgspec
import pytest

from audit.event import Action
from audit.log import read_entries
from audit.verifier import verify_log
from federation.envelope import decode_base64, write_envelope
from federation.exchange import QueryDraft, QueryState
from federation.hub_line import HubRefused
from federation.register import Register, read_signed_register, sign_register
from federation.root import open_root
from node.answering import answer_manifest
from node.service import Node
from tests.end_to_end.one_process import OneProcess, answering_at_once
from tests.end_to_end.test_interruptions import DRAFT
from tests.small_federation import SmallFederation, read_reply

AN_HOUR, A_DAY = timedelta(hours=1), timedelta(days=1)


class Day(OneProcess):
    """A federation whose nodes poll when the test lets them."""

    def ask(self, purpose: str, hours: int) -> str:
        """Have a question asked and approved; returns its id."""
        draft: QueryDraft = msgspec.structs.replace(DRAFT, purpose=purpose, valid_hours=hours)
        return self.submit(draft)

    def outcomes(self, query_id: str) -> dict[str, tuple[str, str]]:
        """What each authority's node said: its outcome and the code of its reason."""
        with self.client("ana@ucl") as ana:
            return {node.authority: (node.outcome, node.code) for node in ana.status(query_id).nodes}


@pytest.fixture
def day(federation: SmallFederation) -> Iterator[Day]:
    with answering_at_once():
        begun = Day(federation)
        yield begun
        begun.close()


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

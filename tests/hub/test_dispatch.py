"""What waits for each node, and which replies the hub takes in."""

from base64 import b64decode
from datetime import timedelta

import msgspec
import pytest

from audit.event import Action
from audit.log import read_entries
from federation.envelope import read_envelope
from federation.exchange import MOST_AT_ONCE, DeliveryKind, QueryState
from federation.manifest import MANIFEST_TYPE, Outcome, check_approvals, check_asker, read_manifest
from federation.problems import ProblemRaised
from federation.replies import LONGEST_TEXT
from hub.dispatch import accept_reply, deliver, finish_deliveries, has_deliveries, read_inbox
from hub.drafting import draft_query
from hub.service import open_hub
from hub.settling import settle_due
from tests.hub.played_federation import NODES, PlayedFederation
from tests.hub.replies import outcomes_of, status_of, write_reply
from tests.hub.test_drafts import DRAFT


def accept(federation: PlayedFederation, node: str, data: bytes) -> str:
    return accept_reply(federation.hub, federation.member(node), data).query_id


def refusal_of(federation: PlayedFederation, node: str, data: bytes) -> tuple[int, str]:
    with pytest.raises(ProblemRaised) as refused:
        accept(federation, node, data)
    return refused.value.problem.status, refused.value.problem.code


def waiting_for(federation: PlayedFederation, node: str) -> list[int]:
    """The numbers of what waits for a node."""
    inbox = read_inbox(federation.hub, federation.member(node), federation.clock())
    return [delivery.delivery_id for delivery in inbox.deliveries]


def start_for(federation: PlayedFederation, *roster: str) -> str:
    """Have a query of some of the nodes drafted, submitted and approved."""
    draft = msgspec.structs.replace(DRAFT, roster=roster)
    return federation.sign(draft_query(federation.hub, draft, federation.member("ana")), "ana", "cho", "dev")


# --- The inbox -----------------------------------------------------------------------------------------------------


def test_every_node_of_the_roster_finds_the_approved_manifest(federation: PlayedFederation) -> None:
    """The exact bytes with the three signatures; a node that is not in the roster finds nothing."""
    query_id = start_for(federation, "node-301", "node-303")
    for node in ("node-301", "node-303"):
        (delivery,) = read_inbox(federation.hub, federation.member(node), federation.clock()).deliveries
        envelope = read_envelope(b64decode(delivery.body), MANIFEST_TYPE)
        manifest, register, now = read_manifest(envelope), federation.hub.register(), federation.clock()
        assert (delivery.kind, manifest.query_id) == (DeliveryKind.MANIFEST, query_id)
        check_approvals(envelope, check_asker(manifest, envelope, register, now), register, now)
    assert waiting_for(federation, "node-302") == []
    assert not has_deliveries(federation.hub, federation.member("node-302"), federation.clock())


def test_nothing_is_offered_before_it_is_approved(federation: PlayedFederation) -> None:
    federation.sign(federation.draft(), "ana", "cho")
    assert [waiting_for(federation, node) for node in NODES] == [[], [], []]


def test_the_inbox_outlives_the_hub(federation: PlayedFederation) -> None:
    """Opened again on the same state, the hub has the same deliveries under the same numbers."""
    federation.start()
    before = [waiting_for(federation, node) for node in NODES]
    federation.hub.database.close()
    reopened = open_hub(federation.hub.party.directory, federation.clock)
    member = reopened.register().find("node-302", federation.clock())
    inbox = read_inbox(reopened, member, federation.clock())
    assert [delivery.delivery_id for delivery in inbox.deliveries] == before[1] != []
    reopened.close()


def test_queries_stand_in_no_ones_way(federation: PlayedFederation) -> None:
    """However many wait: each may take a node a minute. What is returned is in the order in which it was put there."""
    later = federation.clock() + timedelta(hours=1)
    kinds = [DeliveryKind.MANIFEST] * (MOST_AT_ONCE + 1) + [DeliveryKind.SUM] * 2
    with federation.hub.database.transaction() as connection:
        for kind in kinds:
            deliver(connection, kind, {"node-301": b"something"}, reference="what it is about", expires_at=later)
    inbox = read_inbox(federation.hub, federation.member("node-301"), federation.clock())
    assert [each.kind for each in inbox.deliveries] == kinds[3:]
    assert waiting_for(federation, "node-301") == sorted(waiting_for(federation, "node-301"))


def test_a_delivery_is_finished_by_its_receiver_alone(federation: PlayedFederation) -> None:
    """Another node's word changes nothing; the receiver's, given twice, is no error."""
    federation.start()
    (number,) = waiting_for(federation, "node-301")
    finish_deliveries(federation.hub, federation.member("node-302"), [number])
    assert waiting_for(federation, "node-301") == [number]
    for _ in range(2):
        finish_deliveries(federation.hub, federation.member("node-301"), [number])
    assert waiting_for(federation, "node-301") == []
    assert len(waiting_for(federation, "node-302")) == 1


def test_what_a_node_is_at_work_on_stays_in_its_inbox_and_is_not_handed_out(federation: PlayedFederation) -> None:
    """Others are; and so is it, once the node does not say so any more, as after it was stopped."""
    federation.start()
    hub, node, now = federation.hub, federation.member("node-301"), federation.clock()
    (first,) = waiting_for(federation, "node-301")
    assert not has_deliveries(hub, node, now, [first, first + 100])
    assert read_inbox(hub, node, now, [first]).deliveries == ()
    federation.start(purpose="A second question")
    assert has_deliveries(hub, node, now, [first])
    (second,) = read_inbox(hub, node, now, [first]).deliveries
    assert waiting_for(federation, "node-301") == [first, second.delivery_id]


def test_what_has_expired_is_not_offered_and_is_deleted(federation: PlayedFederation) -> None:
    federation.start()
    federation.clock.advance(timedelta(hours=168))
    assert waiting_for(federation, "node-301") == []
    assert not has_deliveries(federation.hub, federation.member("node-301"), federation.clock())
    settle_due(federation.hub, federation.clock())
    left = federation.hub.database.connection.execute("SELECT count(*) FROM deliveries").fetchone()
    assert left[0] == 0


# --- Replies -------------------------------------------------------------------------------------------------------


def test_the_same_reply_twice_counts_once(federation: PlayedFederation) -> None:
    """Also after the release, when the node has not heard that it had arrived."""
    query_id = federation.start()
    reply = write_reply(federation, query_id, "node-301")
    for _ in range(2):
        assert accept(federation, "node-301", reply) == query_id
    federation.answer(query_id, "node-302", "node-303")
    assert status_of(federation, query_id).state is QueryState.RELEASED
    assert accept(federation, "node-301", reply) == query_id
    answered = list(read_entries(federation.hub.database.connection, action=Action.QUERY_ANSWERED))
    assert len(answered) == len(NODES)


def test_a_second_reply_by_the_same_node_is_ignored(federation: PlayedFederation) -> None:
    """The first word counts, whether the second takes it back or says it louder."""
    query_id = federation.start()
    refused = {"outcome": Outcome.REFUSED, "code": "history_full", "table": None}
    accept(federation, "node-301", write_reply(federation, query_id, "node-301"))
    accept(federation, "node-301", write_reply(federation, query_id, "node-301", refused))
    accept(federation, "node-302", write_reply(federation, query_id, "node-302", refused))
    accept(federation, "node-302", write_reply(federation, query_id, "node-302"))
    assert outcomes_of(federation, query_id) == ["answered", "refused", "awaited"]


def test_a_node_outside_the_roster_has_no_say(federation: PlayedFederation) -> None:
    """It is told that there is no such query, and its reply neither counts nor releases anything."""
    query_id = start_for(federation, "node-301", "node-302")
    reply = write_reply(federation, query_id, "node-303")
    assert refusal_of(federation, "node-303", reply) == (404, "query_unknown")
    federation.clock.advance(timedelta(hours=168))
    settle_due(federation.hub, federation.clock())
    assert status_of(federation, query_id).state is QueryState.UNFINISHED


@pytest.mark.parametrize(
    "changes", [{"query_id": f"Q-{'0' * 16}"}, {"manifest_digest": "0" * 64}], ids=lambda c: str(*c)
)
def test_a_reply_to_no_query_of_the_hub_is_refused(federation: PlayedFederation, changes: dict[str, str]) -> None:
    reply = write_reply(federation, federation.start(), "node-301", changes)
    assert refusal_of(federation, "node-301", reply) == (404, "query_unknown")


def test_a_reply_that_names_another_query_is_refused(federation: PlayedFederation) -> None:
    """Digest and id belong to one query, or the reply belongs to none."""
    asked, other = federation.start(), federation.start()
    reply = write_reply(federation, asked, "node-301", {"query_id": other})
    assert refusal_of(federation, "node-301", reply) == (404, "query_unknown")
    assert outcomes_of(federation, asked) == outcomes_of(federation, other) == ["awaited"] * 3


@pytest.mark.parametrize(
    ("changes", "signers", "refusal"),
    [
        ({"node": "node-302"}, ("node-301",), (403, "reply_of_another")),
        ({"authority": "302"}, ("node-301",), (403, "reply_of_another")),
        ({}, ("node-302",), (400, "reply_malformed")),
        ({}, ("node-302", "node-301"), (400, "reply_malformed")),
        ({"snapshot": "S" * 201}, ("node-301",), (422, "not_loggable")),
        ({"snapshot": "A123456789012"}, ("node-301",), (422, "not_loggable")),
        ({"outcome": Outcome.REFUSED, "code": "a_123456789012", "table": None}, ("node-301",), (422, "not_loggable")),
    ],
    ids=["another node", "another authority", "another's key", "two signatures", "long snapshot", "number", "its code"],
)
def test_a_reply_that_is_not_the_nodes_own_is_refused(
    federation: PlayedFederation, changes: dict[str, object], signers: tuple[str, ...], refusal: tuple[int, str]
) -> None:
    query_id = federation.start()
    reply = write_reply(federation, query_id, "node-301", changes, signers=signers)
    assert refusal_of(federation, "node-301", reply) == refusal
    assert outcomes_of(federation, query_id) == ["awaited"] * 3


@pytest.mark.parametrize("signers", [(), ("ana",), ("ana", "cho")], ids=["drafted", "submitted", "approved once"])
def test_a_reply_before_approval_is_refused(federation: PlayedFederation, signers: tuple[str, ...]) -> None:
    query_id = federation.sign(federation.draft(), *signers)
    assert refusal_of(federation, "node-301", write_reply(federation, query_id, "node-301")) == (409, "not_awaited")


def test_a_reply_after_the_time_is_up_is_refused(federation: PlayedFederation) -> None:
    """At once, and after the hub has settled the query: what was released is what there is."""
    query_id = federation.start()
    late = write_reply(federation, query_id, "node-302")
    federation.answer(query_id, "node-301")
    federation.clock.advance(timedelta(hours=168))
    for _ in range(2):
        assert refusal_of(federation, "node-302", late) == (409, "not_awaited")
        settle_due(federation.hub, federation.clock())
    assert status_of(federation, query_id).state is QueryState.RELEASED
    assert outcomes_of(federation, query_id) == ["answered", "awaited", "awaited"]


def test_a_nodes_own_words_are_shown_on_one_short_line(federation: PlayedFederation) -> None:
    """They end up in terminals and on pages, so nothing in them can move a cursor or fill a screen."""
    query_id = federation.start()
    words = {"outcome": Outcome.REFUSED, "code": "held", "table": None, "text": "\x1b[2Jwait\nfor‮me" + "!" * 5000}
    accept(federation, "node-301", write_reply(federation, query_id, "node-301", words))
    text = status_of(federation, query_id).nodes[0].text
    assert text.startswith(" [2Jwait for me!!")
    assert len(text) == LONGEST_TEXT


def test_a_reply_takes_its_delivery_along(federation: PlayedFederation) -> None:
    """The node need not say in a request of its own that it is done with it; the other nodes' stay."""
    query_id = federation.start()
    federation.answer(query_id, "node-301")
    assert [len(waiting_for(federation, node)) for node in NODES] == [0, 1, 1]
    other = federation.start(purpose="Another question of the same")
    federation.answer(query_id, "node-302")
    assert [len(waiting_for(federation, node)) for node in NODES] == [1, 1, 2]
    federation.refuse(other, "node-302")
    assert [len(waiting_for(federation, node)) for node in NODES] == [1, 0, 2]


def test_several_deliveries_are_finished_at_once(federation: PlayedFederation) -> None:
    for purpose in ("One question", "Another", "A third"):
        federation.start(purpose=purpose)
    first, second, third = waiting_for(federation, "node-301")
    finish_deliveries(federation.hub, federation.member("node-301"), [third, first, first, 10**9])
    assert waiting_for(federation, "node-301") == [second]

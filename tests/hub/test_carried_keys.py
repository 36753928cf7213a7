"""The hub carries the nodes' sealing keys: each node's own, newest, and none for anybody who has been revoked."""

from datetime import datetime, timedelta

import pytest

from federation.envelope import Envelope, write_envelope
from federation.exchange import LookupBatch
from federation.key_ring import hold_fresh_key
from federation.problems import ProblemRaised
from federation.sealing import SEALED_BYTES, SealedRecords
from federation.sealing_keys import WEEK, sign_sealing_key
from federation.transport import encode_records
from federation.wire import whole_seconds
from hub import dispatch, relay, sealing_keys
from tests.hub.played_federation import PlayedFederation

DAY = timedelta(days=1)


def make_key(federation: PlayedFederation, node: str, start: datetime | None = None, signer: str = "") -> Envelope:
    moment = start or whole_seconds(federation.clock())
    keys = federation.parties[signer or node].keys
    return sign_sealing_key(node, hold_fresh_key(keys.sealing_seed, moment, moment + WEEK), keys)


def publish(federation: PlayedFederation, node: str, key: Envelope) -> None:
    sealing_keys.publish_key(federation.hub, federation.member(node), write_envelope(key))


def carried(federation: PlayedFederation) -> list[Envelope]:
    return list(sealing_keys.list_keys(federation.hub).keys)


def test_every_nodes_newest_key_is_handed_out(federation: PlayedFederation) -> None:
    first = [make_key(federation, node) for node in ("node-301", "node-302")]
    for node, key in zip(("node-301", "node-302"), first, strict=True):
        publish(federation, node, key)
        publish(federation, node, key)
    assert carried(federation) == first
    federation.clock.advance(DAY)
    renewed = make_key(federation, "node-301")
    publish(federation, "node-301", renewed)
    assert carried(federation) == [renewed, first[1]]


def test_a_key_that_has_ended_is_not_handed_out(federation: PlayedFederation) -> None:
    publish(federation, "node-301", make_key(federation, "node-301"))
    federation.clock.advance(WEEK)
    assert carried(federation) == []


def test_nothing_is_carried_for_somebody_who_was_revoked(federation: PlayedFederation) -> None:
    publish(federation, "node-301", make_key(federation, "node-301"))
    federation.revoke("node-301")
    assert carried(federation) == []


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(lambda federation: make_key(federation, "node-302"), "expected one signature", id="another's"),
        pytest.param(
            lambda federation: make_key(federation, "node-301", federation.clock() - WEEK), "not good now", id="ended"
        ),
        pytest.param(
            lambda federation: make_key(federation, "node-301", signer="node-302"), "expected one", id="forged"
        ),
    ],
)
def test_a_key_that_nobody_would_seal_to_is_not_taken(federation: PlayedFederation, make: object, reason: str) -> None:
    assert callable(make)
    with pytest.raises(ProblemRaised, match=reason) as refused:
        publish(federation, "node-301", make(federation))
    assert (refused.value.problem.status, refused.value.problem.code) == (400, "sealing_key_malformed")
    assert carried(federation) == []


def test_an_inbox_brings_the_keys_of_those_who_ask(federation: PlayedFederation) -> None:
    """So that an answer is sealed to the newest, without a further request."""
    keys = {node: make_key(federation, node) for node in ("node-301", "node-303")}
    for node, key in keys.items():
        publish(federation, node, key)
    page = encode_records(SealedRecords(bytes(SEALED_BYTES)))
    batch = LookupBatch(lookup_id="L-" + "0" * 32, pages={"node-302": page})
    relay.open_lookup(federation.hub, federation.member("node-301"), batch)
    inbox = dispatch.read_inbox(federation.hub, federation.member("node-302"), federation.clock())
    assert [delivery.sender for delivery in inbox.deliveries] == ["node-301"]
    assert inbox.sealing_keys == (keys["node-301"],)


def test_an_empty_inbox_brings_no_keys(federation: PlayedFederation) -> None:
    publish(federation, "node-301", make_key(federation, "node-301"))
    inbox = dispatch.read_inbox(federation.hub, federation.member("node-302"), federation.clock())
    assert inbox.sealing_keys == ()

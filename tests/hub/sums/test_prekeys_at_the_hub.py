"""Asking nodes for their prekeys of the week: once, however many workers the hub has, and again once in a while."""

import pytest

from hub.dispatch import read_inbox
from hub.sums import prekeys
from hub.sums.prekeys import PATIENCE, ask_prekeys
from tests.hub.played_federation import NODES, PlayedFederation


def asked(federation: PlayedFederation) -> list[int]:
    """How often each node has been asked that has not answered."""
    hub, now = federation.hub, federation.clock()
    return [len(read_inbox(hub, federation.member(node), now).deliveries) for node in NODES]


def test_workers_that_look_at_the_same_moment_ask_each_node_once(
    federation: PlayedFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the second finds is what it would have found before the first had written anything down."""
    monkeypatch.setattr(prekeys, "pending_receivers", lambda *_: frozenset())
    monkeypatch.setattr(prekeys, "_asked_lately", lambda *_: frozenset())
    for _ in range(2):
        ask_prekeys(federation.hub, federation.clock())
    assert asked(federation) == [1] * len(NODES)


def test_who_gave_none_is_asked_again(federation: PlayedFederation) -> None:
    """Not before it has had time, and not while the hub still asks."""
    for waited, times in ((PATIENCE / 2, 1), (PATIENCE, 1)):
        ask_prekeys(federation.hub, federation.clock())
        assert asked(federation) == [times] * len(NODES)
        federation.clock.advance(waited)
    with federation.hub.database.transaction() as connection:
        connection.execute("DELETE FROM deliveries")
    ask_prekeys(federation.hub, federation.clock())
    assert asked(federation) == [1] * len(NODES)

"""The node's day, with a hub that is away, refuses, or hands out nonsense: the node goes on."""

import base64
import logging
from collections.abc import Callable
from typing import Any, cast

import pytest

from federation.exchange import Delivery, DeliveryKind, Inbox
from federation.problems import Problem
from federation.sealing import SEALED_BYTES, SealedRecords
from federation.transport import NO_REASON, HubConnection, HubRefused, HubUnreachable
from node import polling
from node.polling import FINAL, DeliveriesLeft, deal_with
from node.schedule import Schedule
from node.service import Node

LOOKUP = f"L-{'5a' * 16}"


class PlayedHub:
    """Notes what is handed in; `refuse` and `vanish` are what it does not take, by the first word of its own note."""

    def __init__(self, refuse: str = "", vanish: str = "", status: int = 409, code: str = "not_awaited") -> None:
        self._refuse, self._vanish = refuse, vanish
        self._problem = Problem(status=status, title="", detail="the hub's reason", code=code)
        self.taken: list[str] = []

    def send_reply(self, reply: bytes) -> None:
        self._take(f"reply {reply.decode()}")

    def answer_lookup(self, lookup_id: str, sealed: SealedRecords) -> None:
        self._take(f"answer {lookup_id}")

    def finish_delivery(self, delivery_id: int) -> None:
        self._take(f"finished {delivery_id}")

    def _take(self, note: str) -> None:
        if self._refuse and note.startswith(self._refuse):
            raise HubRefused(self._problem)
        if self._vanish and note.startswith(self._vanish):
            raise HubUnreachable("the hub does not answer")
        self.taken.append(note)


class PlayedNode:
    """As much of a node as a poll touches itself."""

    class party:  # noqa: N801 - stands where an attribute does
        member_id = "node-301"

    class Register:
        version = 1

    def register(self) -> "PlayedNode.Register":
        return self.Register()


class RunningClock:
    """Seconds that pass when somebody waits for them."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def run(self, seconds: float) -> None:
        self.seconds += seconds


def delivery(number: int, content: bytes = b"", kind: DeliveryKind = DeliveryKind.MANIFEST) -> Delivery:
    body = base64.b64encode(content or f"manifest-{number}".encode()).decode()
    lookup_id = LOOKUP if kind is DeliveryKind.LOOKUP else ""
    return Delivery(delivery_id=number, kind=kind, lookup_id=lookup_id, sender="", body=body)


@pytest.fixture(autouse=True)
def rooms(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The node's other rooms, played: a manifest is answered by its own bytes, and a lookup by a page."""
    acknowledged: list[bytes] = []

    def answer(_: Node, data: bytes) -> bytes | None:
        if data == b"poison":
            raise RuntimeError("SECRET-VALUE")
        return None if data == b"no manifest" else data

    monkeypatch.setattr(polling, "answer_manifest", answer)
    monkeypatch.setattr(polling, "acknowledge", lambda _, reply: acknowledged.append(reply))
    monkeypatch.setattr(polling, "answer_lookup", lambda *_: SealedRecords(b"s" * SEALED_BYTES))
    return {"acknowledged": acknowledged}


def deal(hub: PlayedHub, *deliveries: Delivery) -> None:
    inbox = Inbox(register_version=1, deliveries=deliveries)
    clock = RunningClock()
    deal_with(cast(Node, PlayedNode()), cast(HubConnection, hub), inbox, Schedule(now=clock, wait=clock.run))


def test_what_was_waiting_is_dealt_with_oldest_first(rooms: dict[str, Any]) -> None:
    """Lookups before manifests. A reply is handed in and noted before the delivery is taken out of the inbox."""
    hub = PlayedHub()
    deal(hub, delivery(1), delivery(2, b"no manifest"), delivery(3, kind=DeliveryKind.LOOKUP))
    assert hub.taken == [f"answer {LOOKUP}", "reply manifest-1", "finished 1", "finished 2"]
    assert rooms["acknowledged"] == [b"manifest-1"]


@pytest.mark.parametrize(
    ("first", "hub"),
    [
        (lambda: delivery(1, b"poison"), PlayedHub()),
        (lambda: delivery(1), PlayedHub(refuse="reply manifest-1", status=503, code="busy")),
        (lambda: delivery(1), PlayedHub(refuse="reply manifest-1", status=413, code=NO_REASON)),
        (lambda: Delivery(delivery_id=1, kind=DeliveryKind.MANIFEST, lookup_id="", sender="", body="?"), PlayedHub()),
        (lambda: delivery(1, kind=DeliveryKind.LOOKUP), PlayedHub(refuse="answer")),
    ],
    ids=["an error of ours", "a busy hub", "a proxy's refusal", "no base64", "an answer that is refused"],
)
def test_one_delivery_does_not_stand_in_the_way_of_the_others(
    first: Callable[[], Delivery], hub: PlayedHub, rooms: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """It is left in the inbox, said so without a value, and those behind it are dealt with."""
    with caplog.at_level(logging.WARNING, "circe.node"), pytest.raises(DeliveriesLeft, match="1 of 2"):
        deal(hub, first(), delivery(2))
    assert hub.taken == ["reply manifest-2", "finished 2"]
    assert rooms["acknowledged"] == [b"manifest-2"]
    assert "delivery 1 is left" in caplog.text
    assert "SECRET" not in caplog.text


@pytest.mark.parametrize("status", sorted(FINAL))
def test_a_reply_that_the_hub_will_never_take_is_done_with(rooms: dict[str, Any], status: int) -> None:
    """Sent again it would be refused again, until the query has expired."""
    hub = PlayedHub(refuse="reply", status=status)
    deal(hub, delivery(1))
    assert hub.taken == ["finished 1"]
    assert rooms["acknowledged"] == [b"manifest-1"]


def test_a_hub_that_is_away_is_away_for_all(rooms: dict[str, Any]) -> None:
    """Nothing is noted as handed in, and the rest waits until the hub is back."""
    hub = PlayedHub(vanish="reply")
    with pytest.raises(HubUnreachable):
        deal(hub, delivery(1), delivery(2))
    assert hub.taken == []
    assert rooms["acknowledged"] == []


def test_a_reply_is_noted_though_the_hub_vanishes_afterwards(rooms: dict[str, Any]) -> None:
    """The hub has it; the delivery is handed out once more, and then it is a replay."""
    hub = PlayedHub(vanish="finished")
    with pytest.raises(HubUnreachable):
        deal(hub, delivery(1))
    assert rooms["acknowledged"] == [b"manifest-1"]

"""The node's day, with a hub that is away, refuses, or hands out nonsense: the node goes on."""

import base64
import logging
import threading
from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from typing import Any, cast

import pytest

from federation.clocks import ClockWatch
from federation.exchange import Delivery, DeliveryKind, Inbox
from federation.hub_line import LONG_POLL_SECONDS, NO_REASON, HubRefused, HubUnreachable, current_time
from federation.problems import Problem
from federation.register import RegisterError
from federation.sealing import SEALED_BYTES, SealedRecords
from federation.state import StateError
from federation.transport import HubConnection
from node import polling, questions
from node.attempts import FINAL, FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS
from node.desk import MOST_TOLD, Desk
from node.polling import DeliveriesLeft, deal_with, poll_once, serve_node
from node.schedule import Schedule
from node.service import Node
from node.sums.deliveries import Doors

LOOKUP = f"L-{'5a' * 16}"


SEALED = b"s" * SEALED_BYTES


def shorten(body: bytes) -> str:
    return "sealed" if body == SEALED else body.decode()


EVERYTHING = "everything"


class PlayedHub:
    """Notes what is handed in; `refuse` and `vanish` are what it does not take, by the first word of its own note."""

    def __init__(self, refuse: str = "", vanish: str = "", status: int = 409, code: str = "not_awaited") -> None:
        self._refuse, self._vanish = refuse, vanish
        self._problem = Problem(status=status, title="", detail="the hub's reason", code=code)
        self.taken: list[str] = []
        self.next_inbox: Inbox | None = None

    def send_reply(self, reply: bytes) -> None:
        self._take(f"reply {reply.decode()}")

    def hand_in(self, door: str, body: bytes) -> None:
        self._take(f"{door} {shorten(body)}")

    def hand_in_and_wait(
        self, door: str, body: bytes, *, wait: int, done: list[int], in_hand: list[int]
    ) -> Inbox | None:
        at_work = f", at {in_hand}" if in_hand else ""
        self._take(f"{door} {shorten(body)}, done {done}{at_work}, for {wait} s")
        return self.next_inbox

    def _take(self, note: str) -> None:
        if self._refuse and note.startswith(self._refuse):
            raise HubRefused(self._problem)
        if self._vanish and (self._vanish == EVERYTHING or note.startswith(self._vanish)):
            raise HubUnreachable("the hub does not answer")
        self.taken.append(note)


class PlayedNode:
    """As much of a node as a poll touches itself."""

    class party:  # noqa: N801 - stands where an attribute does
        member_id = "node-301"

    class store:  # noqa: N801 - stands where an attribute does
        @staticmethod
        def current() -> None:
            """Nothing has been loaded."""

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


def read(data: bytes) -> bytes:
    if data == b"poison":
        raise RuntimeError("SECRET-VALUE")
    return data


def answer(_: Node, manifest: bytes) -> bytes | None:
    return None if manifest == b"no manifest" else read(manifest)


@pytest.fixture(autouse=True)
def rooms(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The node's other rooms, played: a manifest is answered by its own bytes, and a lookup by a page."""
    acknowledged: list[bytes] = []

    def give_word(_: Node, doors: Doors, asked: Delivery) -> None:
        doors.hand_in(f"sums/{asked.kind}", read(base64.b64decode(asked.body)))

    monkeypatch.setattr(polling, "deal_with_sum", give_word)
    monkeypatch.setattr(questions, "acknowledge", lambda _, reply: acknowledged.append(reply))
    monkeypatch.setattr(polling, "answer_lookup", lambda *_: SealedRecords(SEALED))
    return {"acknowledged": acknowledged}


def deal(hub: PlayedHub, *deliveries: Delivery) -> None:
    """Deal with what was waiting, at the desk too; what is finished with is noted after it."""
    inbox, clock = Inbox(register_version=1, deliveries=deliveries), RunningClock()
    schedule, desk = Schedule(now=clock, wait=clock.run), Desk(answer, clock)
    try:
        deal_with(cast(Node, PlayedNode()), cast(HubConnection, hub), inbox, schedule, desk)
    finally:
        desk.answer_due()
        hub.taken += [f"finished {number}" for number in desk.finished.next_batch()]


def test_what_was_waiting_is_dealt_with_oldest_first(rooms: dict[str, Any]) -> None:
    """Lookups before manifests; the next poll says so of all of them, in one request."""
    hub = PlayedHub()
    deal(hub, delivery(1), delivery(2, b"no manifest"), delivery(3, kind=DeliveryKind.LOOKUP))
    sealed = f"lookups/{LOOKUP}/answer sealed, done [3], at [1, 2], for {LONG_POLL_SECONDS} s"
    assert hub.taken == [sealed, "reply manifest-1", "finished 3", "finished 1", "finished 2"]
    assert rooms["acknowledged"] == [b"manifest-1"]


@pytest.mark.parametrize(
    ("first", "hub"),
    [
        (lambda: delivery(1, b"poison"), PlayedHub()),
        (lambda: delivery(1), PlayedHub(refuse="reply manifest-1", status=503, code="busy")),
        (lambda: delivery(1), PlayedHub(refuse="reply manifest-1", status=413, code=NO_REASON)),
        (lambda: Delivery(delivery_id=1, kind=DeliveryKind.MANIFEST, lookup_id="", sender="", body="?"), PlayedHub()),
        (lambda: delivery(1, kind=DeliveryKind.LOOKUP), PlayedHub(refuse="lookups")),
    ],
    ids=["an error of ours", "a busy hub", "a proxy's refusal", "no base64", "an answer that is refused"],
)
def test_one_delivery_does_not_stand_in_the_way_of_the_others(
    first: Callable[[], Delivery], hub: PlayedHub, rooms: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """It is left in the inbox, said so without a value, and those behind it are dealt with."""
    is_lookup = first().kind is DeliveryKind.LOOKUP
    line_waits = pytest.raises(DeliveriesLeft, match="1 of 2") if is_lookup else nullcontext()
    with caplog.at_level(logging.WARNING, "circe.node"), line_waits:
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
    hub = PlayedHub(vanish=EVERYTHING)
    with pytest.raises(HubUnreachable):
        deal(hub, delivery(1), delivery(2, b"word", DeliveryKind.SUM), delivery(3, b"word", DeliveryKind.SUM))
    assert hub.taken == []
    assert rooms["acknowledged"] == []


def test_what_was_dealt_with_before_the_hub_vanished_is_told_later(rooms: dict[str, Any]) -> None:
    hub = PlayedHub(vanish="reply manifest-2")
    deal(hub, delivery(1), delivery(2), delivery(3))
    assert hub.taken == ["reply manifest-1", "reply manifest-3", "finished 1", "finished 3"]
    assert rooms["acknowledged"] == [b"manifest-1", b"manifest-3"]


# --- Polls -----------------------------------------------------------------------------------------------------------


ASKED = [DeliveryKind.SUM, DeliveryKind.SURVIVORS, DeliveryKind.OPENING, DeliveryKind.ABORT]


def deal_and_wait(hub: PlayedHub, desk: Desk, *deliveries: Delivery) -> Inbox | None:
    inbox, clock = Inbox(register_version=1, deliveries=deliveries), RunningClock()
    schedule = Schedule(now=clock, wait=clock.run)
    return deal_with(cast(Node, PlayedNode()), cast(HubConnection, hub), inbox, schedule, desk)


@pytest.mark.parametrize("kind", ASKED)
def test_a_word_on_a_sum_is_the_next_poll_as_well(kind: DeliveryKind) -> None:
    """It tells what has been dealt with, its own delivery included, and brings what comes next."""
    hub, desk = PlayedHub(), Desk(answer)
    hub.next_inbox = Inbox(register_version=1, deliveries=(delivery(9),))
    came = deal_and_wait(hub, desk, delivery(1, b"first", kind), delivery(2), delivery(3, b"word", kind))
    assert came is hub.next_inbox
    last = f"sums/{kind} word, done [1, 3], at [2], for {LONG_POLL_SECONDS} s"
    assert hub.taken == [f"sums/{kind} first", last]
    assert len(desk.finished) == 0


def test_the_answer_to_a_lookup_is_the_next_poll_as_well() -> None:
    """That of the last lookup, where no sum is waiting; and where one is, of no lookup."""
    hub, desk = PlayedHub(), Desk(answer)
    hub.next_inbox = Inbox(register_version=1, deliveries=(delivery(9),))
    lookups = [delivery(number, kind=DeliveryKind.LOOKUP) for number in (1, 2)]
    sealed = f"lookups/{LOOKUP}/answer sealed"
    assert deal_and_wait(hub, desk, *lookups) is hub.next_inbox
    assert hub.taken == [sealed, f"{sealed}, done [1, 2], for {LONG_POLL_SECONDS} s"]
    assert len(desk.finished) == 0
    word = delivery(3, b"word", DeliveryKind.PREKEYS)
    assert deal_and_wait(hub, desk, *lookups, word) is None
    assert hub.taken[2:] == [sealed, sealed, "sums/prekeys word"]
    assert desk.finished.next_batch() == [1, 2, 3]


def test_a_hub_that_holds_no_line_is_polled(refreshed: list[PlayedNode]) -> None:
    """As one is that knows of no such answers, or has no line free: what was handed in is told of by the next poll."""
    hub, desk = PolledHub(), Desk(answer)
    hub.inbox = Inbox(register_version=1, deliveries=(delivery(3, b"word", DeliveryKind.SUM),))
    assert poll(hub, desk) is None
    hub.inbox = Inbox(register_version=1, deliveries=())
    poll(hub, desk)
    assert hub.taken[-1] == "poll [3]"


def test_what_came_with_an_answer_is_dealt_with_and_not_polled_for(refreshed: list[PlayedNode]) -> None:
    hub, desk = PolledHub(), Desk(answer)
    came = Inbox(register_version=1, deliveries=(delivery(4, b"no manifest"),))
    assert poll(hub, desk, came=came) is None
    assert (hub.taken, desk.numbers()) == ([], [4])


def test_a_node_with_something_left_waits_for_nothing_more() -> None:
    hub, desk = PlayedHub(), Desk(answer)
    hub.next_inbox = Inbox(register_version=1, deliveries=())
    with pytest.raises(DeliveriesLeft, match="1 of 2"):
        deal_and_wait(hub, desk, delivery(1, b"poison", DeliveryKind.SUM), delivery(2, b"word", DeliveryKind.OPENING))
    assert hub.taken == ["sums/opening word, done [2], for 0 s"]


def test_a_word_that_is_not_taken_is_done_with_and_one_that_does_not_arrive_is_not() -> None:
    desk = Desk(answer)
    assert deal_and_wait(PlayedHub(refuse="sums/"), desk, delivery(1, b"word", DeliveryKind.SUM)) is None
    assert desk.finished.next_batch() == [1]
    with pytest.raises(DeliveriesLeft):
        deal_and_wait(PlayedHub(refuse="sums/", status=503), desk, delivery(2, b"word", DeliveryKind.SUM))
    with pytest.raises(HubUnreachable):
        deal_and_wait(PlayedHub(vanish="sums/"), desk, delivery(3, b"word", DeliveryKind.SUM))
    assert desk.finished.next_batch() == [1]


def test_no_more_is_told_with_a_word_than_a_request_takes() -> None:
    hub, desk = PlayedHub(), Desk(answer)
    for number in range(MOST_TOLD + 10):
        desk.finished.add(delivery(number))
    hub.next_inbox = Inbox(register_version=1, deliveries=())
    deal_and_wait(hub, desk, delivery(500, b"word", DeliveryKind.SUM))
    told = [*range(MOST_TOLD - 1), 500]
    assert hub.taken == [f"sums/sum word, done {told}, for {LONG_POLL_SECONDS} s"]
    assert desk.finished.next_batch() == list(range(MOST_TOLD - 1, MOST_TOLD + 10))


class PolledHub(PlayedHub):
    """A hub whose inbox and register are played too."""

    def __init__(self, register_version: int = 1, fail: Exception | None = None) -> None:
        super().__init__()
        self.inbox = Inbox(register_version=register_version, deliveries=())
        self.fail = fail

    def fetch_inbox(self, *, wait: int, done: list[int], in_hand: list[int]) -> Inbox:
        if self.fail:
            raise self.fail
        self.taken.append(f"poll {done}" + (f", at {in_hand}" if in_hand else ""))
        return self.inbox


class EnrolledNode(PlayedNode):
    """A node whose register is good, or not."""

    def __init__(self, wrong: Exception | None = None) -> None:
        self.wrong = wrong

    def register(self) -> PlayedNode.Register:
        if self.wrong:
            raise self.wrong
        return self.Register()


@pytest.fixture
def refreshed(monkeypatch: pytest.MonkeyPatch) -> list[PlayedNode]:
    """Notes whose register is fetched; it is good afterwards."""
    nodes: list[PlayedNode] = []

    def refresh(node: EnrolledNode, _: HubConnection) -> None:
        nodes.append(node)
        node.wrong = None

    monkeypatch.setattr("node.polling.Publication.renew", lambda *_: None)
    monkeypatch.setattr("node.polling.StatedBudget.renew", lambda *_: None)
    monkeypatch.setattr("node.polling.Witnessing.renew", lambda *_: None)
    monkeypatch.setattr(polling, "take_decided", lambda *_: None)
    monkeypatch.setattr(polling, "refresh_register", refresh)
    return nodes


def poll(hub: PolledHub, desk: Desk, node: PlayedNode | None = None, came: Inbox | None = None) -> Inbox | None:
    return poll_once(cast(Node, node or EnrolledNode()), cast(HubConnection, hub), Schedule(), desk, came)


def test_a_poll_tells_what_has_been_dealt_with_once(refreshed: list[PlayedNode]) -> None:
    hub, desk = PolledHub(), Desk(answer)
    hub.inbox = Inbox(register_version=1, deliveries=(delivery(4, b"no manifest"), delivery(5, b"no manifest")))
    poll(hub, desk)
    desk.answer_due()
    hub.inbox = Inbox(register_version=1, deliveries=())
    poll(hub, desk)
    poll(hub, desk)
    assert hub.taken == ["poll []", "poll [4, 5]", "poll []"]


def test_what_the_hub_did_not_hear_is_told_again(refreshed: list[PlayedNode]) -> None:
    hub, desk = PolledHub(), Desk(answer)
    desk.finished.add(delivery(4))
    hub.fail = HubUnreachable("away")
    with pytest.raises(HubUnreachable):
        poll(hub, desk)
    hub.fail = None
    poll(hub, desk)
    assert hub.taken == ["poll [4]"]


def test_more_than_a_poll_can_tell_is_told_by_the_next(refreshed: list[PlayedNode]) -> None:
    hub, desk = PolledHub(), Desk(answer)
    for number in range(MOST_TOLD + 1):
        desk.finished.add(delivery(number))
    poll(hub, desk)
    poll(hub, desk)
    assert hub.taken == [f"poll {list(range(MOST_TOLD))}", f"poll [{MOST_TOLD}]"]


def test_the_register_is_fetched_only_at_need(refreshed: list[PlayedNode]) -> None:
    """When the inbox names a newer version; not when it names the same, or an older one."""
    for version in (1, 0):
        poll(PolledHub(version), Desk(answer))
    assert refreshed == []
    node = EnrolledNode()
    poll(PolledHub(2), Desk(answer), node)
    assert refreshed == [node]


@pytest.mark.parametrize("wrong", [RegisterError("it has expired"), StateError("it is missing")], ids=str)
def test_a_register_of_no_use_is_fetched_before_anything_else(refreshed: list[PlayedNode], wrong: Exception) -> None:
    node, hub = EnrolledNode(wrong), PolledHub()
    poll(hub, Desk(answer), node)
    assert refreshed == [node]
    assert hub.taken == ["poll []"]


class Stop(threading.Event):
    """Tells a node to stop after so many pauses, and notes how long they were to be."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.after, self.pauses = after, list[float]()

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses.append(timeout or 0.0)
        if len(self.pauses) >= self.after:
            self.set()
        return self.is_set()


class ServedHub(PolledHub):
    """A hub whose clock has been seen."""

    def __init__(self, fail: Exception) -> None:
        super().__init__(fail=fail)
        self.clocks = ClockWatch()

    def close(self) -> None:
        """Nothing is open."""


class ServedNode(EnrolledNode):
    """A node whose database can be closed, and that keeps nothing of sums."""

    clock = staticmethod(current_time)

    class sums:  # noqa: N801 - stands where an attribute does
        @staticmethod
        def epochs() -> tuple[str, ...]:
            return ()

        @staticmethod
        def has_figures_over(_: object) -> bool:
            return False

    class database:  # noqa: N801 - stands where an attribute does
        @staticmethod
        def close() -> None:
            """Nothing is open."""


def serve(hub: ServedHub, stop: Stop) -> list[float]:
    serve_node(cast(Node, ServedNode()), cast(HubConnection, hub), stop)
    return stop.pauses


def test_a_hub_that_is_away_is_asked_at_ever_longer_intervals(refreshed: list[PlayedNode]) -> None:
    """Up to a limit, and by each node at a moment of its own."""
    pauses = serve(ServedHub(HubUnreachable("away")), Stop(after=12))
    for number, pause in enumerate(pauses):
        least = min(FIRST_PAUSE_SECONDS * 2**number, LONGEST_PAUSE_SECONDS)
        assert least <= pause < 2 * least
    assert len(set(pauses)) == 12


def test_a_busy_hub_is_not_asked_before_it_says(refreshed: list[PlayedNode]) -> None:
    busy = HubRefused(Problem(status=503, title="", detail="busy", code="busy"), retry_after=7.0)
    assert all(7 <= pause < 14 for pause in serve(ServedHub(busy), Stop(after=3)))


def test_that_the_clocks_are_apart_is_logged_once(
    refreshed: list[PlayedNode], caplog: pytest.LogCaptureFixture
) -> None:
    hub = ServedHub(HubUnreachable("away"))
    hub.clocks.ahead = -timedelta(minutes=2)
    with caplog.at_level(logging.WARNING, "circe.node"):
        serve(hub, Stop(after=4))
    assert caplog.text.count("this machine's clock is 120 s behind the hub's") == 1

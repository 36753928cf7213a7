"""The desk: what takes long there keeps nothing else waiting, and what cannot be done there stops nothing else."""

import base64
import threading
from collections.abc import Callable
from itertools import pairwise
from typing import cast

import msgspec
import pytest

from federation.exchange import MOST_AT_ONCE, Delivery, DeliveryKind, Inbox
from federation.transport import HubConnection
from federation.wire import WireError, decode_document, encode_document
from node import polling, questions
from node.attempts import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS
from node.desk import MOST_CHARACTERS, MOST_TOLD, Desk
from node.polling import OLD_HUB_SECONDS, deal_with, poll_once
from node.schedule import Schedule
from node.service import Node
from tests.node.test_polling import PlayedNode, RunningClock

PATIENCE = 60


NODE = cast("Node", PlayedNode())


class Hub:
    """Hands out whatever is in its inbox, as one of the version before does, and notes what it is told."""

    def __init__(self, *deliveries: Delivery) -> None:
        self.inbox = Inbox(register_version=1, deliveries=deliveries)
        self.told: list[tuple[list[int], list[int]]] = []
        self.replies: list[bytes] = []
        self.replied = threading.Event()

    def fetch_inbox(self, *, wait: int, done: list[int], in_hand: list[int]) -> Inbox:
        self.told.append((done, in_hand))
        return self.inbox

    def send_reply(self, reply: bytes) -> None:
        self.replies.append(reply)
        self.replied.set()

    def line(self) -> HubConnection:
        return cast("HubConnection", self)


def question(number: int) -> Delivery:
    body = base64.b64encode(f"manifest-{number}".encode()).decode()
    return Delivery(delivery_id=number, kind=DeliveryKind.MANIFEST, lookup_id="", sender="", body=body)


def echo(_: Node, manifest: bytes) -> bytes:
    """Answers a manifest by its own bytes."""
    return manifest


def of_a_sum(number: int) -> Delivery:
    return Delivery(delivery_id=number, kind=DeliveryKind.PREKEYS, lookup_id="", sender="", body="")


@pytest.fixture(autouse=True)
def rooms(monkeypatch: pytest.MonkeyPatch) -> None:
    """The node's other rooms, played."""
    monkeypatch.setattr(questions, "acknowledge", lambda *_: None)
    monkeypatch.setattr(polling, "deal_with_sum", lambda *_: None)


def test_what_takes_long_keeps_nothing_else_waiting() -> None:
    """A question whose answer is not ready before a sum that came with it, and another poll, have been dealt with."""
    others_are_done, was_free = threading.Event(), list[bool]()

    def answer_when_others_are_done(_: Node, data: bytes) -> bytes:
        was_free.append(others_are_done.wait(PATIENCE))
        return data

    desk, hub = Desk(answer_when_others_are_done), Hub(question(1), of_a_sum(2))
    with desk.attended(threading.Event()):
        poll_once(NODE, hub.line(), Schedule(), desk)
        hub.inbox = Inbox(register_version=1, deliveries=(of_a_sum(3),))
        poll_once(NODE, hub.line(), Schedule(), desk)
        assert hub.told == [([], []), ([2], [1])]
        assert hub.replies == []
        others_are_done.set()
        assert hub.replied.wait(PATIENCE)
    assert was_free == [True]
    assert hub.replies == [b"manifest-1"]
    assert (desk.numbers(), desk.finished.next_batch()) == ([], [3, 1])


def test_whoever_leaves_waits_for_the_question_at_work() -> None:
    """It is answered to its end; those behind it stay in the inbox at the hub."""
    begun, asked = threading.Event(), list[bytes]()

    def answer(_: Node, data: bytes) -> bytes:
        asked.append(data)
        begun.set()
        desk._closed = True  # Whoever leaves says so while this is at work.
        return data

    desk, hub = Desk(answer), Hub()
    questions.take_questions(NODE, hub.line(), (question(1), question(2)), desk)
    with desk.attended(threading.Event()):
        assert begun.wait(PATIENCE)
    assert asked == hub.replies == [b"manifest-1"]
    assert (desk.numbers(), desk.finished.next_batch()) == ([2], [1])


def test_what_lies_on_the_desk_is_not_put_there_again() -> None:
    """A hub of the version before hands it out all the same: then it is left alone for a moment."""
    waits: list[float] = []
    desk, hub = Desk(echo), Hub(question(1))
    desk.await_change = waits.append  # type: ignore[assignment, method-assign]
    for _ in range(3):
        poll_once(NODE, hub.line(), Schedule(), desk)
    assert waits == [OLD_HUB_SECONDS] * 2
    desk.answer_due()
    poll_once(NODE, hub.line(), Schedule(), desk)
    assert hub.told == [([], []), ([], [1]), ([], [1]), ([1], [])]
    assert hub.replies == [b"manifest-1"]


def test_what_is_done_and_not_yet_told_is_not_put_there_again() -> None:
    """It was handed out before the hub could know."""
    desk, hub = Desk(), Hub()
    desk.await_change = lambda _: None  # type: ignore[assignment, method-assign]
    desk.finished.add(question(1))
    deal_with(NODE, hub.line(), Inbox(register_version=1, deliveries=(question(1),)), Schedule(), desk)
    assert desk.numbers() == []


def test_a_question_that_cannot_be_answered_rests_and_the_others_go_on() -> None:
    """Ever longer, up to a limit."""
    clock, attempts = RunningClock(), list[float]()

    def fail() -> bool:
        attempts.append(clock())
        return False

    desk, others = Desk(now=clock), list[int]()
    desk.take(1, fail)
    for number in range(2, 20):
        desk.take(number, _note(others, number))
        desk.answer_due()
        desk.answer_due()
        clock.seconds = desk._find_rest() or 0.0
        clock.seconds += attempts[-1]
    assert others == list(range(2, 20))
    pauses = [later - earlier for earlier, later in pairwise(attempts)]
    assert pauses[:3] == [FIRST_PAUSE_SECONDS, 2 * FIRST_PAUSE_SECONDS, 4 * FIRST_PAUSE_SECONDS]
    assert set(pauses[6:]) == {LONGEST_PAUSE_SECONDS}
    assert desk.numbers() == [1]


def _note(noted: list[int], number: int) -> Callable[[], bool]:
    def act() -> bool:
        noted.append(number)
        return True

    return act


def test_no_more_is_taken_than_a_request_tells_of() -> None:
    """Nor of what our own officers decided about, of which the hub knows no number; the rest stays there."""
    desk, hub = Desk(echo), Hub()
    desk.take("a digest", lambda: True)
    for first in (0, MOST_TOLD):
        questions.take_questions(NODE, hub.line(), [question(first + each) for each in range(MOST_TOLD)], desk)
    assert desk.numbers() == list(range(MOST_TOLD))
    desk.answer_due()
    assert questions.take_questions(NODE, hub.line(), [question(MOST_TOLD)], desk)
    assert desk.numbers() == [MOST_TOLD]


def test_no_more_is_taken_than_one_poll_brings() -> None:
    """However long each is: whoever speaks for the hub could fill our memory with what we have not come to yet."""
    half = question(1).body.ljust(MOST_CHARACTERS // 2, "=")
    long = [msgspec.structs.replace(question(number), body=half) for number in range(1, 4)]
    desk, hub = Desk(echo), Hub()
    for each in long:
        questions.take_questions(NODE, hub.line(), [each], desk)
    assert desk.numbers() == [1, 2]
    alone = Desk(echo)
    questions.take_questions(NODE, hub.line(), [msgspec.structs.replace(question(9), body=half * 3)], alone)
    assert alone.numbers() == [9], "what is longer than all that may lie there would never be refused"


def test_a_desk_is_left_when_the_node_is_told_to_stop() -> None:
    """The line is at a poll for a while then, and who answers is gone: nothing is attempted again in between."""
    stop, attempts = threading.Event(), list[int]()

    def stop_and_fail() -> bool:
        attempts.append(1)
        stop.set()
        return False

    desk = Desk(echo)
    desk.take(1, stop_and_fail)
    with desk.attended(stop):
        next(each for each in threading.enumerate() if each.name == "desk").join(PATIENCE)
        assert attempts == [1]


def test_an_inbox_is_no_longer_than_a_poll_may_bring() -> None:
    """What was dealt with is told of at the same pace: neither list can grow from poll to poll."""
    brought = Inbox(register_version=1, deliveries=tuple(question(each) for each in range(MOST_AT_ONCE + 1)))
    with pytest.raises(WireError):
        decode_document(encode_document(brought), Inbox)
    first = msgspec.structs.replace(brought, deliveries=brought.deliveries[:MOST_AT_ONCE])
    assert decode_document(encode_document(first), Inbox) == first

"""What a node has in hand and what it is done with, of all that it was handed: the hub is told of both at each poll.

To protect the rows of a large authority beside all that left before can take a minute. A lookup, whose answer leaves by
a schedule, and a sum, in which everybody waits for us, are not kept waiting meanwhile: questions are put on a desk, at
which a thread of its own answers them one after the other. A question stays in the node's inbox at the hub until it is
answered, so that a node that is stopped finds it there again.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from federation.exchange import MOST_AT_ONCE, Delivery
from federation.wire import MAX_BATCH_BYTES
from node.answering import answer_manifest
from node.attempts import FIRST_PAUSE_SECONDS, lengthen
from node.service import Node

MOST_TOLD = MOST_AT_ONCE
"""How many deliveries a poll tells the hub of; their numbers stand in its address, which is bounded."""

MOST_CHARACTERS = MAX_BATCH_BYTES
"""How much may lie on a desk: what one poll can bring."""


Answer = Callable[[Node, bytes], bytes | None]
"""How the bytes of a manifest become those of the signed reply: in this process, or by a worker."""


class Finished:
    """The deliveries that have been dealt with, and that the next poll tells the hub of."""

    def __init__(self) -> None:
        # The desk's thread adds at the end and the line's takes from the front: each is one step of the interpreter.
        self._numbers: list[int] = []

    def __len__(self) -> int:
        return len(self._numbers)

    def __contains__(self, number: int) -> bool:
        return number in self._numbers

    def add(self, delivery: Delivery, *, if_done: bool = True) -> None:
        """Note a delivery that needs no answer any more."""
        if if_done:
            self._numbers.append(delivery.delivery_id)

    def next_batch(self) -> list[int]:
        """Return as many as one poll tells of, oldest first."""
        return self._numbers[:MOST_TOLD]

    def forget(self, told: list[int]) -> None:
        """Forget those that the hub has been told of."""
        del self._numbers[: len(told)]


@dataclass
class _Question:
    """How one is answered, how long it is, when it is answered, and for how long it rests where that cannot be done."""

    answer: Callable[[], bool]
    size: int = 0
    due: float = 0.0
    pause: float = FIRST_PAUSE_SECONDS


class Desk:
    """The questions in hand, by the number of a delivery or the digest of a manifest that was decided about here.

    Each is answered by an act that raises nothing and returns whether it was done; one that was not rests, and the
    others go on. `answer` makes replies of manifests; `finished` is what has been dealt with, here or elsewhere.
    """

    def __init__(self, answer: Answer = answer_manifest, now: Callable[[], float] = time.monotonic) -> None:
        self.answer, self.finished = answer, Finished()
        self._now, self._changed = now, threading.Condition()
        self._in_hand: dict[int | str, _Question] = {}
        self._closed = False

    def __contains__(self, key: int | str) -> bool:
        return key in self._in_hand

    def has_room(self, size: int) -> bool:
        """Whether another delivery may be put here; any may while none lies here.

        What has no room stays at the hub, which could otherwise fill our memory.
        """
        with self._changed:
            lying = [question.size for key, question in self._in_hand.items() if isinstance(key, int)]
        return not lying or (len(lying) < MOST_TOLD and sum(lying) + size <= MOST_CHARACTERS)

    def take(self, key: int | str, answer: Callable[[], bool], size: int = 0) -> None:
        """Put a question on the desk, unless it lies there."""
        with self._changed:
            self._in_hand.setdefault(key, _Question(answer, size))
            self._changed.notify_all()

    def numbers(self) -> list[int]:
        """Return the deliveries in hand, oldest first: no more than a poll tells of."""
        with self._changed:
            return [key for key in self._in_hand if isinstance(key, int)]

    def await_change(self, seconds: float) -> None:
        """Wait until something is put here or done, or so many seconds have passed."""
        with self._changed:
            self._changed.wait(seconds)

    def answer_due(self) -> None:
        """Answer whatever may be answered now, the oldest first."""
        while self._find_rest() == 0:
            self._answer_next()

    def _find_rest(self) -> float | None:
        """For how many seconds everything here rests, or None when nothing is here."""
        with self._changed:
            due = min((each.due for each in self._in_hand.values()), default=None)
        return None if due is None else max(0.0, due - self._now())

    def _answer_next(self) -> None:
        with self._changed:
            key, question = min(self._in_hand.items(), key=lambda each: each[1].due)
        if question.answer():
            with self._changed:
                del self._in_hand[key]
                self._changed.notify_all()
        else:
            question.due = self._now() + question.pause
            question.pause = lengthen(question.pause)

    @contextmanager
    def attended(self, stop: threading.Event) -> Iterator[None]:
        """Have a thread answer what is put here, until told to stop; whoever leaves waits for the one that it is at."""
        thread = threading.Thread(target=self._attend, args=(stop,), name="desk")
        thread.start()
        try:
            yield
        finally:
            with self._changed:
                self._closed = True
                self._changed.notify_all()
            thread.join()

    def _attend(self, stop: threading.Event) -> None:
        # The line is at a poll for a while when we are stopped, and nobody can be asked meanwhile.
        while self._await_due() and not stop.is_set():
            self._answer_next()

    def _await_due(self) -> bool:
        """Wait until a question may be answered; False once the desk is left."""
        with self._changed:
            while not self._closed and (rest := self._find_rest()) != 0:
                self._changed.wait(rest)
            return not self._closed

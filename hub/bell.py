"""The bell that wakes whoever waits on the hub: a request that is held open until what it waits for has come about."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from federation.problems import ProblemRaised

MOST_WAIT_SECONDS = 25
"""The longest that a request is held open."""

MOST_LINES_EACH = 8
"""How many requests of one member are held open at a time: a node needs one, a person one for each query watched."""


@dataclass(frozen=True, eq=False)
class _Line:
    """One request that is held open: by whom, for what, and the event that wakes it."""

    topic: str
    holder: str
    rung: threading.Event


class Bell:
    """Wakes the threads that hold a line open. It carries no content: whoever is woken looks for itself.

    A line waits for one topic (a node's id, a query's, a lookup's), and a ring wakes the lines of its topics alone. At
    most `lines` are held at a time, so that polls never starve the pages beside them, and at most `each` by one member,
    so that no member starves the others.
    """

    def __init__(self, lines: int = 64, each: int = MOST_LINES_EACH) -> None:
        self._lock = threading.Lock()
        self._held: set[_Line] = set()
        self._most, self._most_each = lines, each

    def ring(self, *topics: str) -> None:
        """Wake everyone who waits for one of these topics."""
        rung = frozenset(topics)
        with self._lock:
            for line in self._held:
                if line.topic in rung:
                    line.rung.set()

    def ring_all(self) -> None:
        """Wake everyone."""
        with self._lock:
            for line in self._held:
                line.rung.set()

    def close(self) -> None:
        """Nothing is open."""

    def wait_until(self, ready: Callable[[], bool], seconds: float, *, topic: str, holder: str) -> None:
        """Return when `ready` holds, looking again at each ring for `topic`, or when `seconds` have passed.

        `holder` is the member who waits. Raises a 503 problem when every line is taken, and a 429 problem when the
        holder has taken too many.
        """
        if seconds <= 0 or ready():
            return
        line = self._take_line(topic, holder)
        try:
            _wait(line.rung, ready, time.monotonic() + min(seconds, MOST_WAIT_SECONDS))
        finally:
            with self._lock:
                self._held.discard(line)

    def _take_line(self, topic: str, holder: str) -> _Line:
        with self._lock:
            if len(self._held) >= self._most:
                raise ProblemRaised(503, "busy", "too many members are waiting on the hub: try again in a few seconds")
            if sum(line.holder == holder for line in self._held) >= self._most_each:
                raise ProblemRaised(429, "too_many_lines", f"{self._most_each} of your requests are waiting already")
            line = _Line(topic, holder, threading.Event())
            self._held.add(line)
        return line


def _wait(rung: threading.Event, ready: Callable[[], bool], deadline: float) -> None:
    while True:
        # Cleared before `ready` looks, so a ring in between is not missed.
        rung.clear()
        left = deadline - time.monotonic()
        if ready() or left <= 0:
            return
        rung.wait(left)

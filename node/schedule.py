"""The fixed schedule by which sealed answers leave a node.

What a lookup takes to answer depends on how many children match. So an answer never leaves when it is ready, but at the
first whole number of ticks after its request was taken in; and nothing that depends on the children is done between
that moment and the next poll. Work that takes longer than a tick waits for the next one, and is counted: a node whose
answers are often late is too slow for its tick, and tells the hub so.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import TypeVar

log = logging.getLogger("circe.node")

T = TypeVar("T")

TICK_SECONDS = 0.5
"""How long after its request an answer leaves: some ten times what the work takes, and little to somebody who waits."""

LOOKUPS_A_TICK = 4
"""How many lookups are answered at one tick, at most.

More are left for the next: whoever hands over requests, good and bad, must not be able to fill a tick so far that it
depends on the children of one of them whether all leave late.
"""


def count_ticks(worked: float, tick: float) -> int:
    """After how many ticks an answer leaves that took `worked` seconds; one at least."""
    return max(1, ceil(worked / tick))


def batched(deliveries: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield deliveries in their order, so many at a time."""
    for first in range(0, len(deliveries), size):
        yield deliveries[first : first + size]


@dataclass
class Schedule:
    """A node's ticks, by a clock that only runs forward; `late` counts the departures that missed their first tick."""

    tick: float = TICK_SECONDS
    now: Callable[[], float] = time.monotonic
    wait: Callable[[float], object] = time.sleep
    late: int = 0

    def await_departure(self, taken_in: float) -> None:
        """Return at the moment at which what was taken in then may leave."""
        ticks = count_ticks(self.now() - taken_in, self.tick)
        if ticks > 1:
            self.late += 1
            log.warning("answers left late, %d times since the start", self.late)
        departure = taken_in + ticks * self.tick
        while (left := departure - self.now()) > 0:
            self.wait(left)

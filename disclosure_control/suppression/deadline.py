"""Deadlines: the moment after which an attack is given up, by a clock that whoever sets it has chosen.

What is worked out in time is worked out the same with a deadline or without: a program that is not solved by then is
not solved at all, and nothing half done is taken for an answer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

__all__ = ["NEVER", "Deadline", "TimeUp"]


class TimeUp(Exception):
    """The deadline has passed before an answer was there."""


@dataclass(frozen=True)
class Deadline:
    """A moment by a clock of seconds."""

    clock: Callable[[], float]
    at: float

    def seconds_left(self) -> float:
        """How long there is. Raises `TimeUp` once there is nothing left."""
        left = self.at - self.clock()
        if left <= 0:
            raise TimeUp("the time is up")
        return left


NEVER = Deadline(lambda: 0.0, inf)
"""No deadline at all."""

"""What was read lately: things that never change, by their name, for as long as they are not too much together."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["Recent"]

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


def _one(_: object) -> int:
    return 1


class Recent(Generic[Key, Value]):
    """Keeps what was read, and forgets what was not asked for the longest once all weighs more than `most`."""

    def __init__(self, most: int, weigh: Callable[[Value], int] = _one) -> None:
        self._most, self._weigh = most, weigh
        self._kept: OrderedDict[Key, Value] = OrderedDict()
        self._weight = 0
        self._lock = threading.Lock()

    def get(self, key: Key, read: Callable[[], Value]) -> Value:
        """Return what has this name, reading it if it is not at hand. Raises what `read` raises."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        value = read()  # Not under the lock: two threads may read the same thing, and nobody waits.
        with self._lock:
            if key not in self._kept:
                self._kept[key] = value
                self._weight += self._weigh(value)
                self._forget()
        return value

    @property
    def weight(self) -> int:
        """What all that is kept weighs."""
        return self._weight

    def _forget(self) -> None:
        while self._weight > self._most:
            _, oldest = self._kept.popitem(last=False)
            self._weight -= self._weigh(oldest)

"""How often somebody may fail in a while: counted in memory, forgotten with the process, never by anything secret."""

from collections import deque
from datetime import datetime, timedelta
from threading import Lock

MOST_KNOWN = 10_000
"""How many callers are remembered; beyond it those who came first are forgotten."""


class TooMany(Exception):
    """Somebody has failed too often."""


class RateLimit:
    """So many failures within a while, by each caller."""

    def __init__(self, most: int, within: timedelta) -> None:
        self._most, self._within = most, within
        self._failed: dict[str, deque[datetime]] = {}
        self._lock = Lock()

    def check(self, caller: str, now: datetime) -> None:
        """Raise `TooMany` for a caller who has used up their failures."""
        with self._lock:
            if len(self._recent(caller, now)) >= self._most:
                raise TooMany(f"more than {self._most} failures")

    def count(self, caller: str, now: datetime) -> None:
        """Remember a failure."""
        with self._lock:
            recent = self._recent(caller, now)
            recent.append(now)
            self._failed[caller] = recent
            if len(self._failed) > MOST_KNOWN:
                del self._failed[next(iter(self._failed))]

    def _recent(self, caller: str, now: datetime) -> deque[datetime]:
        recent = self._failed.get(caller, deque(maxlen=self._most))
        while recent and now - recent[0] >= self._within:
            recent.popleft()
        return recent

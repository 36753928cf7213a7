"""What the hub holds of secure sums in memory and nowhere else.

Reveals open sums, so they must be gone when the hub is. Several workers share the work by way of the database, and what
they keep there of reveals is sealed under a key that only they have: it is made before they are forked, and dies with
them. After a crash the reveals cannot be read by anybody, and the nodes are asked for them again.
"""

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from federation.secure_sum.collector import Collector
from federation.secure_sum.sealed import BoxClosed, open_box, seal_box

Place = tuple[str, int]
"""One attempt at one manifest: its digest and the attempt's number."""


@dataclass
class Gathering:
    """One attempt as this process knows it: the collector, which arrivals it has been fed, and whose it rejected."""

    collector: Collector
    seen: set[int] = field(default_factory=set)
    rejected: set[tuple[str, str]] = field(default_factory=set)


class SumMemory:
    """The attempts that are under way, and the key of what may not outlive this process. The repr shows neither."""

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key or secrets.token_bytes(32)
        self._gatherings: dict[Place, Gathering] = {}
        self.offered: dict[tuple[str, Place], datetime] = {}
        """The kinds of statements that this process has put into inboxes, and when."""
        self.passed_over: set[str] = set()
        """The digests of those that are under way, as far as it has come by them in search of what else is due."""
        self.lock = threading.RLock()
        """Held by whoever feeds a collector or acts on what it says."""

    def __repr__(self) -> str:
        return "SumMemory(…)"

    def find(self, place: Place, make: Callable[[], Collector]) -> Gathering:
        """Return an attempt's gathering, made anew where this process has not seen it yet."""
        if place not in self._gatherings:
            self._gatherings[place] = Gathering(make())
        return self._gatherings[place]

    def forget(self, place: Place) -> None:
        """Erase what was held of an attempt."""
        self.offered = {what: when for what, when in self.offered.items() if what[1] != place}
        gathering = self._gatherings.pop(place, None)
        if gathering is not None:
            gathering.collector.erase()

    def seal(self, content: bytes, place: Place) -> bytes:
        """Return content that only the processes of this hub can open, for as long as they live."""
        return seal_box(self._key, content, _write(place))

    def open(self, box: bytes, place: Place) -> bytes | None:
        """Return what was sealed, or None where it was by a hub that is no more."""
        try:
            return open_box(self._key, box, _write(place))
        except BoxClosed:
            return None


def _write(place: Place) -> bytes:
    return f"circe/reveal/1\n{place[0]}\n{place[1]}".encode()

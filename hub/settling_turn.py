"""Whose turn it is to settle queries: one thread's at a time, of all workers, since a release takes long to attack.

Nobody waits for a turn. Whoever has it sees what falls due meanwhile, or the next look does, a second later. Each
query is released once however many try; the turn keeps them from doing the same work several times over.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from federation.postgres import PostgresDatabase

_NUMBER = 0x63697264
"""The number of the lock, arbitrary and the same for every worker; next to that of writers."""


class Turn:
    """The turn among the threads of one worker."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    @contextmanager
    def take(self) -> Iterator[bool]:
        """Take the turn if nobody has it, until what happens inside is done; say whether it was to be had."""
        taken = self._lock.acquire(blocking=False)
        try:
            yield taken
        finally:
            if taken:
                self._lock.release()


class SharedTurn(Turn):
    """The turn among the threads of all workers that share a server."""

    def __init__(self, database: "PostgresDatabase") -> None:
        super().__init__()
        self._database = database

    @contextmanager
    def take(self) -> Iterator[bool]:
        """Take the turn if no thread of any worker has it."""
        with super().take() as taken:
            if not taken:
                yield False
                return
            with self._database.hold(_NUMBER) as held:
                yield held

"""A bell that rings in every worker of the hub: what one of them does wakes who waits on another.

It rings by the database that the workers share. Nothing but topics is announced, no content: whoever is woken looks for
itself, so a ring too many does no harm, and after a ring that was lost a line ends by itself.
"""

import logging
import threading

from audit.connection import DatabaseUnavailable
from federation.postgres import PostgresDatabase
from federation.service_log import name_error
from hub.bell import Bell

log = logging.getLogger("circe.hub")

CHANNEL = "circe_bell"


class SharedBell(Bell):
    """Wakes the threads that hold a line open, here and in the other workers."""

    def __init__(self, database: PostgresDatabase, lines: int = 64) -> None:
        super().__init__(lines)
        self._database, self._stop = database, threading.Event()
        self._listener = threading.Thread(
            target=database.listen, args=(CHANNEL, self._hear, self._stop), name="bell", daemon=True
        )
        self._listener.start()

    def ring(self, *topics: str) -> None:
        """Wake everyone who waits for one of these topics, wherever."""
        super().ring(*topics)
        try:
            self._database.announce(CHANNEL, topics)
        except (DatabaseUnavailable, self._database.connection.DatabaseError) as error:
            # What the bell rings for is committed: whoever waits elsewhere hears of it when its line ends.
            log.warning("the other workers do not hear the bell: %s", name_error(error))

    def _hear(self, topics: tuple[str, ...]) -> None:
        """Wake whoever waits here; all, when some rings may have been missed."""
        if topics:
            super().ring(*topics)
        else:
            self.ring_all()

    def close(self) -> None:
        """Stop listening; a last ring, for nobody, has the listener look up at once."""
        self._stop.set()
        self.ring("nobody")
        self._listener.join()

"""Serving the hub: gunicorn with a thread for every member that may wait, and more for the pages.

One worker serves a hub that keeps its state in a file; one on a PostgreSQL server may have several.

It speaks TLS 1.3 itself, or stands behind a proxy that does. Without either it listens on the loopback address alone.
"""

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication

from federation.web.listening import Listening, allow_files

if TYPE_CHECKING:
    from flask import Flask

SPARE_THREADS = 64
"""Threads beyond one for each member, so that pages answer while every node holds a line open."""

SPARE_CONNECTIONS = 1000
"""Connections beyond one for each thread, for those that are silent between two requests."""

FILES_EACH = 4
"""Files that a thread may need beside its connection: its own opening of the database among them."""


class HubServer(BaseApplication):  # type: ignore[misc]
    """Gunicorn around one hub."""

    def __init__(self, directory: Path, members: int, listening: Listening, options: dict[str, Any]) -> None:
        listening.check()
        listening.check_bindable()
        self._directory, self._members = directory, members
        self._listening, self._options = listening, options
        # Made before the workers are forked, so that all have it and it dies with the last of them.
        self._memory_key = secrets.token_bytes(32)
        super().__init__()

    def run(self) -> None:
        """Serve until told to stop."""
        # What workers run is read here, before they are forked: one that takes a fallen one's place is there at once.
        import hub.app  # noqa: F401

        super().run()

    def load_config(self) -> None:
        """Set gunicorn up: long polls want threads, in each worker as many as if every member came to it."""
        threads = self._members + SPARE_THREADS
        connections = threads + SPARE_CONNECTIONS
        allow_files(connections + FILES_EACH * threads)
        own = {
            "workers": 1,
            "worker_class": "hub.reception.Reception",
            "threads": threads,
            "worker_connections": connections,
            "keepalive": 60,
        }
        for name, value in {**self._listening.settings(), **own, **self._options}.items():
            self.cfg.set(name, value)

    def load(self) -> "Flask":
        """Open the hub inside the worker, where its threads and database connections belong."""
        from hub.app import open_app

        return self._listening.secure(open_app(self._directory, self._members + SPARE_THREADS // 2, self._memory_key))

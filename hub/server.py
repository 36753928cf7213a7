"""Serving the hub: gunicorn with one worker and a thread for every member that may wait, and more for the pages."""

import resource
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication

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

    def __init__(self, directory: Path, members: int, options: dict[str, Any]) -> None:
        self._directory, self._members, self._options = directory, members, options
        super().__init__()

    def load_config(self) -> None:
        """Set gunicorn up: SQLite wants one worker, and long polls want threads."""
        threads = self._members + SPARE_THREADS
        connections = threads + SPARE_CONNECTIONS
        allow_files(connections + FILES_EACH * threads)
        settings = {
            "workers": 1,
            "worker_class": "hub.reception.Reception",
            "threads": threads,
            "worker_connections": connections,
            "timeout": 120,
            "graceful_timeout": 5,
            "keepalive": 60,
            "accesslog": None,
            "loglevel": "warning",
            "limit_request_line": 4094,
            "control_socket_disable": True,
        }
        for name, value in {**settings, **self._options}.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> "Flask":
        """Open the hub inside the worker, where its threads and database connections belong."""
        from hub.app import open_app

        return open_app(self._directory, lines=self._members + SPARE_THREADS // 2)


def allow_files(wanted: int) -> None:
    """Have the system let this process open as many files as it wants, or as many as it may want at most.

    Without it the usual limit of 1024 would be reached by a few hundred connections, and the worker would fail.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))

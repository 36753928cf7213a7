"""Serving the hub: gunicorn with one worker and a thread for every member that may wait, and more for the pages."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication

if TYPE_CHECKING:
    from flask import Flask

SPARE_THREADS = 64
"""Threads beyond one for each member, so that pages answer while every node holds a line open."""


class HubServer(BaseApplication):  # type: ignore[misc]
    """Gunicorn around one hub."""

    def __init__(self, directory: Path, members: int, options: dict[str, Any]) -> None:
        self._directory, self._members, self._options = directory, members, options
        super().__init__()

    def load_config(self) -> None:
        """Set gunicorn up: SQLite wants one worker, and long polls want threads."""
        settings = {
            "workers": 1,
            "worker_class": "gthread",
            "threads": self._members + SPARE_THREADS,
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

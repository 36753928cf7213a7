"""Serving a node's pages: gunicorn with one worker and a few threads, beside the node's own polling."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication

from federation.web.listening import Listening

if TYPE_CHECKING:
    from flask import Flask

THREADS = 16
"""How many of an authority's people are served at once; a page that asks other nodes keeps one for some seconds."""


class PagesServer(BaseApplication):  # type: ignore[misc]
    """Gunicorn around one node's pages."""

    def __init__(self, directory: Path, listening: Listening) -> None:
        listening.check()
        self._directory, self._listening = directory, listening
        super().__init__()

    def load_config(self) -> None:
        """Set gunicorn up."""
        settings: dict[str, Any] = {
            "bind": self._listening.bind,
            "workers": 1,
            "worker_class": "gthread",
            "threads": THREADS,
            "timeout": 120,
            "graceful_timeout": 5,
            "accesslog": None,
            # Warnings are about requests that cannot be read: any stranger could fill the disk with them.
            "loglevel": "error",
            "limit_request_line": 4094,
            "control_socket_disable": True,
        }
        for name, value in {**settings, **self._listening.describe_tls()}.items():
            self.cfg.set(name, value)

    def load(self) -> "Flask":
        """Open the node inside the worker, where its threads and database connections belong."""
        from node.app import open_app

        return self._listening.secure(open_app(self._directory))

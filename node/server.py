"""Serving a node's pages: gunicorn with one worker and a few threads, beside the node's own polling."""

from pathlib import Path
from typing import TYPE_CHECKING

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
        listening.check_bindable()
        self._directory, self._listening = directory, listening
        super().__init__()

    def load_config(self) -> None:
        """Set gunicorn up."""
        own = {"workers": 1, "worker_class": "gthread", "threads": THREADS}
        for name, value in {**self._listening.settings(), **own}.items():
            self.cfg.set(name, value)

    def load(self) -> "Flask":
        """Open the node inside the worker, where its threads and database connections belong."""
        from node.app import open_app

        return self._listening.secure(open_app(self._directory))

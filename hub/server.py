"""Serving the hub: gunicorn with a thread for every member that may wait, and more for the pages.

One worker serves a hub that keeps its state in a file; one on a PostgreSQL server may have several.

It speaks TLS 1.3 itself, or stands behind a proxy that does. Without either it listens on the loopback address alone.
"""

import resource
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication

from federation.tls import TlsInvalid, is_loopback, server_context

if TYPE_CHECKING:
    from flask import Flask

SPARE_THREADS = 64
"""Threads beyond one for each member, so that pages answer while every node holds a line open."""

SPARE_CONNECTIONS = 1000
"""Connections beyond one for each thread, for those that are silent between two requests."""

FILES_EACH = 4
"""Files that a thread may need beside its connection: its own opening of the database among them."""


@dataclass(frozen=True)
class Listening:
    """Where the hub listens, and who speaks TLS for it: itself with a certificate, or a proxy in front."""

    bind: str
    certificate: Path | None = None
    key: Path | None = None
    behind_proxy: bool = False

    def check(self) -> None:
        """Raise `TlsInvalid` where members' requests would travel unprotected, or TLS cannot be spoken."""
        if (self.certificate is None) != (self.key is None):
            raise TlsInvalid("give both --tls-cert and --tls-key, or neither")
        if self.certificate is not None and self.key is not None:
            server_context(self.certificate, self.key)
        elif not self.behind_proxy and not is_loopback(self._host):
            raise TlsInvalid(
                f"{self.bind} can be reached from other machines: give --tls-cert and --tls-key, or say "
                "--behind-tls-proxy where a proxy in front speaks TLS"
            )

    @property
    def _host(self) -> str:
        return self.bind.rpartition(":")[0].strip("[]")

    @property
    def is_secure(self) -> bool:
        """Whether whoever visits the hub does so over TLS."""
        return self.behind_proxy or self.certificate is not None


class HubServer(BaseApplication):  # type: ignore[misc]
    """Gunicorn around one hub."""

    def __init__(self, directory: Path, members: int, listening: Listening, options: dict[str, Any]) -> None:
        listening.check()
        self._directory, self._members = directory, members
        self._listening, self._options = listening, options
        # Made before the workers are forked, so that all have it and it dies with the last of them.
        self._memory_key = secrets.token_bytes(32)
        super().__init__()

    def load_config(self) -> None:
        """Set gunicorn up: long polls want threads, in each worker as many as if every member came to it."""
        threads = self._members + SPARE_THREADS
        connections = threads + SPARE_CONNECTIONS
        allow_files(connections + FILES_EACH * threads)
        settings = {
            "bind": self._listening.bind,
            "workers": 1,
            "worker_class": "hub.reception.Reception",
            "threads": threads,
            "worker_connections": connections,
            "timeout": 120,
            "graceful_timeout": 5,
            "keepalive": 60,
            "accesslog": None,
            # Warnings are about requests that cannot be read: any stranger could fill the disk with them.
            "loglevel": "error",
            "limit_request_line": 4094,
            "control_socket_disable": True,
        }
        for name, value in {**settings, **self._options, **self._describe_tls()}.items():
            self.cfg.set(name, value)

    def _describe_tls(self) -> dict[str, Any]:
        certificate, key = self._listening.certificate, self._listening.key
        if certificate is None or key is None:
            return {}
        # gunicorn's own context would speak older versions too. Ours is made once, before the workers are forked.
        context = server_context(certificate, key)
        return {"certfile": str(certificate), "keyfile": str(key), "ssl_context": lambda _config, _default: context}

    def load(self) -> "Flask":
        """Open the hub inside the worker, where its threads and database connections belong."""
        from hub.app import open_app

        app = open_app(self._directory, self._members + SPARE_THREADS // 2, self._memory_key)
        if self._listening.is_secure:
            app.wsgi_app = partial(_answer_secure, app.wsgi_app)  # type: ignore[method-assign]
        return app


def _answer_secure(application: Callable[..., Any], environ: dict[str, Any], start_response: Any) -> Any:
    """Have cookies and links made for https, whatever the proxy in front says of itself, or nothing."""
    environ["wsgi.url_scheme"] = "https"
    return application(environ, start_response)


def allow_files(wanted: int) -> None:
    """Have the system let this process open as many files as it wants, or as many as it may want at most.

    Without it the usual limit of 1024 would be reached by a few hundred connections, and the worker would fail.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))

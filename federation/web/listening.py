"""Where a party listens for HTTP, and who speaks TLS for it: itself, or a proxy in front; else this machine alone.

Shared by the hub and by the pages of a node: gunicorn serves both.
"""

import errno
import resource
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from federation.state import StateError
from federation.tls import TlsInvalid, is_loopback, server_context

if TYPE_CHECKING:
    from flask import Flask


@dataclass(frozen=True)
class Listening:
    """Where a party listens, and who speaks TLS for it: itself with a certificate, or a proxy in front."""

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

    def check_bindable(self) -> None:
        """Raise `StateError` where this user or this machine cannot listen there: a server would only try again.

        One that is taken is not looked for: whoever has it may be about to end.
        """
        host, _, port = self.bind.rpartition(":")
        if not port.isdecimal():
            return
        try:
            _bind_once(host.strip("[]"), int(port))
        except PermissionError:
            raise StateError(
                f"{self.bind}: this user may not listen on a port below 1024. Take a higher one behind a proxy, or "
                "give the service the capability CAP_NET_BIND_SERVICE (docs/going-live.md)"
            ) from None
        except OSError as error:
            if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
                raise StateError(
                    f"{self.bind}: this machine has no such address. Give one of its own, or 0.0.0.0 for all of them"
                ) from None

    @property
    def _host(self) -> str:
        return self.bind.rpartition(":")[0].strip("[]")

    @property
    def is_secure(self) -> bool:
        """Whether whoever visits does so over TLS."""
        return self.behind_proxy or self.certificate is not None

    def settings(self) -> dict[str, Any]:
        """Return gunicorn's settings that do not depend on who listens, and those of our own certificate."""
        return {
            "bind": self.bind,
            "timeout": 120,
            "graceful_timeout": 5,
            "accesslog": None,
            "logger_class": "federation.web.server_log.ServerLog",
            # Warnings are about requests that cannot be read: any stranger could fill the disk with them.
            "loglevel": "error",
            "limit_request_line": 4094,
            "control_socket_disable": True,
            **self._describe_tls(),
        }

    def _describe_tls(self) -> dict[str, Any]:
        if self.certificate is None or self.key is None:
            return {}
        # gunicorn's own context would speak older versions too. Ours is made once, before the workers are forked.
        context = server_context(self.certificate, self.key)
        return {
            "certfile": str(self.certificate),
            "keyfile": str(self.key),
            "ssl_context": lambda _config, _default: context,
        }

    def secure(self, app: "Flask") -> "Flask":
        """Have an application make its cookies and links for https, if visitors come over TLS."""
        if self.behind_proxy:
            # For counting whose sign-ins fail; a proxy adds the address that it was called from at the end.
            from werkzeug.middleware.proxy_fix import ProxyFix

            app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=0)  # type: ignore[method-assign]
        if self.is_secure:
            app.wsgi_app = partial(_answer_secure, app.wsgi_app)  # type: ignore[method-assign]
        return app


def _answer_secure(application: Callable[..., Any], environ: dict[str, Any], start_response: Any) -> Any:
    """Have cookies and links made for https, whatever the proxy in front says of itself, or nothing."""
    environ["wsgi.url_scheme"] = "https"
    return application(environ, start_response)


def _bind_once(host: str, port: int) -> None:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        tried.bind(address)


def allow_files(wanted: int) -> None:
    """Have the system let this process open as many files as it wants, or as many as it may want at most.

    Without it the usual limit of 1024 would be reached by a few hundred connections, and the worker would fail.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))

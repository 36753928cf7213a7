"""The log of the web server itself, in the form in which the rest of the service writes.

Where lines are JSON there is one for each request: by which method, at which of the site's rules, with which status,
how long it took, and in which worker (`process`). It is for operating the service. Neither who asked nor what was asked
for is in it: that is in the party's own log, kept as long as it must be.
"""

import logging
from datetime import timedelta
from typing import Any, Protocol

from gunicorn.config import Config
from gunicorn.glogging import Logger

from federation.service_log import JsonLines, is_structured, told
from federation.web.routes import read_route

__all__ = ["ServerLog"]

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"})
"""HTTP's own (RFC 9110, section 9, and RFC 5789)."""

OTHER_METHOD = "other"
"""What stands for a method that is none of HTTP's: whoever asks could write anything there."""

log = logging.getLogger("circe.web")


class _Answer(Protocol):
    """What gunicorn tells of its answer to a request."""

    status_code: int


class ServerLog(Logger):  # type: ignore[misc]
    """gunicorn's own, whose handlers write JSON where the service does."""

    def setup(self, cfg: Config) -> None:
        """Make the handlers, as gunicorn does once for each configuration."""
        super().setup(cfg)
        if is_structured():
            for handler in self.error_log.handlers:
                handler.setFormatter(JsonLines())

    def access(self, resp: _Answer, req: object, environ: dict[str, Any], request_time: timedelta) -> None:
        """Write the line of a request that was answered, where lines are JSON."""
        if is_structured():
            method = environ["REQUEST_METHOD"]
            method = method if method in METHODS else OTHER_METHOD
            route, status = read_route(environ), resp.status_code
            seconds = round(request_time.total_seconds(), 3)
            fields = told(method=method, route=route, status=status, seconds=seconds)
            log.info("%s %s: %s", method, route, status, extra=fields)

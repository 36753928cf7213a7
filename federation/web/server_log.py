"""The log of the web server itself, in the form in which the rest of the service writes.

Where lines are JSON there is one for each request: by which method, at which of the site's rules, with which status,
how long it took, and in which worker (`process`). It is for operating the service. Neither who asked nor what was asked
for is in it: that is in the party's own log, kept as long as it must be.
"""

import logging
import sys
from datetime import timedelta
from typing import Any, Protocol

from gunicorn.config import Config
from gunicorn.glogging import Logger

from federation.service_log import JsonLines, describe_error, is_structured, told
from federation.web.routes import read_route

__all__ = ["ServerLog"]

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"})
"""HTTP's own (RFC 9110, section 9, and RFC 5789)."""

OTHER_METHOD = "other"
"""What stands for a method that is none of HTTP's: whoever asks could write anything there."""

QUOTES_THE_REQUEST = "Error handling request"
"""How gunicorn begins what it says of an error above the application; the whole address follows."""

log = logging.getLogger("circe.web")


class _Answer(Protocol):
    """What gunicorn tells of its answer to a request."""

    status: str | None
    """The status line, such as `200 OK`; of what gunicorn refused itself nothing else is there."""


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
            route, status = read_route(environ), _read_status(resp.status)
            seconds = round(request_time.total_seconds(), 3)
            fields = told(method=method, route=route, status=status, seconds=seconds)
            log.info("%s %s: %s", method, route, status, extra=fields)

    def exception(self, msg: object, *args: object, **kwargs: Any) -> None:
        """Write an error that nobody foresaw; of a request the error's kind and place, and not what was asked."""
        if not str(msg).startswith(QUOTES_THE_REQUEST):
            super().exception(msg, *args, **kwargs)
            return
        fields = describe_error(sys.exc_info()[1])
        what = " at ".join(fields.values())
        self.error_log.error("a request could not be answered: %s", what, extra=told(**fields))


def _read_status(line: str | None) -> int | None:
    """Return the code of a status line; None where nothing was answered."""
    return int(line.split()[0]) if line else None

"""The log of the web server itself, in the form in which the rest of the service writes.

There is an error log and no access log: who looked at what is in the party's own log, kept as long as it must be.
"""

from gunicorn.config import Config
from gunicorn.glogging import Logger

from federation.service_log import JsonLines, is_structured

__all__ = ["ServerLog"]


class ServerLog(Logger):  # type: ignore[misc]
    """gunicorn's own, whose handlers write JSON where the service does."""

    def setup(self, cfg: Config) -> None:
        """Make the handlers, as gunicorn does once for each configuration."""
        super().setup(cfg)
        if is_structured():
            for handler in (*self.error_log.handlers, *self.access_log.handlers):
                handler.setFormatter(JsonLines())

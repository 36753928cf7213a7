"""What the hub does by itself: again and again, in a thread of its own, whatever goes wrong with one time."""

import logging
import threading
from collections.abc import Callable

from federation.service_log import name_error

__all__ = ["keep_doing"]

log = logging.getLogger("circe.hub")


def keep_doing(what: str, act: Callable[[], object], seconds: float, stop: threading.Event) -> threading.Thread:
    """Act every so many seconds until told to stop; an error is logged under `what` it is, and the next time comes."""

    def run() -> None:
        while not stop.wait(seconds):
            try:
                act()
            except Exception as error:
                log.error("%s: %s", what, name_error(error))  # noqa: TRY400 - no traceback

    thread = threading.Thread(target=run, name=what, daemon=True)
    thread.start()
    return thread

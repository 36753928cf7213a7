"""Days as people type them: as British forms have them, 31/12/2015, or as files do, 2015-12-31."""

import re
from datetime import date

__all__ = ["DAY_FORMS", "read_day"]

DAY_FORMS = "31/03/2025 or 2025-03-31"
"""How a day is written, for whoever wrote it otherwise."""

_BRITISH = re.compile(r"([0-9]{1,2})[/. ]([0-9]{1,2})[/. ]([0-9]{4})", re.ASCII)
_OF_FILES = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def read_day(text: str) -> date:
    """Return the day that somebody typed. Raises `ValueError`, which repeats nothing of it."""
    typed = text.strip()
    try:
        if _OF_FILES.fullmatch(typed):
            return date.fromisoformat(typed)
        if found := _BRITISH.fullmatch(typed):
            return date(int(found[3]), int(found[2]), int(found[1]))
    except ValueError:
        pass  # A day that no calendar has is told of as what is no day at all.
    raise ValueError(f"write the day as {DAY_FORMS}")

"""Days as people are told them: 3 March 2025, and never as a program writes them."""

from datetime import date

__all__ = ["tell_day"]


def tell_day(day: date | str) -> str:
    """Return a day, or the day of a moment, as people read it. A text that is neither is returned as it is."""
    try:
        told = date.fromisoformat(day[:10]) if isinstance(day, str) else day
    except ValueError:
        return str(day)  # Another node may have written anything.
    return f"{told.day} {told:%B %Y}"

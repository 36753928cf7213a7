"""Moments as commands take them: a day or a second in UTC, and at the end of a span a day with all that is in it."""

from datetime import datetime, timedelta
from typing import Any

import click

__all__ = ["END", "MOMENT"]

_DAY = "%Y-%m-%d"
_FORMS = (_DAY, "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ")


class _End(click.DateTime):
    """Where a span ends, that moment not included: after the last second of a day, where a day alone is given."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the moment. A day alone is included, as it is at the pages."""
        found: datetime = super().convert(value, param, ctx)
        if not isinstance(value, str) or "T" in value:
            return found
        try:
            return found + timedelta(days=1)
        except OverflowError:
            self.fail("there is no day after it: leave it out for a span without an end", param, ctx)


MOMENT = click.DateTime(list(_FORMS))
"""A moment, or the beginning of a day."""

END = _End(list(_FORMS))
"""The end of a span."""

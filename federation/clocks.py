"""Two clocks compared: a member's own, and the hub's as its answers show it (the `Date` of RFC 9110).

A signed request is accepted while the clocks are at most `MAX_AGE` apart, so a difference is tolerated. It is measured
all the same, and told before it grows too large. The hub's clock sets nothing: whoever runs the hub could move it.
"""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from federation.http_signatures import MAX_AGE

WORTH_TELLING = timedelta(seconds=30)
"""How far apart clocks may be before anyone is told; machines that keep time are within a second."""

SETTLED = timedelta(seconds=20)
"""How near they must come before we say that they agree again."""

_HALF_A_SECOND = timedelta(seconds=0.5)
"""A `Date` has whole seconds, so the moment it stands for is half a second later on average."""


class ClockWatch:
    """How far our clock is ahead of the hub's, by its last answer; `news` tells of every change worth telling once."""

    def __init__(self) -> None:
        self.ahead: timedelta | None = None
        """Negative where our clock is behind; None before the hub has told the time."""
        self._told = False

    def observe(self, date: str, now: datetime) -> None:
        """Take in the `Date` of an answer that came in just now; one that is none says nothing."""
        try:
            there = parsedate_to_datetime(date)
            if there.tzinfo is not None:
                self.ahead = now.astimezone(UTC) - there.astimezone(UTC) - _HALF_A_SECOND
        except (ValueError, OverflowError):
            return

    def describe(self) -> str:
        """Say how the clocks stand to each other, in one sentence without a full stop."""
        if self.ahead is None:
            return "the hub has not told the time"
        seconds = round(self.ahead.total_seconds())
        if abs(seconds) < 1:
            return "this machine's clock agrees with the hub's"
        return f"this machine's clock is {abs(seconds)} s {'ahead of' if seconds > 0 else 'behind'} the hub's"

    def news(self) -> str:
        """Return a sentence when the clocks have drifted apart, or agree again, since we last told; else nothing."""
        apart = abs(self.ahead or timedelta())
        if not self._told and apart > WORTH_TELLING:
            self._told = True
            limit = MAX_AGE.total_seconds()
            return f"{self.describe()}: have it set, since beyond {limit:.0f} s the hub refuses what we send"
        if self._told and apart < SETTLED:
            self._told = False
            return self.describe()
        return ""

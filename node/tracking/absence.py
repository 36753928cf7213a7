"""Attendance to date, and every day away from learning, whatever the cause.

The thresholds are those of the Department for Education: persistently absent who misses a tenth of the possible
sessions or more, severely absent who misses half or more. Days away are counted as the policy paper proposes, in one
total for any cause.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from node.terms import term_of
from node.tracking.facts import Admission, Attendance, TimeAway

Level = Literal["", "persistent", "severe"]


@dataclass(frozen=True)
class ToDate:
    """The sessions of an academic year so far."""

    possible: int
    authorised: int
    unauthorised: int

    @property
    def rate(self) -> float | None:
        """The share of sessions attended; None where none was possible."""
        return 1 - (self.authorised + self.unauthorised) / self.possible if self.possible else None

    @property
    def level(self) -> Level:
        """Whether that is persistent or severe absence."""
        return level_of(self.rate)


def level_of(rate: float | None) -> Level:
    """Whether a share of sessions attended is persistent or severe absence: 90 per cent or less, 50 or less."""
    # To the sixth place, so that nine tenths are not lost to binary fractions.
    if rate is None or round(rate, 6) > 0.9:
        return ""
    return "severe" if round(rate, 6) <= 0.5 else "persistent"


def attendance_to_date(terms: Iterable[Attendance], academic_year: int) -> ToDate:
    """The sum of the terms of an academic year."""
    told = [each for each in terms if int(each.term[:6]) == academic_year]
    return ToDate(
        sum(each.possible for each in told),
        sum(each.authorised for each in told),
        sum(each.unauthorised for each in told),
    )


@dataclass(frozen=True)
class DaysAway:
    """The days away from learning of one cause in an academic year, in how many times, and whether one goes on."""

    cause: str
    days: Decimal
    times: int
    goes_on: bool


def days_away(times: Iterable[TimeAway], academic_year: int, today: date) -> tuple[DaysAway, ...]:
    """The days away by cause, of the times that began in an academic year."""
    begun = [each for each in times if term_of(each.start_date).academic_year == academic_year]
    return tuple(
        DaysAway(
            cause,
            sum((days_of(each, today) for each in begun if each.cause == cause), Decimal(0)),
            sum(each.cause == cause for each in begun),
            any(each.cause == cause and each.end_date is None for each in begun),
        )
        for cause in dict.fromkeys(each.cause for each in begun)
    )


def days_of(time: TimeAway, today: date) -> Decimal:
    """The days of one time away: as they were set down, or else its weekdays so far."""
    if time.days is not None:
        return time.days
    last = min(time.end_date or today, today)
    weekdays = sum(
        (time.start_date + timedelta(days=n)).weekday() < 5 for n in range((last - time.start_date).days + 1)
    )
    return Decimal(weekdays)


def days_to_roll(admission: Admission, today: date) -> int:
    """The days from the request for a place until the child was on the roll, or until today."""
    return max(0, ((admission.on_roll_date or today) - admission.request_date).days)

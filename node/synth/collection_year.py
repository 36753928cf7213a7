"""One year of collections: the return year of the SSDA903 and the three terms of the School Census.

A day is its proleptic Gregorian ordinal, an integer: hundreds of thousands of dates are compared, and few printed.
"""

from dataclasses import dataclass
from datetime import date
from functools import cache

Day = int
"""A day as `date.toordinal` counts it."""

FIRST_YEAR, LAST_YEAR = 202122, 202526
"""The academic years whose tables we write: the earliest that a node reads, to the last without table DoLo."""

FIRST_SOCIAL_WORKERS = 202324
"""The first year whose return asks for social workers."""

FIRST_SUPPORTED = 202425
"""The first year whose return knows supported accommodation (K3); before, it was semi-independent living (H5)."""

FIRST_REGULATED = 202324
"""The first year whose return gives Ofsted numbers of semi-independent living: it was not inspected before."""

FIRST_OTHER_KINDS = 202526
"""The first year whose return tells other placements (Z1) apart, as Z11 to Z14."""

DAYS_A_YEAR = 365.25
DAYS_A_MONTH = DAYS_A_YEAR / 12


@dataclass(frozen=True, slots=True)
class Term:
    """A term: first and last day, census day, and the half-day sessions a pupil could attend."""

    name: str
    calendar_year: int
    first: Day
    last: Day
    census: Day
    sessions: int


@dataclass(frozen=True, slots=True)
class CollectionYear:
    """The return year from `start` to `end`, and the school year it goes with."""

    academic_year: int
    start: Day
    end: Day
    age_day: Day
    """31 August before the school year: age on this day decides the year group."""
    terms: tuple[Term, ...]

    @property
    def spoken(self) -> str:
        """The academic year as results files write it: 2024/2025."""
        return spoken_year(self.academic_year // 100)

    @property
    def sexes(self) -> tuple[str, str]:
        """The SSDA903 codes of male and female: letters from the 2024/25 return, figures before."""
        return ("M", "F") if self.academic_year >= 202425 else ("1", "2")


def collection_year(academic_year: int) -> CollectionYear:
    """The collections of `academic_year`, written 202425; raises ValueError for a year we have no tables for."""
    first = academic_year // 100
    if not FIRST_YEAR <= academic_year <= LAST_YEAR or academic_year % 100 != (first + 1) % 100:
        raise ValueError(f"the academic year is one of {FIRST_YEAR} to {LAST_YEAR}, written like 202425")
    second = first + 1
    terms = (
        Term("autumn", first, day(first, 9, 2), day(first, 12, 20), _thursday(first, 10, 1), 140),
        Term("spring", second, day(second, 1, 6), day(second, 4, 4), _thursday(second, 1, 3), 118),
        Term("summer", second, day(second, 4, 22), day(second, 7, 22), _thursday(second, 5, 3), 116),
    )
    return CollectionYear(academic_year, day(first, 4, 1), day(second, 3, 31), day(first, 8, 31), terms)


def collection_year_of(then: Day) -> CollectionYear:
    """The collections of the return year that a day lies in; raises ValueError for one we have no tables for."""
    first = date.fromordinal(return_year_start(then)).year
    return collection_year(first * 100 + (first + 1) % 100)


def collection_years(last: int, count: int) -> tuple[CollectionYear, ...]:
    """`count` consecutive years ending with `last`, in order; raises ValueError when we have no tables for one."""
    if count < 1:
        raise ValueError("the number of years is 1 or more")
    firsts = [last // 100 - back for back in range(count - 1, 0, -1)]
    return (*(collection_year(first * 100 + (first + 1) % 100) for first in firsts), collection_year(last))


def day(year: int, month: int, of_month: int) -> Day:
    """The day of a calendar date."""
    return date(year, month, of_month).toordinal()


def _thursday(year: int, month: int, nth: int) -> Day:
    first = date(year, month, 1)
    return first.toordinal() + (3 - first.weekday()) % 7 + 7 * (nth - 1)


def birthday(born: Day, age: int) -> Day:
    """The day someone turns `age`; those born on 29 February do so on 1 March in a common year."""
    then = date.fromordinal(born)
    if (then.month, then.day) == (2, 29) and not _is_leap(then.year + age):
        return day(then.year + age, 3, 1)
    return then.replace(year=then.year + age).toordinal()


def birthday_by_the_rules(born: Day, age: int) -> Day:
    """The birthday as the checks of the return count it: 28 February in a common year for those born on the 29th."""
    then = birthday(born, age)
    return then if date.fromordinal(then).day == date.fromordinal(born).day else then - 1


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def return_year_start(then: Day) -> Day:
    """The 1 April on or before a day: the first day of its return year."""
    april = day(date.fromordinal(then).year, 4, 1)
    return april if april <= then else day(date.fromordinal(then).year - 1, 4, 1)


def age_on(born: Day, then: Day) -> int:
    """Completed years on a day."""
    first, second = date.fromordinal(born), date.fromordinal(then)
    return second.year - first.year - ((second.month, second.day) < (first.month, first.day))


def year_group(born: Day, year: CollectionYear) -> int:
    """The national curriculum year, 0 for Reception; below 0 under school age."""
    return age_on(born, year.age_day) - 4


def spoken_year(first: int) -> str:
    """The academic year that began in a calendar year, as results files write it: 2024/2025."""
    return f"{first}/{first + 1}"


@cache
def return_date(then: Day) -> str:
    """A day as the SSDA903 writes it: 31/03/2025."""
    return date.fromordinal(then).strftime("%d/%m/%Y")


@cache
def census_date(then: Day) -> str:
    """A day as School Census extracts write it: 2025-Mar-31 00:00:00."""
    when = date.fromordinal(then)
    return f"{when.year}-{_MONTHS[when.month - 1]}-{when.day:02} 00:00:00"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

"""Which academic year, and for a census which term, the rows of a file are about.

A return for the year ending 31 March Y and the census terms autumn Y-1, spring Y and summer Y belong to academic
year (Y-1)Y, written as six figures: 202425.
"""

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

TERMS = ("autumn", "spring", "summer")
_TERM_CODES = {"AUT": "autumn", "SPR": "spring", "SUM": "summer"}
_HINTS = (
    re.compile(r"(?P<year>20\d\d)[ _-]?(?P<term>autumn|spring|summer)", re.IGNORECASE),
    re.compile(r"(?P<term>autumn|spring|summer)[ _-]?(?P<year>20\d\d)", re.IGNORECASE),
)


@dataclass(frozen=True, slots=True)
class Period:
    """An academic year, and the term where the rows are those of a termly census; or no year, for a register."""

    academic_year: int
    term: str | None = None

    def __str__(self) -> str:
        if self == UNDATED:
            return _UNDATED
        return f"{self.academic_year}" if self.term is None else f"{self.academic_year}-{self.term}"

    @classmethod
    def parse(cls, text: str) -> "Period":
        """The period that `str` wrote. Raises `ValueError`."""
        if text == _UNDATED:
            return UNDATED
        year, _, term = text.partition("-")
        if term and term not in TERMS:
            raise ValueError("a term is autumn, spring or summer")
        return cls(int(year), term or None)

    @property
    def rank(self) -> tuple[int, int]:
        """Later periods have higher ranks. A return is made in spring."""
        return self.academic_year, TERMS.index(self.term or "spring")


_UNDATED = "undated"
UNDATED = Period(0)
"""The period of a register, which tells how things stand on its day."""


def academic_year_ending(year: int) -> int:
    """The academic year that ends in a calendar year: 2025 gives 202425."""
    return (year - 1) * 100 + year % 100


def year_of_return(latest: date) -> int:
    """The calendar year of the 31 March on or after a day."""
    return latest.year + (latest > date(latest.year, 3, 31))


def census_period(year: int, term: str) -> Period:
    """The period of a census taken in a calendar year and term; `term` may be a code (AUT) or a name."""
    name = _TERM_CODES.get(term, term.lower())
    return Period(academic_year_ending(year + (name == "autumn")), name)


def period_of_day(day: date) -> Period:
    """The school term that a day falls in; the summer holidays belong to summer."""
    term = "autumn" if day.month >= 9 else "spring" if day.month < 4 else "summer"
    return census_period(day.year, term)


def period_named(path: Path) -> Period | None:
    """The census term that a file's name, or the name of its directory, gives away: `2025_spring_...`."""
    for name in (path.name, path.parent.name):
        for hint in _HINTS:
            if found := hint.search(name):
                return census_period(int(found["year"]), found["term"])
    return None

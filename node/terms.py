"""School terms: the one a day falls in, and the day on which one begins.

Autumn begins on 1 September, spring on 1 January and summer on 1 April, as the School Census counts them.
"""

from datetime import date

from federation.state import StateError
from node.ingest.periods import Period

_FIRST_MONTHS = {"autumn": 9, "spring": 1, "summer": 4}


def parse_term(text: str) -> Period:
    """The term written like `202425-summer`. Raises `StateError`."""
    try:
        term = Period.parse(text)
    except ValueError:
        term = None
    first, last = divmod(term.academic_year, 100) if term else (0, 0)
    if term is None or term.term is None or not 2000 <= first < 2100 or (first + 1) % 100 != last or str(term) != text:
        raise StateError(f"{text!r} is no term: write the academic year and the term, such as 202425-summer")
    return term


def term_of(day: date) -> Period:
    """The term that a day falls in; the summer holidays belong to summer."""
    first = day.year if day.month >= 9 else day.year - 1
    name = "autumn" if day.month >= 9 else "spring" if day.month < 4 else "summer"
    return Period(first * 100 + (first + 1) % 100, name)


def first_day(term: Period) -> date:
    """The day on which a term begins."""
    assert term.term is not None
    return date(term.academic_year // 100 + (term.term != "autumn"), _FIRST_MONTHS[term.term], 1)

"""Which columns of a table hold numbers to be compared: on pages and on paper they stand to the right.

A number that names something (a child, a school, an entry) is no such number, nor is a grade.
"""

import re
from collections.abc import Collection, Sequence

from disclosure_control.symbols import Symbol

NAMED = frozenset(
    {"child", "number", "upn", "school", "school urn", "establishment", "home", "host authority", "home authority"}
    | {"school's urn", "new school's urn", "authority", "entry", "year", "year group", "academic year"}
    | {"grade at entry to care", "target", "school expects", "reached"}
)
"""Headings of columns whose figures are names, or words of a scale."""

NONE_TOLD = frozenset({"", "-", "low", *Symbol})
"""What stands in place of a number that is not there, or not shown."""

_ONE = r"[-+]?\d[\d,]*(\.\d+)?"
_NUMBER = re.compile(rf"{_ONE}( to {_ONE})?%?( \({_ONE} to {_ONE}%\))?")
"""A number or a share, or where one lies, or both."""


def find_number_places(headings: Sequence[str], rows: Collection[Sequence[object]]) -> tuple[bool, ...]:
    """Return of each column whether it tells numbers and nothing else. The first names the rows, and is none."""
    return tuple(
        bool(place) and _is_of_numbers(heading, [row[place] for row in rows if place < len(row)])
        for place, heading in enumerate(headings)
    )


def find_number_columns(headings: Sequence[str], rows: Collection[Sequence[object]]) -> frozenset[str]:
    """Return the headings of those columns."""
    places = find_number_places(headings, rows)
    return frozenset(heading for heading, is_of_numbers in zip(headings, places, strict=True) if is_of_numbers)


def _is_of_numbers(heading: str, column: Sequence[object]) -> bool:
    told = [each for each in column if each is not None and str(each).strip() not in NONE_TOLD]
    return heading.lower().replace("_", " ") not in NAMED and bool(told) and all(map(_is_number, told))


def _is_number(told: object) -> bool:
    return not isinstance(told, bool) and _NUMBER.fullmatch(str(told).strip()) is not None

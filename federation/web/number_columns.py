"""Which columns of a table hold numbers to be compared: they stand to the right, one under the other.

A number that names something (a child, a school, an entry) is no such number, nor is a grade.
"""

import re
from collections.abc import Iterable, Sequence

NAMED = frozenset(
    {"child", "number", "upn", "school", "school urn", "establishment", "home", "host authority", "home authority"}
    | {"authority", "entry", "year", "year group", "academic year", "grade", "target", "reached", "starting point"}
)
"""Headings of columns whose figures are names, or words of a scale."""

NONE_TOLD = frozenset({"", "-", "c", "x", "z", "k", "low", "u"})
"""What stands in place of a number that is not there, or not shown."""

_NUMBER = re.compile(r"[-+]?\d[\d,]*(\.\d+)?( to [-+]?\d[\d,]*(\.\d+)?)?[ \u00a0]?%?")


def is_number(told: object) -> bool:
    """Whether what a cell tells is a number, a share, or where one lies."""
    return not isinstance(told, bool) and told is not None and _NUMBER.fullmatch(str(told).strip()) is not None


def find_number_columns(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> frozenset[str]:
    """Return the headings of the columns that tell numbers and nothing else. The first names the rows, and is none."""
    columns = zip(*rows, strict=False)
    return frozenset(
        heading for heading, column in list(zip(headings, columns, strict=False))[1:] if _is_of_numbers(heading, column)
    )


def _is_of_numbers(heading: str, column: Sequence[object]) -> bool:
    told = [each for each in column if each is not None and str(each).strip() not in NONE_TOLD]
    return heading.lower().replace("_", " ") not in NAMED and bool(told) and all(map(is_number, told))

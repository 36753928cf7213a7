"""Kinds of rows by which children are counted, set against each other: which is part of which, and what makes up one.

A child can have rows of several kinds, so that children of several kinds do not add up. But whoever has a row of a
narrower kind has one of a wider, and whoever has one of a kind has one of those that make it up.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce

from disclosure_control.linked.counted import MOST_KINDS, Kind
from query_engine.planning.region import Region, columns_of, intersect, unite

__all__ = ["Nested", "nest_kinds"]


@dataclass(frozen=True)
class Nested:
    """A kind, the widest that are narrower and told by the same columns, and whether these make it up together."""

    wide: Kind
    narrow: tuple[Kind, ...]
    covers: bool


def nest_kinds(kinds: Sequence[Kind]) -> Iterator[Nested]:
    """What is known of these kinds; where there are too many of a table, nothing. Raises `RegionTangled`."""
    tables: dict[str, list[Region]] = {}
    for table, rows in kinds:
        tables.setdefault(table, []).append(rows)
    for table, own in tables.items():
        for wide in own if len(own) <= MOST_KINDS else ():
            for narrow in _widest([each for each in own if each != wide and _is_within(each, wide)]):
                covers = reduce(unite, narrow) == wide
                yield Nested((table, wide), tuple((table, each) for each in narrow), covers)


def _widest(kinds: Sequence[Region]) -> list[list[Region]]:
    """Those that are in none of the others, by the columns that tell them."""
    found: dict[frozenset[str], list[Region]] = {}
    for each in kinds:
        found.setdefault(columns_of(each), []).append(each)
    return [
        [each for each in alike if not any(each != other and _is_within(each, other) for other in alike)]
        for alike in found.values()
    ]


@lru_cache(maxsize=1 << 16)
def _is_within(narrow: Region, wide: Region) -> bool:
    return intersect(narrow, wide) == narrow

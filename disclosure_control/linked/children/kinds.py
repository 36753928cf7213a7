"""Kinds of rows by which children are counted, set against each other: which is part of which, and what makes up one.

A child can have rows of several kinds, in one table or in several, so that children of several kinds do not add up.
But whoever has a row of a narrower kind has one of a wider, whoever has any row at all is a child of the record, and
whoever has one of a kind has one of those that make it up.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce

from disclosure_control.linked.children.facts import Need
from disclosure_control.linked.children.overlaps import is_within
from disclosure_control.linked.children.parts import TooTangled
from query_engine.planning.region import Region, columns_of, unite

__all__ = ["Needs", "Nested", "nest_kinds"]

MOST_KINDS = 512
"""Kinds of rows that are set against each other."""

Needs = frozenset[Need]
"""Which rows a child has to have to be of a kind."""


@dataclass(frozen=True)
class Nested:
    """A kind, and some narrower ones of which none is in another; `covers` says whether they make it up together."""

    wide: Needs
    narrow: tuple[Needs, ...]
    covers: bool


@lru_cache(maxsize=1 << 12)
def nest_kinds(kinds: tuple[Needs, ...]) -> tuple[Nested, ...]:
    """What is known of these kinds. Raises `RegionTangled` and `TooTangled`."""
    if len(kinds) > MOST_KINDS:
        raise TooTangled(f"children are counted by more than {MOST_KINDS} kinds of rows")
    return tuple(each for wide in kinds for each in _nest(wide, kinds))


def _nest(wide: Needs, kinds: Sequence[Needs]) -> Iterator[Nested]:
    inside = [each for each in kinds if each != wide and _is_narrower(each, wide)]
    alike = _by_one_table(wide, inside)
    for (table, _), several in alike.items():
        widest = [each for each in several if not _is_in_another(each, several)]
        whole = next(region for name, region in wide if name == table)
        rows: list[Region] = [region for each in widest for name, region in each if name == table]
        yield Nested(wide, tuple(widest), reduce(unite, rows) == whole)
    others = [each for each in inside if not any(each in several for several in alike.values())]
    if widest := [each for each in others if not _is_in_another(each, inside)]:
        yield Nested(wide, tuple(widest), covers=False)


def _by_one_table(wide: Needs, inside: Sequence[Needs]) -> dict[tuple[str, frozenset[str]], list[Needs]]:
    """The kinds that ask for other rows of one table alone, by that and the columns that tell the rows."""
    found: dict[tuple[str, frozenset[str]], list[Needs]] = {}
    for each in inside:
        own, others = each - wide, wide - each
        if len(own) == len(others) == 1:
            (table, region), (name, _) = next(iter(own)), next(iter(others))
            if table == name:
                found.setdefault((table, columns_of(region)), []).append(each)
    return found


def _is_in_another(one: Needs, kinds: Sequence[Needs]) -> bool:
    return any(each != one and _is_narrower(one, each) for each in kinds)


@lru_cache(maxsize=1 << 17)
def _is_narrower(narrow: Needs, wide: Needs) -> bool:
    """Whether whoever has the rows of one kind has those of the other."""
    return all(any(table == name and is_within(own, rows) for name, own in narrow) for table, rows in wide)

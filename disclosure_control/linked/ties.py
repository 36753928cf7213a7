"""Ties: which questions tell of each other, and which two tell with a third what neither tells with it alone.

Conditions that have nothing to do with each other leave every combination possible: somebody can meet both, either and
neither. What is counted by one of them then says nothing of what is counted by the other but what it says by itself. So
a question is tied to another where some combination is not possible, or where one of them is by columns that the other
names, or that the catalogue says something of beside those. Two tell with a third where the three are tied to each
other; if that is by conditions alone, some combination has to be impossible among those who meet the third, or do not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, combinations, islice, product
from operator import attrgetter

from disclosure_control.linked.children.counted import Columns, Counted, counts_of
from disclosure_control.linked.children.overlaps import overlap
from disclosure_control.linked.children.parts import TooTangled, cut
from disclosure_control.linked.counts.links import bases_of, count_all
from query_engine.planning.plan import QueryPlan
from query_engine.planning.region import Region, RegionTangled, columns_of, intersect, project

__all__ = ["Parts", "are_tied", "combine", "named_columns", "parts_beside", "tell_together"]

MOST_COMBINED = 4_000
"""Combinations of parts that are looked at of two questions; those that have more are taken to be tied."""


@dataclass(frozen=True)
class _Asked:
    """What a question asks: the parts its conditions make of each unit, what it counts by, and what it names at all."""

    parts: "Parts"
    by: Columns
    named: Columns


Parts = Mapping[str, Sequence[Region]]
"""Of each unit that is counted in, what has no child in common, and all of them."""

_Facts = Sequence[Columns]
"""Columns that something is known of together."""


def are_tied(one: QueryPlan, other: QueryPlan) -> bool:
    """Whether one question tells something of what another counts; so it is taken to where that is too tangled."""
    first, second = sorted((one, other), key=attrgetter("plan_id"))  # Whichever is named first: it is worked out once.
    return _are_tied(first, second, id(one.governed))


def tell_together(one: QueryPlan, other: QueryPlan, newest: QueryPlan) -> bool:
    """Whether two questions tell with a third what neither tells with it alone, as far as can be said."""
    return _tell_together(one, other, newest, id(newest.governed))


@lru_cache(maxsize=1 << 14)
def _are_tied(one: QueryPlan, other: QueryPlan, _governed: int) -> bool:
    try:
        asked, facts = _ask((one, other))
    except (RegionTangled, TooTangled):
        return True
    return _share(asked[0], asked[1], facts) or not _cross(asked[0], asked[1])


@lru_cache(maxsize=1 << 14)
def _tell_together(one: QueryPlan, other: QueryPlan, newest: QueryPlan, _governed: int) -> bool:
    plans = (one, other, newest)
    if sum(are_tied(mine, its) for mine, its in combinations(plans, 2)) < 2:
        return False
    try:
        asked, facts = _ask(plans)
    except (RegionTangled, TooTangled):
        return True
    return any(_share(mine, its, facts) for mine, its in combinations(asked, 2)) or not _cross(*asked)


def parts_beside(plan: QueryPlan, newest: QueryPlan) -> Parts | None:
    """The parts that a question's conditions make, by what is known beside a newest one; None where too tangled."""
    try:
        return _ask((plan, newest))[0][0].parts
    except (RegionTangled, TooTangled):
        return None


def combine(one: Parts | None, other: Parts | None, most: int) -> Parts | None:
    """The parts that both make of each unit; None where these are more than `most`, or cannot be told."""
    if one is None or other is None:
        return None
    found = dict(one)
    for unit, regions in other.items():
        both = product(one.get(unit, (True,)), regions)
        try:
            kept = (met for pair in both if (met := intersect(*pair)) is not False)
            found[unit] = tuple(islice(kept, most + 2))
        except RegionTangled:
            return None
        if len(found[unit]) > most + 1:  # Those outside of all conditions are counted by none.
            return None
    return found


def named_columns(plan: QueryPlan) -> Columns:
    """The columns that a question names; none where it is too tangled to say."""
    try:
        counts = tuple(counts_of(plan))
    except (RegionTangled, TooTangled):
        return frozenset()
    conditions = (columns_of(each.inside) for each in counts)
    return frozenset[str]().union(*conditions, *(group.columns for each in counts for _, group in each.free))


def _ask(plans: Sequence[QueryPlan]) -> tuple[Sequence[_Asked], _Facts]:
    """What some questions ask, and what is known of columns together. Raises `RegionTangled` and `TooTangled`."""
    counts, facts = count_all(plans)
    every = [each.inside for each in chain(*counts)]
    named = columns_of(every[0]) if every else frozenset[str]()
    alike = {name for name in named if len({project(each, {name}) for each in every}) == 1}
    known = (names - alike for names, _ in facts.columns)
    asked = [_read(own, named_columns(plan)) for own, plan in zip(counts, plans, strict=True)]
    return asked, [names for names in known if len(names) > 1]


def _read(counts: Sequence[Counted], named: Columns) -> _Asked:
    tables = {name for each in counts for name, _ in each.kind[1]} | {each.behind for each in counts if each.behind}
    by = frozenset(chain(tables, *(group.columns for each in counts for _, group in each.free)))
    parts = {unit: cut([True, *regions]).parts for unit, regions in bases_of([counts]).items()}
    return _Asked(parts, by, named | by)


def _share(one: _Asked, other: _Asked, facts: _Facts) -> bool:
    """Whether either is by columns that the other names, or that something is known of beside those."""
    return any(
        not mine.by.isdisjoint(its.named)
        or any(not each.isdisjoint(mine.by) and not each.isdisjoint(its.named) for each in facts)
        for mine, its in ((one, other), (other, one))
    )


def _cross(one: _Asked, other: _Asked, third: _Asked | None = None) -> bool:
    """Whether every combination of the parts of two questions is possible, in each part of a third if there is one."""
    units = one.parts.keys() & other.parts.keys()
    given = third.parts if third else {}
    return all(_meet(one.parts[unit], other.parts[unit], given.get(unit, (True,))) for unit in units)


def _meet(mine: Sequence[Region], its: Sequence[Region], third: Sequence[Region]) -> bool:
    if len(mine) * len(its) * len(third) > MOST_COMBINED:
        return False
    for given in third:
        here = [both for part in mine if (both := intersect(part, given)) is not False]
        there = [part for part in its if overlap(part, given)]
        if not all(overlap(*pair) for pair in product(here, there)):
            return False
    return True

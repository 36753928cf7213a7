"""Which questions have to do with each other: those that count rows in common, or are led to by such as do.

Counts of rows of which none is in both add up to nothing together, so that whatever else was released plays no part.
"""

from collections.abc import Iterable
from functools import lru_cache

from disclosure_control.linked.counted import counts_of
from query_engine.planning.plan import QueryPlan
from query_engine.planning.region import Region, RegionTangled, intersect

__all__ = ["find_related"]


def find_related(plan: QueryPlan, others: Iterable[QueryPlan]) -> frozenset[str]:
    """The ids of those of the other plans that have to do with one."""
    left = {each.plan_id: each for each in others}
    front, found = [plan], set[str]()
    while front:
        near = {name: other for name, other in left.items() if any(_meet(one, other) for one in front)}
        found |= near.keys()
        left = {name: other for name, other in left.items() if name not in near}
        front = list(near.values())
    return frozenset(found)


def _meet(one: QueryPlan, other: QueryPlan) -> bool:
    """Whether some row is in a count of either; so it is taken to be where that is too tangled to tell."""
    try:
        return any(_may_meet(base, beside) for base in _bases(one) for beside in _bases(other))
    except RegionTangled:
        return True


def _bases(plan: QueryPlan) -> frozenset[Region]:
    return frozenset(each.base for each in counts_of(plan))


@lru_cache(maxsize=1 << 16)
def _may_meet(one: Region, other: Region) -> bool:
    return intersect(one, other) is not False

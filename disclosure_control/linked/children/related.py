"""Which questions have to do with each other: those that count children in common, or are led to by such as do.

Counts of children of whom none is in both add up to nothing together, so that whatever else was released plays no part.
It does not matter which table they are counted in.
"""

from collections.abc import Iterable

from disclosure_control.linked.children.counted import counts_of
from disclosure_control.linked.children.overlaps import overlap
from disclosure_control.linked.children.parts import TooTangled
from disclosure_control.linked.children.populations import is_loose, reach_of
from query_engine.planning.plan import QueryPlan
from query_engine.planning.region import Region, RegionTangled

__all__ = ["find_related"]

_Bases = frozenset[tuple[str, Region]]
"""By whose key and in which rows a question counts."""


def find_related(plan: QueryPlan, others: Iterable[QueryPlan]) -> frozenset[str]:
    """The ids of those of the other plans that have to do with one."""
    left = {each.plan_id: each for each in others}
    bases = {name: _bases(each) for name, each in (left | {plan.plan_id: plan}).items()}
    front, found = [bases[plan.plan_id]], set[str]()
    while front:
        near = [name for name in left if any(_meet(one, bases[name]) for one in front)]
        found.update(near)
        front = [bases[name] for name in near]
        left = {name: other for name, other in left.items() if name not in near}
    return frozenset(found)


def _meet(one: _Bases, other: _Bases) -> bool:
    """Whether some child is in a count of either; so it is taken to be where that is too tangled to tell."""
    return any(key == name and overlap(base, beside) for key, base in one for name, beside in other)


def _bases(plan: QueryPlan) -> _Bases:
    try:
        if is_loose(plan):
            return frozenset({(_key(plan), reach_of(plan))})
        return frozenset((each.key, each.inside) for each in counts_of(plan, split=True))
    except (RegionTangled, TooTangled):
        return frozenset({(_key(plan), True)})


def _key(plan: QueryPlan) -> str:
    return plan.governed.child_key

"""Which earlier tables are looked at together, beside a newest one: all of them, or in groups where that is too much.

Conditions that have nothing to do with each other overlap in as many ways as there are combinations of them: twenty
questions, each about whoever has a value of something else, in more than anybody can look at. So where they cannot be
linked all at once, every earlier table is looked at beside the newest one in one group, together with as many others as
there is room for: those first that have most to do with the newest. A limit: what follows from the newest and from
others that are in different groups is not looked at.
"""

from collections.abc import Collection, Sequence
from functools import lru_cache

from disclosure_control.linked.children.counted import counts_of
from disclosure_control.linked.children.parts import TooTangled
from disclosure_control.linked.counts.links import check_overlaps
from query_engine.planning.plan import QueryPlan
from query_engine.planning.region import RegionTangled, columns_of

__all__ = ["Groups", "gather"]

Groups = tuple[tuple[int, ...], ...]
"""Of earlier tables, by their numbers, those that are looked at together."""

MOST_TOGETHER = 128
"""Ways in which conditions may overlap for all tables to be looked at together: more take a node minutes."""

MOST_IN_GROUP = 64
"""The same of the tables of one of several groups."""


def gather(earlier: Sequence[QueryPlan], newest: QueryPlan) -> Groups:
    """The groups of earlier tables to be looked at beside the newest, each in one; one group where that can be."""
    everybody = tuple(range(len(earlier)))
    if len(earlier) < 2 or _fit((*earlier, newest), id(newest.governed), MOST_TOGETHER):
        return (everybody,)
    found: list[list[int]] = []
    for each in sorted(everybody, key=lambda number: _distance(earlier[number], newest)):
        if (room := next((group for group in found if _has_room([*group, each], earlier, newest)), None)) is not None:
            room.append(each)
        else:
            found.append([each])
    return tuple(tuple(sorted(group)) for group in found)


def _has_room(group: Collection[int], earlier: Sequence[QueryPlan], newest: QueryPlan) -> bool:
    return _fit((*(earlier[each] for each in sorted(group)), newest), id(newest.governed), MOST_IN_GROUP)


@lru_cache(maxsize=1 << 12)
def _fit(plans: tuple[QueryPlan, ...], _governed: int, most: int) -> bool:
    """Whether these overlap in so few ways: the same is asked for every authority, and at every draft."""
    try:
        check_overlaps(plans, most)
    except TooTangled:
        return False
    return True


def _distance(one: QueryPlan, newest: QueryPlan) -> tuple[int, str]:
    """How little a table has to do with the newest, by the columns that both name. Of two alike, by its plan."""
    return -len(_named(one) & _named(newest)), one.plan_id


def _named(plan: QueryPlan) -> frozenset[str]:
    """The columns that a question names; none where it is too tangled to say."""
    try:
        counts = tuple(counts_of(plan))
    except (RegionTangled, TooTangled):
        return frozenset()
    conditions = (columns_of(each.inside) for each in counts)
    return frozenset[str]().union(*conditions, *(group.columns for each in counts for _, group in each.free))

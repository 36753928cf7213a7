"""Which earlier tables are looked at together, beside a newest one: all of them, or in groups where that is too much.

Conditions that have nothing to do with each other overlap in as many ways as there are combinations of them: twenty
questions, each about whoever has a value of something else, in more than anybody can look at. So where they cannot be
linked all at once, every earlier table is looked at beside the newest one in a group, and any two that tell with it
what neither tells with it alone are in one group together, as far as they can be linked (see `ties`). Groups are filled
up with others that are tied to all that are there: what three tell with the newest is mostly found so. A limit: what
follows from the newest and from three or more others of which no group has all is not looked at.
"""

from bisect import bisect
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain, combinations

from disclosure_control.linked.children.parts import MOST_PARTS, TooTangled
from disclosure_control.linked.counts.links import check_overlaps
from disclosure_control.linked.ties import Parts, are_tied, combine, named_columns, parts_beside, tell_together
from query_engine.planning.plan import QueryPlan

__all__ = ["Groups", "gather"]

Groups = tuple[tuple[int, ...], ...]
"""Of earlier tables, by their numbers, those that are looked at together."""

MOST_TOGETHER = 128
"""Ways in which conditions may overlap for all tables to be looked at together: more take a node minutes."""

MOST_IN_GROUP = 64
"""The same of the tables of one of several groups."""


def gather(earlier: Sequence[QueryPlan], newest: QueryPlan) -> Groups:
    """The groups of earlier tables to be looked at beside the newest, each in one at least; one where that can be.

    Any two that tell with the newest what neither tells with it alone are in one, if they can be linked with it.
    """
    return _gather(tuple(earlier), newest, id(newest.governed), MOST_TOGETHER, MOST_IN_GROUP)


@lru_cache(maxsize=1 << 8)
def _gather(
    earlier: tuple[QueryPlan, ...], newest: QueryPlan, governed: int, most_together: int, most_in_group: int
) -> Groups:
    """The same, once: a draft asks whether there is room, and whoever protects a total asks, and tells a checker."""
    everybody = tuple(range(len(earlier)))
    if len(earlier) < 2 or _fit((*earlier, newest), governed, most_together):
        return (everybody,)
    alike: dict[QueryPlan, list[int]] = {}  # One question over several rosters: what it overlaps with is the same.
    for number, plan in enumerate(earlier):
        alike.setdefault(plan, []).append(number)
    asked = tuple(alike)
    ordered = sorted(range(len(asked)), key=lambda number: _distance(asked[number], newest))
    groups = _Gathering(asked, newest, ordered, most_in_group).run()
    return tuple(tuple(sorted(chain.from_iterable(alike[asked[each]] for each in group))) for group in groups)


@dataclass
class _Gathering:
    """Earlier tables, in the order in which they are gathered: first what has most to do with the newest."""

    earlier: Sequence[QueryPlan]
    newest: QueryPlan
    ordered: Sequence[int]
    most_in_group: int

    def run(self) -> Iterator[tuple[int, ...]]:
        """Group by group, until every two that have to be together are, and every table is in one."""
        pairs = combinations(range(len(self.earlier)), 2)
        left = {pair for pair in pairs if tell_together(self.earlier[pair[0]], self.earlier[pair[1]], self.newest)}
        alone = set(self.ordered)
        for first in self.ordered:
            while first in alone or any(first in pair for pair in left):
                group = self._gather(first, left)
                covered = left.intersection(combinations(sorted(group), 2))
                if covered or first in alone:
                    yield tuple(sorted(group))
                left -= covered
                alone -= set(group)

    def _gather(self, first: int, left: set[tuple[int, int]]) -> Sequence[int]:
        """One with as many others as there is room for: those that have still to be together with most of those there,
        and then those that are tied to all of them. Of those `left`, two that cannot be linked at all are taken out.
        """
        group, others = [first], [each for each in self.ordered if each != first]
        wanted = {each: {other for pair in left if each in pair for other in pair} for each in self.ordered}
        ways = combine(parts_beside(self.newest, self.newest), self._parts[first], self.most_in_group)
        while others:
            best = max(others, key=lambda each: self._rank(each, group, wanted[each]))
            others.remove(best)
            has_to, tied = self._rank(best, group, wanted[best])
            further = combine(ways, self._parts[best], self.most_in_group) if has_to or tied == len(group) else None
            if has_to and len(group) == 1 and not self._has_room((first, best), MOST_PARTS):
                left.discard((min(first, best), max(first, best)))
            elif further is not None or (has_to and len(group) == 1):
                group.append(best)
                ways = further
        sizes = range(3, len(group) + 1)
        return group[: 2 + bisect(sizes, False, key=lambda size: not self._has_room(group[:size], self.most_in_group))]

    @cached_property
    def _parts(self) -> Mapping[int, Parts | None]:
        return {each: parts_beside(self.earlier[each], self.newest) for each in self.ordered}

    def _rank(self, each: int, group: Sequence[int], wanted: Set[int]) -> tuple[int, int]:
        """How many of a group a table has still to be together with, and how many of it are tied to it."""
        tied = sum(are_tied(self.earlier[each], self.earlier[one]) for one in group)
        return len(wanted & set(group)), tied

    def _has_room(self, group: Collection[int], most: int) -> bool:
        together = (*(self.earlier[each] for each in sorted(group)), self.newest)
        return _fit(together, id(self.newest.governed), most)


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
    return -len(named_columns(one) & named_columns(newest)), one.plan_id

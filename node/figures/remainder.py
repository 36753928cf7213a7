"""Whoever is left when the figures of schools are taken from those of more schools, or of all our children.

Counts are rounded, and a reader who has many of them knows some more closely than one by itself says. So a school's
table is shown only where, of every count, those who are left are surely as many as are ever shown, however closely the
counts are known: each as the preset rounded it that protected it then. Otherwise nothing of it is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from disclosure_control.presets.preset import Preset
from disclosure_control.rows.protected_table import Row
from node.figures.declared import CHILDREN
from query_engine.planning.plan import QueryPlan


@dataclass(frozen=True)
class Group:
    """The table of our children at some schools, or of all of them where there are none, and what protected it."""

    schools: frozenset[int]
    rows: Sequence[Row]
    preset: Preset

    def holds(self, other: "Group") -> bool:
        """Whether the other's children are some of these, and not all."""
        return bool(other.schools) and (not self.schools or other.schools < self.schools)


def leaves_enough(plan: QueryPlan, newest: Group, earlier: Sequence[Group]) -> bool:
    """Whether enough are left of each group of the same plan, once the newest is shown beside them."""
    groups = [*earlier, newest]
    return all(
        _leaves_enough(plan, outer, inner)
        for outer in groups
        if newest in (inner := _parts(outer, groups)) or outer is newest
    )


def _parts(outer: Group, groups: Sequence[Group]) -> list[Group]:
    """Groups within one that have no school in common, the largest first."""
    found: list[Group] = []
    within = (each for each in groups if outer.holds(each))
    for each in sorted(within, key=lambda group: (-len(group.schools), sorted(group.schools))):
        if all(each.schools.isdisjoint(other.schools) for other in found):
            found.append(each)
    return found


def _leaves_enough(plan: QueryPlan, outer: Group, inner: Sequence[Group]) -> bool:
    place = next(number for number, each in enumerate(plan.outputs) if each.label == CHILDREN)
    return all(_is_enough(row[place], outer.preset, list(counts)) for row, counts in _beside(outer, inner, place))


_Count = tuple[int, Preset]


def _beside(outer: Group, inner: Sequence[Group], place: int) -> Iterator[tuple[Row, Iterator[_Count]]]:
    for number, row in enumerate(outer.rows):
        figures = ((each.rows[number][place], each.preset) for each in inner)
        yield row, ((figure, preset) for figure, preset in figures if isinstance(figure, int))


def _is_enough(whole: object, preset: Preset, parts: Sequence[_Count]) -> bool:
    if not isinstance(whole, int) or not parts:
        return True
    presets = [preset, *(each for _, each in parts)]
    least, uncertain = (
        max(each.smallest_count_shown for each in presets),
        sum(each.rounding_base // 2 for each in presets),
    )
    return whole - sum(figure for figure, _ in parts) >= least + uncertain

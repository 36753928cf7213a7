"""Which figures of a plan count a part of what another one counts, by their conditions alone."""

from itertools import permutations

from query_engine.planning.plan import Output, QueryPlan
from query_engine.planning.region import Region, RegionTangled, intersect

__all__ = ["count_name", "find_nested"]

Nested = tuple[tuple[Output, Output], ...]
"""Pairs of outputs, of which the first counts some of what the second counts."""


def find_nested(plan: QueryPlan) -> Nested:
    """Every pair of a plan's figures that are counts, one within the other."""
    outputs = (each for each in plan.outputs if each.kind != "dimension")
    return tuple(pair for pair in permutations(outputs, 2) if _is_nested(*pair, plan))


def count_name(output: Output) -> str:
    """The statistic that a figure counts by."""
    return output.counted or output.statistics[0]


def _is_nested(part: Output, whole: Output, plan: QueryPlan) -> bool:
    """Whether `part` counts a strict part of what `whole` counts, by the plan alone.

    Conditions too tangled to compare are taken to be nested, so that more is withheld, not less.
    """
    narrow, wide = _counted_rows(part, plan), _counted_rows(whole, plan)
    if narrow is None or wide is None:
        return False
    try:
        narrow, wide = intersect(narrow, plan.where), intersect(wide, plan.where)
        if narrow == wide:
            return part.kind == "distinct" and whole.kind != "distinct"
        return intersect(narrow, wide) == narrow
    except RegionTangled:
        return True


def _counted_rows(output: Output, plan: QueryPlan) -> Region | None:
    """The condition on the rows (of a child, on one of its rows) that a figure counts, or None where it counts none."""
    if not output.indicator and output.kind not in ("count", "distinct", "regr_count"):
        return None
    counted = next(each for each in plan.statistics if each.name == count_name(output))
    return True if counted.measure is None else counted.measure.where

"""Dominance: which sums and averages of a quantity could be mostly one or two children's.

Output checkers look at the largest contributors of a magnitude: the (n, k) rule and the p% rule. A node could, and an
opened sum over many authorities could not, so here both rules are decided from what is public, the most that one child
can be worth, and from the sum itself: where they hold whoever is in it, it is shown, and withheld otherwise. That a sum
is withheld therefore tells no more than that it is small.

A quantity that can be negative has no such proof, nor one of tables that are joined: both are withheld.

Of a total each authority takes away what its own children have, and what is left has to keep the rules, too. How much
that is nobody can say; how many others have anything can be said, and from that and from the public bound it follows.
"""

from disclosure_control.presets.preset import Dominance, Preset
from disclosure_control.suppression.cell_rules import Figures
from query_engine.models.limbs import LIMB
from query_engine.planning.plan import Measure, QueryPlan
from query_engine.planning.relation import Relation

__all__ = ["find_dominated", "find_dominated_without_one"]


def find_dominated(plan: QueryPlan, figures: Figures, preset: Preset) -> frozenset[str]:
    """The labels of one cell's figures that rest on a sum which few children could dominate under the preset's rules.

    Every figure with such a measure in it is withheld: an average beside a count is the sum, and a spread beside an
    average comes from the same few.
    """
    if preset.dominance is None:
        return frozenset()
    totals = _add_up(plan, figures)
    dominated = {each for each, total in totals.items() if _is_dominated(each, total, plan, preset.dominance)}
    return frozenset(each.label for each in plan.outputs if dominated.intersection(each.measures))


def find_dominated_without_one(plan: QueryPlan, others: Figures, preset: Preset) -> frozenset[str]:
    """The labels of one cell's figures of a total that rest on a sum of others which few of these could dominate.

    `others` are those that are left at least where any one authority's are taken away: of them it counts how many have
    anything of a quantity. Where none has, there is nothing to dominate.
    """
    if preset.dominance is None:
        return frozenset()
    rows, dominated = _rows_of_one_child(plan), set[Measure]()
    for each in plan.statistics:
        if each.kind == "nonzero" and each.measure is not None:
            enough = None if rows is None else preset.dominance.least_contributors(rows * each.measure.bound)
            if others[each.name] and (enough is None or others[each.name] < enough):
                dominated.add(each.measure)
    return frozenset(each.label for each in plan.outputs if dominated.intersection(each.measures))


def _add_up(plan: QueryPlan, figures: Figures) -> dict[Measure, int]:
    """The sum of every quantity in a cell; a large one is carried in two parts."""
    totals: dict[Measure, int] = {}
    for each in plan.statistics:
        if each.kind in _TIMES and each.measure is not None and not each.measure.indicator:
            totals[each.measure] = totals.get(each.measure, 0) + figures[each.name] * _TIMES[each.kind]
    return totals


_TIMES = {"sum": 1, "low": 1, "high": LIMB}


def _is_dominated(measure: Measure, total: int, plan: QueryPlan, rule: Dominance) -> bool:
    rows = _rows_of_one_child(plan)
    if rows is None or _can_be_negative(measure, plan):
        return True
    return 0 < total < rule.least_sum(rows * measure.bound)


def _rows_of_one_child(plan: QueryPlan) -> int | None:
    """The most rows that one child can have in a cell, or None where nothing bounds them."""
    table = plan.governed
    if isinstance(table, Relation) or not plan.academic_years:
        return None
    return table.rows_per_child_year * len(plan.academic_years)


def _can_be_negative(measure: Measure, plan: QueryPlan) -> bool:
    return any(plan.governed.columns[name].scaled_bounds[0] < 0 for name in measure.columns)

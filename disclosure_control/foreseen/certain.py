"""What is withheld whatever a table's figures are, told from the question alone, with what to ask for instead.

Of a row that leaves a quantity two values a sum, an average or a spread would count each (`rows.few_values`); between
two quantiles that are near each other too few children lie (`suppression.cell_rules`). Where it is too tangled to tell
which values are left, every such figure is withheld. What is withheld for what the figures come to, for what is beside
them in other tables, and for what all of them tell together is not foreseen.
"""

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations
from math import ceil

from disclosure_control.presets.preset import Preset
from disclosure_control.rows.few_values import FewValues
from disclosure_control.suppression.cell_rules import are_near
from query_engine.planning.plan import Output, QueryPlan
from query_engine.planning.region import RegionTangled

__all__ = ["children_between", "foresee_certain"]


def foresee_certain(plan: QueryPlan, preset: Preset) -> tuple[str, ...]:
    """What is withheld in any case, as sentences without their full stop; none of a model."""
    if plan.model is not None:
        return ()
    return (*_tell_few_values(plan, preset), *_tell_near_quantiles(plan, preset))


def children_between(one: Output, other: Output, preset: Preset) -> int:
    """How many children two quantiles of the same values take, for enough to lie between them."""
    assert one.fraction is not None
    assert other.fraction is not None
    return ceil(preset.smallest_count_shown / abs(Fraction(one.fraction) - Fraction(other.fraction)))


def _tell_few_values(plan: QueryPlan, preset: Preset) -> Iterator[str]:
    few, counting, tangled = FewValues(plan, preset), Counter[str](), Counter[str]()
    for cell in plan.iter_cells():
        try:
            counting.update(few.counting(cell))
        except RegionTangled:
            tangled.update(each.label for each in plan.outputs if each.measures)
    for output in plan.outputs:
        of = " and ".join(dict.fromkeys(column for each in output.measures for column in each.columns))
        if rows := counting[output.label]:
            yield (
                f"{output.label} is withheld {_where(rows, plan)}, since so few values of {of} are left there that it "
                "would count who has each: ask for counts instead"
            )
        if rows := tangled[output.label]:
            yield (
                f"{output.label} is withheld {_where(rows, plan)}, since the conditions are too tangled to tell which "
                f"values of {of} are left there: ask with fewer ORs"
            )


def _where(rows: int, plan: QueryPlan) -> str:
    return "in every row" if rows == plan.cells else f"in {rows:,} of {plan.cells:,} rows"


def _tell_near_quantiles(plan: QueryPlan, preset: Preset) -> Iterator[str]:
    for one, other in combinations(plan.outputs, 2):
        if are_near(one, other):
            number = children_between(one, other, preset)
            yield (
                f"{one.label} and {other.label} are withheld in every row of fewer than {number:,} children, since too "
                "few of them lie between the two: ask for one alone"
            )

"""What is withheld whatever a table's figures are, told from the question alone, with what to ask for instead.

Of a row that leaves a quantity two values a sum, an average or a spread would count each (`rows.few_values`); between
two quantiles that are near each other too few children lie (`suppression.cell_rules`). What is withheld for what the
figures come to, for what is beside them in other tables, and for what all of them tell together is not foreseen.
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
    try:
        return (*_tell_few_values(plan, preset), *_tell_near_quantiles(plan, preset))
    except RegionTangled:
        return ()


def children_between(one: Output, other: Output, preset: Preset) -> int:
    """How many children two quantiles of the same values take, for enough to lie between them."""
    assert one.fraction is not None
    assert other.fraction is not None
    return ceil(preset.smallest_count_shown / abs(Fraction(one.fraction) - Fraction(other.fraction)))


def _tell_few_values(plan: QueryPlan, preset: Preset) -> Iterator[str]:
    few = FewValues(plan, preset)
    counting = Counter(label for cell in plan.iter_cells() for label in few.counting(cell))
    for output in plan.outputs:
        if rows := counting[output.label]:
            where = "in every row" if rows == plan.cells else f"in {rows:,} of {plan.cells:,} rows"
            of = " and ".join(dict.fromkeys(column for each in output.measures for column in each.columns))
            yield (
                f"{output.label} is withheld {where}, since so few values of {of} are left there that it would count "
                "who has each: ask for counts instead"
            )


def _tell_near_quantiles(plan: QueryPlan, preset: Preset) -> Iterator[str]:
    for one, other in combinations(plan.outputs, 2):
        if are_near(one, other):
            number = children_between(one, other, preset)
            yield (
                f"{one.label} and {other.label} are withheld in every row of fewer than {number:,} children, since too "
                "few of them lie between the two: ask for one alone"
            )

"""How much of a plan's figures is one child's: the proof that noise of a stated size can hide everybody.

The unit is one child's rows of one academic year: they are added, or taken away, and nothing else changes. What that
can move is bounded from the plan and the catalogue alone, never from data:

| rows come from | one child-year is | and adds to each grouping set at most |
|---|---|---|
| a table with one row for each child and year | one row | what a row adds to the statistic, in one cell |
| a table with one row for each child, worked out in FROM | one row, which may move between cells | twice that |
| a table with several rows for a child in a year | any number of rows | 1 in each cell, of children alone |
| tables that are joined | as many rows as match | nothing that could be proved |

Sums are noised about the middle of what they can be, where that can be undone (`centred_sums`): what a row adds to one
is then its distance from there at most. Bounds of measures hold for whatever was loaded: the loader moves a value
outside them to the nearer one, and a table with a row for each child cuts off what more rows would add.
"""

from dataclasses import dataclass
from math import prod

from query_engine.planning.centred_sums import centre_sums
from query_engine.planning.plan import Dimension, QueryPlan, Statistic
from query_engine.planning.relation import YEAR, Relation

__all__ = ["Contribution", "ContributionUnbounded", "prove_contributions"]

_OF_CHILDREN = frozenset({"children", "nonzero"})
_IN_TWO = frozenset({"high", "low"})


class ContributionUnbounded(Exception):
    """Nothing bounds what a child adds to a figure of the plan; the text says which, and what to ask instead."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """The most by which one child-year can change a statistic over the cells of one grouping set together.

    It is the sum of the absolute changes (the L1 norm), in units of the statistic; `each` is the most in one cell (the
    largest norm). Both are whole numbers. `number` is the grouping set's.
    """

    statistic: str
    number: int
    most: int
    each: int


def prove_contributions(plan: QueryPlan) -> tuple[Contribution, ...]:
    """The contribution to every statistic in every grouping set, in plan order. Raises `ContributionUnbounded`."""
    times, centred = _rows_of_a_child_year(plan), centre_sums(plan)
    return tuple(
        Contribution(each.name, number, *_most(each, number, plan, times, centred[each.name].bound))
        for each in plan.statistics
        for number in range(len(plan.sets))
    )


def _rows_of_a_child_year(plan: QueryPlan) -> int | None:
    """How many rows come or go with a child-year: 2 for one that moves, None where the catalogue bounds no number."""
    table = plan.governed
    if not isinstance(table, Relation):
        return 1 if table.rows_per_child_year == 1 else None
    if len(table.parts) > 1:
        raise ContributionUnbounded(
            "tables that are joined can have any number of rows for a child; ask of one table at a time"
        )
    (part,) = table.parts
    return 1 if part.has_year or len(plan.academic_years) == 1 else 2


def _most(statistic: Statistic, number: int, plan: QueryPlan, times: int | None, bound: int) -> tuple[int, int]:
    """The most in all cells together and in one of them."""
    if statistic.kind in _IN_TWO:
        assert statistic.measure is not None
        reason = f"sums of {statistic.measure.name} are carried in two parts, which noise cannot be spread over"
        raise ContributionUnbounded(reason)
    if times is not None:
        return times * bound, times * bound
    if statistic.kind not in _OF_CHILDREN:
        raise ContributionUnbounded(
            f"a child can have any number of rows of {plan.table} in a year; count children, with "
            f"COUNT(DISTINCT {plan.governed.child_key}), or ask of a table with a row for each child in FROM"
        )
    return prod(len(each.categories) for each in _reached(number, plan)), 1


def _reached(number: int, plan: QueryPlan) -> list[Dimension]:
    """The dimensions of a set in which the rows of one child-year can lie apart: all but the year itself."""
    return [plan.dimensions[place] for place in plan.sets[number] if plan.dimensions[place].name != YEAR]

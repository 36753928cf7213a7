"""Which questions are about the same thing, so that one measure, population and snapshot takes one path.

An exact sum beside the rows of its authorities gives away what the rows withhold, by subtraction. So whoever keeps the
history of questions keeps the keys of each, and refuses one that shares a key with an earlier one on a path that does
not go with its own (`paths.conflicting_paths`), within one snapshot. Two plans share a key where

- they can reach rows of one academic year and of one value of `population`, by their WHERE, and
- they measure the same: both count children or rows (a sum, or a FILTER, of a condition is a count), or a column is
  in what both measure: summed or averaged, in a condition that is counted, or, for counts, in WHERE or GROUP BY.

The keys are wider than what can be subtracted, never narrower by the plan: neither tables nor conditions keep two plans
apart, since columns have one meaning in every table, children in care are pupils too, and conditions can add up to one
another. A share that stands alone counts nobody: it shares keys with questions about its own columns alone.
"""

from itertools import product

from query_engine.catalogue import load_catalogue
from query_engine.columns import Column
from query_engine.planning.plan import Output, QueryPlan
from query_engine.planning.region import columns_of, possible_ranges
from query_engine.planning.relation import YEAR, Relation, columns_behind

__all__ = ["measure_keys"]

POPULATION = "population"

_CHILDREN = "children"
"""What is measured by every count, of children or rows, of pupils or children in care."""


def measure_keys(plan: QueryPlan) -> frozenset[str]:
    """The keys of a plan, each `year/population/measure`; the same whichever path the plan takes."""
    measured = frozenset[str]().union(*(_measured(each, plan) for each in plan.outputs))
    return frozenset("/".join(each) for each in product(_years(plan), _populations(plan), sorted(measured)))


def _measured(output: Output, plan: QueryPlan) -> frozenset[str]:
    """What a figure measures, by the names that columns have in the catalogue."""
    if output.kind == "dimension":
        return frozenset()
    if output.kind == "model":
        return plan.columns | {_CHILDREN}
    own = _behind(plan, _columns(output, plan))
    return own | _counted(plan) if _counts(output) else own


def _columns(output: Output, plan: QueryPlan) -> frozenset[str]:
    """The columns that a figure's own sums are of, or whose values they keep."""
    measures = [each.measure for each in plan.statistics if each.name in output.statistics and each.measure is not None]
    measures += output.measures
    named = {name for each in measures for name in each.columns}
    return frozenset(named).union(columns_of(output.within), *(columns_of(each.where) for each in measures))


def _counts(output: Output) -> bool:
    return output.kind in ("count", "distinct", "regr_count") or (output.kind == "sum" and output.indicator)


def _counted(plan: QueryPlan) -> frozenset[str]:
    """What every count of a plan is about: the children, and all that WHERE and GROUP BY tell of them."""
    used = columns_of(plan.where)
    for each in plan.dimensions:
        used |= frozenset().union(*map(columns_of, each.regions)) if each.regions else {each.name}
    return _behind(plan, used) | {_CHILDREN}


def _behind(plan: QueryPlan, names: frozenset[str]) -> frozenset[str]:
    return frozenset[str]().union(*(columns_behind(plan.governed, each) for each in names))


def _years(plan: QueryPlan) -> list[str]:
    """The academic years that the plan reaches; all that there are for a table without years."""
    domain = load_catalogue().table("child_year").columns[YEAR].domain or ()
    return [str(year) for year in plan.academic_years or domain]


def _populations(plan: QueryPlan) -> list[str]:
    """The populations whose rows the plan can reach: all of them where it reads a table that does not tell them."""
    column = None if isinstance(plan.governed, Relation) else plan.governed.columns.get(POPULATION)
    told = column or load_catalogue().table("child_year").columns[POPULATION]
    ranges = [(0, told.codes - 1)] if column is None else possible_ranges(plan.where, column)
    return [_spelled(told, code) for first, last in ranges for code in range(first, last + 1)]


def _spelled(column: Column, code: int) -> str:
    return str(column.value(code)) if code < column.present_codes else "missing"

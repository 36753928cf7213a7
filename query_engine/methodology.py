"""What a statistician would warn of before the query is run: named rules, each decided from the plan alone."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from query_engine.plan import QueryPlan
from query_engine.region import columns_of, possible_ranges

SPARSE_CELL = 10
"""Fewer children than this in an average cell, and most cells will be withheld."""


class Caution(NamedTuple):
    """A warning: the rule that gave it, and what it has to say to the asker."""

    rule: str
    text: str


def cautions(plan: QueryPlan) -> tuple[Caution, ...]:
    """The warnings a plan calls for, in the order of `RULES`."""
    found = ((name, rule(plan)) for name, rule in RULES.items())
    return tuple(Caution(name, text) for name, text in found if text is not None)


def _counted_here(plan: QueryPlan) -> str | None:
    """Each child is counted once a year, by the authority that holds the home record."""
    columns = [plan.governed.columns[name] for name in _named(plan, "counted_here")]
    if not columns or any(_groups_by(plan, each.name) for each in columns):
        return None
    if any(possible_ranges(plan.where, each) == [(1, 1)] for each in columns):
        return None
    return (
        "A child who passed from one authority's care to another's in the year has a row at both. "
        "Add counted_here to WHERE to count each child once."
    )


def _academic_year(plan: QueryPlan) -> str | None:
    if _uses(plan, "academic_year") or len(plan.academic_years) == 1:
        return None
    return (
        "Every year is pooled, and a child has a row for each. Filter or group by academic_year, "
        "unless rows for each child and year are what you mean to count."
    )


def _population(plan: QueryPlan) -> str | None:
    if not _named(plan, "population") or _uses(plan, "population"):
        return None
    return (
        "Children looked after, children who have left care for a permanent home, and care leavers are taken together. "
        "Filter or group by population to compare like with like."
    )


def _sparse(plan: QueryPlan) -> str | None:
    typical = plan.governed.typical_size
    if plan.cells * SPARSE_CELL <= typical:
        return None
    return (
        f"The table has {plan.cells:,} cells for each authority, and an authority has about {typical:,} children "
        f"in a year: fewer than {SPARSE_CELL} to a cell, so most cells would be withheld or zero. "
        "Group by fewer columns, or filter to fewer categories."
    )


RULES: Mapping[str, Callable[[QueryPlan], str | None]] = MappingProxyType(
    {
        "counted_here": _counted_here,
        "academic_year": _academic_year,
        "population": _population,
        "sparse": _sparse,
    }
)
"""Every rule by its name: given a plan, its warning or None."""


def _named(plan: QueryPlan, name: str) -> list[str]:
    """The columns that go by a name in the catalogue: in tables that are joined, several can."""
    return [each for each in plan.governed.columns if each.rpartition(".")[2] == name]


def _uses(plan: QueryPlan, name: str) -> bool:
    return any(_groups_by(plan, each) or each in columns_of(plan.where) for each in _named(plan, name))


def _groups_by(plan: QueryPlan, name: str) -> bool:
    return any(each.name == name for each in plan.dimensions)

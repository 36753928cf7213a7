"""What the counts of a question count: the rows of which condition, in which category of which columns."""

from collections.abc import Iterator
from dataclasses import dataclass

from disclosure_control.tables import Cell
from query_engine.planning.plan import TOTAL, Output, QueryPlan
from query_engine.planning.reach import dimension_region
from query_engine.planning.region import Region, columns_of, intersect
from query_engine.planning.relation import Relation

__all__ = ["Counted", "Grouping", "counts_of", "groupings_of", "place_cell", "stands_alone"]


@dataclass(frozen=True)
class Counted:
    """One column of counts: its place among the plan's outputs, of what it counts, and of which rows in every cell.

    Counts of one `unit` add up with each other. An implied one is not printed: it is that of the children behind a sum
    or an average, which tells as much of whoever is in one such figure and not in another as the count itself would.
    """

    place: int
    label: str
    unit: str
    base: Region
    statistic: str
    implied: bool


@dataclass(frozen=True)
class Grouping:
    """One dimension: the columns that decide its categories, and the rows of each."""

    columns: frozenset[str]
    regions: tuple[Region, ...]


def counts_of(plan: QueryPlan) -> Iterator[Counted]:
    """The columns of counts that add up over cells: of rows, and of children where each has one row; and implied ones.

    Children who have several rows can be in several cells, and what is known of them is not looked at here. Raises
    `RegionTangled`.
    """
    for place, output in enumerate(plan.outputs):
        printed = _adds_up(output, plan)
        name = printed or (output.present if has_one_row_each(plan) else None)
        if name:
            statistic = next(each for each in plan.statistics if each.name == name)
            kept = True if statistic.measure is None else statistic.measure.where
            yield Counted(place, output.label, plan.table, intersect(plan.where, kept), name, not printed)


def _adds_up(output: Output, plan: QueryPlan) -> str | None:
    """The statistic behind a count that adds up, or None."""
    if output.kind in ("count", "regr_count") or (output.kind == "sum" and output.indicator):
        return output.counted or output.statistics[0]
    return output.statistics[0] if output.kind == "distinct" and has_one_row_each(plan) else None


def has_one_row_each(plan: QueryPlan) -> bool:
    """Whether each child has one row at most, so that children add up as rows do."""
    is_joined = isinstance(plan.governed, Relation)
    return not is_joined and plan.governed.rows_per_child_year == 1 and len(plan.academic_years) == 1


def stands_alone(plan: QueryPlan) -> bool:
    """Whether no count of a plan's answer adds up to others: there are no totals, and one column at most."""
    return len(plan.sets) == 1 and sum(not each.implied for each in counts_of(plan)) < 2


def groupings_of(plan: QueryPlan) -> tuple[Grouping, ...]:
    """The dimensions of a plan."""
    found = []
    for each in plan.dimensions:
        regions = tuple(dimension_region(each, category, plan.governed) for category in each.categories)
        found.append(Grouping(frozenset[str]().union(*map(columns_of, regions)), regions))
    return tuple(found)


def place_cell(plan: QueryPlan, cell: Cell) -> tuple[int | None, ...]:
    """Of a cell the place of its category in each dimension; None where it is a total."""
    return tuple(
        None if category == TOTAL else dimension.categories.index(category)
        for dimension, category in zip(plan.dimensions, cell, strict=True)
    )

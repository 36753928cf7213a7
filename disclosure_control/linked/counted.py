"""What the counts of a question count: the rows of which condition, in which category of which columns.

Children of a table with several rows for each are counted by having a row of some kind. What the catalogue says is
alike in all rows of a child in a year tells children apart as it does rows; the rest says of which kind the row is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from itertools import product
from math import prod

from disclosure_control.tables import Cell
from query_engine.planning.plan import TOTAL, Output, QueryPlan
from query_engine.planning.reach import dimension_region
from query_engine.planning.region import Region, columns_of, intersect, project
from query_engine.planning.relation import Relation

__all__ = [
    "MOST_KINDS",
    "Counted",
    "Grouping",
    "Kind",
    "Places",
    "counts_of",
    "groupings_of",
    "place_cell",
    "stands_alone",
]

MOST_KINDS = 64
"""Kinds of rows that one question may count children by; what it tells of them is not looked at where it has more."""

Kind = tuple[str, Region]
"""What is counted: rows of a table, or its children with a row in a region."""

Places = Sequence[int | None]
"""Of a cell the place of its category in each dimension; None where it is a total."""


@dataclass(frozen=True)
class Counted:
    """One column of counts: its place among the plan's outputs, of what it counts, and of which rows in every cell.

    Counts of one `kind` add up with each other. An implied one is not printed: it is that of the children behind a sum
    or an average, which tells as much of whoever is in one such figure and not in another as the count itself would.
    `rows` are all that are counted, or of which a child that is counted has one, and `base` is what is said of the
    child by that. Where dimensions say of which kind a row is, it is about the cells with one category in each of
    them alone, as `fixed` has it by the number of the dimension.
    """

    place: int
    label: str
    kind: Kind
    base: Region
    rows: Region
    statistic: str
    implied: bool
    fixed: tuple[tuple[int, int | None], ...] = ()

    @property
    def adds_up(self) -> bool:
        """Whether it adds up over all dimensions."""
        return not self.fixed

    def covers(self, places: Places) -> bool:
        """Whether it is about a cell."""
        return all(places[number] == at for number, at in self.fixed)

    def free(self, groupings: Sequence["Grouping"]) -> list[tuple[int, "Grouping"]]:
        """The dimensions that it adds up over, with their numbers."""
        fixed = {number for number, _ in self.fixed}
        return [(number, each) for number, each in enumerate(groupings) if number not in fixed]


@dataclass(frozen=True)
class Grouping:
    """One dimension: the columns that decide its categories, and the rows of each."""

    columns: frozenset[str]
    regions: tuple[Region, ...]


def counts_of(plan: QueryPlan) -> Iterator[Counted]:
    """The columns of counts: of rows, of children, and implied ones.

    Children of several years or tables, and those of more kinds of rows than `MOST_KINDS`, are not looked at. Raises
    `RegionTangled`.
    """
    for place, output in enumerate(plan.outputs):
        printed = _printed(output)
        name = printed or output.present
        if not name:
            continue
        statistic = next(each for each in plan.statistics if each.name == name)
        rows = intersect(plan.where, True if statistic.measure is None else statistic.measure.where)
        if has_one_row_each(plan) or (printed and statistic.kind != "children"):
            yield Counted(place, output.label, (plan.table, True), rows, rows, name, not printed)
        elif statistic.kind == "children" and not isinstance(plan.governed, Relation) and len(plan.academic_years) == 1:
            for fixed, (base, kind) in _kinds_of_rows(plan, rows):
                unit = (f"children of {plan.table}", kind)
                yield Counted(place, output.label, unit, base, rows, name, not printed, fixed)


def _printed(output: Output) -> str | None:
    """The statistic behind a count, or None."""
    if output.kind in ("count", "regr_count") or (output.kind == "sum" and output.indicator):
        return output.counted or output.statistics[0]
    return output.statistics[0] if output.kind == "distinct" else None


def _kinds_of_rows(
    plan: QueryPlan, rows: Region
) -> Iterator[tuple[tuple[tuple[int, int | None], ...], tuple[Region, Region]]]:
    """By the dimensions that tell rows of a child apart: what each choice says of the child, and of the row."""
    own = plan.governed.child_columns
    groupings = groupings_of(plan)
    telling = [number for number, each in enumerate(groupings) if not each.columns <= own]
    if prod(1 + len(groupings[number].regions) for number in telling) > MOST_KINDS:
        return
    for places in product(*((None, *range(len(groupings[number].regions))) for number in telling)):
        fixed = tuple(zip(telling, places, strict=True))
        chosen = (groupings[number].regions[at] for number, at in fixed if at is not None)
        inside = reduce(intersect, chosen, rows)
        if inside is not False:
            yield fixed, _take_apart(inside, own)


@lru_cache(maxsize=1 << 14)
def _take_apart(rows: Region, own: frozenset[str]) -> tuple[Region, Region]:
    """What a region says of the child, and of the row; of the row all of it where that cannot be taken apart."""
    base, kind = project(rows, own), project(rows, columns_of(rows) - own)
    return base, kind if intersect(base, kind) == rows else rows


def has_one_row_each(plan: QueryPlan) -> bool:
    """Whether each child has one row at most, so that children add up as rows do."""
    is_joined = isinstance(plan.governed, Relation)
    return not is_joined and plan.governed.rows_per_child_year == 1 and len(plan.academic_years) == 1


def stands_alone(plan: QueryPlan) -> bool:
    """Whether no count of a plan's answer adds up to others: there are no totals, and one column at most."""
    return len(plan.sets) == 1 and len({each.label for each in counts_of(plan) if not each.implied}) < 2


def groupings_of(plan: QueryPlan) -> tuple[Grouping, ...]:
    """The dimensions of a plan."""
    found = []
    for each in plan.dimensions:
        regions = tuple(dimension_region(each, category, plan.governed) for category in each.categories)
        found.append(Grouping(frozenset[str]().union(*map(columns_of, regions)), regions))
    return tuple(found)


def place_cell(plan: QueryPlan, cell: Cell) -> Places:
    """Where a cell is."""
    return tuple(
        None if category == TOTAL else dimension.categories.index(category)
        for dimension, category in zip(plan.dimensions, cell, strict=True)
    )

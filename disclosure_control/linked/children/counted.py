"""What the counts of a question count: the rows of which condition, in which category of which columns.

Children of a table with several rows for each are counted by having a row of some kind. What the catalogue says is
alike in all rows of a child in a year tells children apart as it does rows; the rest says of which kind the row is.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from itertools import product
from math import prod

from disclosure_control.linked.children.factors import find_conditions, find_meeting, find_ones, rows_of
from disclosure_control.linked.children.facts import NO_FACTS, Facts, Need
from disclosure_control.linked.children.parts import TooTangled
from disclosure_control.linked.children.populations import Population, is_loose, populations_of
from disclosure_control.rows.protected_table import Cell
from query_engine.planning.implied import known_of
from query_engine.planning.plan import TOTAL, Dimension, Output, QueryPlan
from query_engine.planning.reach import dimension_region
from query_engine.planning.region import (
    Region,
    RegionTangled,
    columns_of,
    complement,
    intersect,
    possible_ranges,
    present_in,
)

__all__ = [
    "MOST_KINDS",
    "Columns",
    "Counted",
    "Grouping",
    "Kind",
    "Places",
    "counts_of",
    "place_cell",
    "stands_alone",
]

MOST_KINDS = 256
"""Kinds of rows that one question may count children by."""

MOST_VALUES = 100
"""Values of a quantity of which its sum can tell how many have which."""

Kind = tuple[str, frozenset[Need]]
"""What is counted: of which unit, rows or children, and which rows a child has to have."""

Columns = frozenset[str]
"""What decides the categories of one dimension."""

Places = Sequence[int | None]
"""Of a cell the place of its category in each dimension; None where it is a total."""


@dataclass(frozen=True)
class Grouping:
    """One dimension: the columns that decide its categories, and the rows of each."""

    columns: Columns
    regions: tuple[Region, ...]


@dataclass(frozen=True)
class Counted:
    """One column of counts: its place among the plan's outputs, of what it counts, and of which rows in every cell.

    Counts of one unit add up with each other; whoever is counted is of the children of `key`. An implied one is not
    printed: it is that of the children behind a sum or an average, which tells as much of whoever is in one such figure
    and not in another as the count itself would.
    `rows` are all that are counted, as the plan has them, and `base` is what is said by that in the words that are
    shared. It adds up over the dimensions in `free`. Of the others it is about the cells with one category in each
    alone, as `fixed` has it by the number of the dimension: they say of which kind a row is, or cut across others.
    One `of_share` is of those of whom a share is printed. One `multiplied` is of those who meet the conditions that are
    multiplied in, where a quantity is: they alone add anything to the sum. Of neither need there be anybody behind a
    figure that is withheld.
    Where `behind` names rows, each of the children has one of them in `inside` at least. `lacking` are those whom it
    would count too, had they a value.
    """

    place: int
    label: str
    key: str
    kind: Kind
    base: Region
    inside: Region
    rows: Region
    statistic: str
    implied: bool
    of_share: bool = False
    multiplied: bool = False
    fixed: tuple[tuple[int, int | None], ...] = ()
    free: tuple[tuple[int, Grouping], ...] = ()
    behind: str = ""
    lacking: Region = False

    @property
    def may_be_nobodys(self) -> bool:
        """Whether there need be nobody behind a figure that is withheld."""
        return self.of_share or self.multiplied

    @property
    def adds_up(self) -> bool:
        """Whether it adds up over all dimensions."""
        return not self.fixed

    def covers(self, places: Places) -> bool:
        """Whether it is about a cell."""
        return all(places[number] == at for number, at in self.fixed)


def counts_of(
    plan: QueryPlan,
    *,
    split: bool = False,
    crossed: Collection[Columns] = (),
    facts: Facts = NO_FACTS,
) -> Iterator[Counted]:
    """The columns of counts: of rows, of children, and implied ones; none where it cannot be said which they count.

    Where it is `split`, what is counted of pupils in care and of others is apart. Dimensions by `crossed` columns are
    not added up over. Conditions say what follows from them by `facts` too, so that those about the same children are
    the same. Raises `RegionTangled` and `TooTangled`.
    """
    # Plans are equal whatever their tables are, which are as large as the catalogue: one catalogue's are one object.
    return iter(_find_counts(plan, id(plan.governed), split, frozenset(crossed), facts))


@lru_cache(maxsize=1 << 10)
def _find_counts(
    plan: QueryPlan, _governed: int, split: bool, crossed: frozenset[Columns], facts: Facts
) -> tuple[Counted, ...]:
    """The same, once for all: every release is read by it, for every authority."""
    return tuple(_iter_counts(plan, split=split, crossed=crossed, facts=facts))


def _iter_counts(plan: QueryPlan, *, split: bool, crossed: Collection[Columns], facts: Facts) -> Iterator[Counted]:
    for population in populations_of(plan, split=split):
        groupings = _groupings(plan, population)
        for place, each_named in _named_counts(plan):
            label, name, implied = each_named.label, each_named.statistic, each_named.implied
            statistic = next(each for each in plan.statistics if each.name == name)
            rows = intersect(rows_of(plan, name), each_named.of)
            inside = intersect(population.translate(rows), population.base)
            if inside is False:
                continue
            lacking = population.translate(_lacking(plan, plan.outputs[place]))
            of_rows = bool(population.rows) and statistic.kind != "children"
            if (of_rows and implied) or (statistic.kind == "children" and len(plan.academic_years) != 1):
                continue
            telling = [number for number, each in enumerate(groupings) if each.columns in crossed]
            if not of_rows:
                telling = sorted({*telling, *_telling(plan, population, groupings)})
            free = tuple(each for each in enumerate(groupings) if each[0] not in telling)
            named = f"rows of {population.rows}" if population.rows else ""
            for fixed, chosen in _choices(groupings, telling, inside):
                said = facts.add_to(chosen)
                base, needs = (said, population.needs) if of_rows else facts.add(*population.take_apart(said))
                if base is False:
                    continue
                kind, behind = ((named, needs), "") if of_rows else ((population.key, needs), named)
                yield Counted(
                    place=place,
                    label=label,
                    key=population.key,
                    kind=kind,
                    base=base,
                    inside=said,
                    rows=rows,
                    statistic=name,
                    implied=implied,
                    of_share=each_named.of_share,
                    multiplied=each_named.multiplied,
                    fixed=fixed,
                    free=free,
                    behind=behind,
                    lacking=lacking,
                )


def _lacking(plan: QueryPlan, output: Output) -> Region:
    """The rows that a figure is about and that lack a value of what it is of. Raises `RegionTangled`."""
    if output.among == output.present:
        return False
    return intersect(rows_of(plan, output.among), complement(rows_of(plan, output.present)))


@dataclass(frozen=True)
class _Named:
    """A count by its label and statistic: printed or implied, and of whom, where that is not said by the statistic."""

    label: str
    statistic: str
    implied: bool
    of_share: bool = False
    multiplied: bool = False
    of: Region = True


def _named_counts(plan: QueryPlan) -> Iterator[tuple[int, _Named]]:
    """Each column of counts by its place.

    A share has two: of whom it is a share, and of whom it says that they are so. Share and number together often give
    the second exactly. So has a sum or an average of what is 0 or 1 for everybody asked about, which is as much. What
    is multiplied by a condition has one of those who meet it: its sum is theirs, and so is what it leaves of others.
    Where two conditions are, those who meet either are counted as those of whom a share is printed: slope and intercept
    are shares among them, and with the number of all and of one they give the number of the other.
    """
    for place, output in enumerate(plan.outputs):
        printed, those = _printed(output), f"{output.label} (those who are)"
        if name := printed or output.present:
            yield place, _Named(output.label, name, not printed)
        if output.kind == "mean" and output.indicator and output.counted:
            yield place, _Named(those, output.counted, implied=True, of_share=True)
        elif (ones := find_ones(plan, output)) is not False:
            yield place, _Named(those, output.nonzero[0], implied=True, of_share=True, of=ones)
        if name := find_meeting(plan, output):
            yield place, _Named(f"{output.label} (those who meet it)", name, implied=True, multiplied=True)
        for number, each in enumerate(find_conditions(plan, output), start=1):
            label = f"{output.label} (those who meet condition {number})"
            yield place, _Named(label, each, implied=True, of_share=True, multiplied=True)


def _printed(output: Output) -> str | None:
    """The statistic behind a count, or None."""
    if output.kind in ("count", "regr_count") or (output.kind == "sum" and output.indicator):
        return output.counted or output.statistics[0]
    return output.statistics[0] if output.kind == "distinct" else None


def _telling(plan: QueryPlan, population: Population, groupings: Sequence[Grouping]) -> list[int]:
    """The dimensions that say of which kind a row is, or several things of the child, by their numbers."""
    return [
        number
        for number, (dimension, each) in enumerate(zip(plan.dimensions, groupings, strict=True))
        if not each.columns <= population.own or _columns_of_dimension(dimension) & population.telling
    ]


def _columns_of_dimension(dimension: Dimension) -> Columns:
    return frozenset({dimension.name}).union(*map(columns_of, dimension.regions))


def _choices(
    groupings: Sequence[Grouping], telling: Sequence[int], rows: Region
) -> Iterator[tuple[tuple[tuple[int, int | None], ...], Region]]:
    """By the dimensions that are not added up over: each choice of categories, and the rows that it leaves."""
    if prod(1 + len(groupings[number].regions) for number in telling) > MOST_KINDS:
        raise TooTangled(f"one question tells more than {MOST_KINDS} kinds of rows apart")
    for places in product(*((None, *range(len(groupings[number].regions))) for number in telling)):
        fixed = tuple(zip(telling, places, strict=True))
        chosen = (groupings[number].regions[at] for number, at in fixed if at is not None)
        inside = reduce(intersect, chosen, rows)
        if inside is not False:
            yield fixed, inside


def stands_alone(plan: QueryPlan) -> bool:
    """Whether no count of a plan's answer follows from others: no totals, one column, and no sum of what that is by.

    Not where that is too tangled to tell.
    """
    if len(plan.sets) > 1 or is_loose(plan):
        return len(plan.sets) == 1
    counts = [each for each in plan.outputs if _printed(each)]
    added = {name for output in plan.outputs for each in output.measures for name in each.columns}
    conditions = [region for each in plan.outputs for region in (each.within, *(of.holds for of in each.measures))]
    try:
        return len(counts) < 2 and not any(_tells_values(each, plan, added) for each in conditions)
    except RegionTangled:
        return False


def _tells_values(rows: Region, plan: QueryPlan, names: Collection[str]) -> bool:
    """Whether a condition parts the values of one of these columns, and says more than that there is one.

    So it does where the catalogue leaves whoever meets it, or nobody who does not, some of them: of a quantity that has
    few. Of one with many, as attendance in tenths of a per cent, a sum leaves open how many have which.
    """
    present = (present_in(plan.governed.columns[name]) for name in columns_of(rows).intersection(names))
    if any(intersect(each, complement(rows)) is not False for each in present):
        return True
    sides = [intersect(plan.where, side) for side in (rows, complement(rows))] if rows is not True else []
    return any(
        _values_left(plan, side, name) not in ([], _values_left(plan, plan.where, name))
        for side in sides
        for name in names
        if plan.governed.columns[name].present_codes <= MOST_VALUES
    )


def _values_left(plan: QueryPlan, rows: Region, name: str) -> Sequence[tuple[int, int]]:
    """The codes of a column's values that some rows leave, by what the catalogue says too."""
    last = plan.governed.columns[name].present_codes - 1
    ranges = possible_ranges(*known_of(plan.governed, rows, name))
    return [(low, min(high, last)) for low, high in ranges if low <= last]


def _groupings(plan: QueryPlan, population: Population) -> tuple[Grouping, ...]:
    """The dimensions of a plan, in the words that are shared."""
    found = []
    for each in plan.dimensions:
        regions = tuple(
            population.translate(dimension_region(each, category, plan.governed)) for category in each.categories
        )
        found.append(Grouping(frozenset[str]().union(*map(columns_of, regions)), regions))
    return tuple(found)


def place_cell(plan: QueryPlan, cell: Cell) -> Places:
    """Where a cell is."""
    return tuple(
        None if category == TOTAL else dimension.categories.index(category)
        for dimension, category in zip(plan.dimensions, cell, strict=True)
    )

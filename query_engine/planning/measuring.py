"""What is asked of each cell, as statistics that add up: one output with its statistics for each item selected.

Every figure is a function of a few sums: a variance of the count, the sum and the sum of squares; a regression line of
six. Each sum is over the rows where everything that the figure needs is present, so that the sums belong together.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from itertools import chain, pairwise
from math import prod
from typing import Any, Literal

from query_engine.catalogue import Column, GovernedTable
from query_engine.models.limbs import LIMB
from query_engine.planning.canonical import canonical_region, digest_of
from query_engine.planning.conditions import region_from, region_on
from query_engine.planning.plan import Measure, Output, Statistic
from query_engine.planning.region import (
    Region,
    columns_of,
    complement,
    constrain,
    intersect,
    possible_ranges,
    present_in,
)
from query_engine.planning.terms import COUNTLESS, FORMULAS, Term, multiply, value_of
from query_engine.query.model import (
    Aggregate,
    ColumnValue,
    CountChildren,
    CountRows,
    Function,
    Indicator,
    Measured,
    Product,
)
from query_engine.query.predicate import Predicate
from query_engine.refusal import QueryRefused, RefusalCode

ROWS = Statistic("rows", "rows", 1)
CHILDREN = Statistic("children", "children", 1)

LARGEST_ROSTER = 200
"""More nodes than one sum is ever taken over: England has 153 authorities."""

MOST_ROWS = 10_000_000
"""More rows than one node answers from: England has nine million pupils."""

NOISE_ROOM = 2**40
"""What is kept free at either end of a sum for the noise of disclosure control."""

LARGEST_FIGURE = (2**63 - 1 - NOISE_ROOM) // LARGEST_ROSTER
"""The most that one node may add to a sum, so that no sum over any roster leaves 64 bits: whoever gathers the figures
of a node sees to it, since tables that are joined can have more rows than `MOST_ROWS`."""

WIDEST = LARGEST_FIGURE // MOST_ROWS
"""The most that a row may add to a sum."""

WIDEST_PRODUCT = 2**63 - 1
"""The most that a row may come to: an engine works it out as one whole number before it is cut in two."""

Planned = tuple[Output, set[Statistic]]

_Side = tuple[Statistic, Statistic]
"""The children with a row that meets a condition, and those with one that does not: a child can be both."""


@dataclass(frozen=True, slots=True)
class Measuring:
    """Plans the figures of one query: of the rows that `where` keeps of a table."""

    table: GovernedTable
    where: Region

    def plan(self, label: str, item: CountRows | CountChildren | Aggregate) -> Planned:
        """One column of the answer, and every statistic that it or its protection needs.

        Raises `QueryRefused` and `RegionTangled`.
        """
        match item:
            case CountRows():
                return _counted(label, "count", ROWS, CHILDREN)
            case CountChildren(where):
                within = self._filter(where)
                children = self.children(within)
                return _counted(label, "distinct", children, children, within, self._sides(within))
            case Aggregate("quantile", (measured,), where, fraction):
                return self._quantile(label, measured, self._filter(where), fraction)
            case Aggregate(function, of, where):
                return self._aggregate(label, function, tuple(map(self._term, of)), self._filter(where))

    def _aggregate(self, label: str, function: Function, terms: tuple[Term, ...], within: Region) -> Planned:
        over = intersect(within, reduce(multiply, terms).present)
        formula = FORMULAS[function](*terms)
        sums = [self.total(term, over) for term in formula]
        statistics = sums if function in COUNTLESS else [self.rows(over), *sums]
        measures = tuple(self._measure(term, over) for term in terms)
        if function in ("sum", "mean") and not measures[0].columns and measures[0].where is True:
            raise _constant("every row meets")
        if function not in _FREE_OF_SCALE:
            for measure in measures:
                self._check_neighbours(measure)
        among, present = self.children(within), self.children(over)
        weighed = (terms[0] * terms[1],) if function == "weighted_mean" else ()
        nonzero = [self._nonzero(term, over) for term in (*terms, *weighed)]
        sides = self._sides(within, over, formula)
        return _output(label, function, measures, statistics, (among, present, *nonzero), sides, within=within)

    def _check_neighbours(self, measure: Measure) -> None:
        """Check that a number which is added up can have values next to each other. Raises `QueryRefused`.

        The average of 0s and 60s alone is their share, printed far more finely than a share is: it would tell the exact
        number of rows, which rounding is there to hide.
        """
        kept = intersect(self.where, measure.where)
        for column in (self.table.columns[name] for name in measure.columns):
            if _lie_apart(column, possible_ranges(kept, column)):
                reason = f"The values of {column.called} that are left lie apart: count the rows with each of them."
                raise QueryRefused(RefusalCode.VALUES_APART, reason)

    def _quantile(self, label: str, measured: Measured, within: Region, fraction: Decimal | None) -> Planned:
        """The number of values in each declared bin that the filter leaves; the quantile is found from those."""
        assert isinstance(measured, ColumnValue)  # the parser takes quantiles of columns alone
        column = self.table.columns[measured.column]
        ranges = {codes: intersect(within, region_on(column, [codes], self.table)) for codes in bin_codes(column)}
        kept = {codes: region for codes, region in ranges.items() if constrain(region, self.where) is not False}
        if len(kept) < 2:
            raise _constant("one bin of a quantile holds every row that meets")
        statistics = [self.rows(region) for region in kept.values()]
        among, present = self.children(within), self.children(intersect(within, present_in(column)))
        measure = Measure(column.name, (column.name,), True, column.scale, _bound(column), column.unit)
        ends = tuple((_plain(column, first), _plain(column, last)) for first, last in kept)
        sides, rest = self._sides(within), {"within": within, "fraction": fraction, "bins": ends}
        return _output(label, "quantile", (measure,), statistics, (among, present), sides, **rest)

    def _term(self, measured: Measured) -> Term:
        match measured:
            case ColumnValue(name):
                return value_of(self.table.columns[name])
            case Product(columns):
                return reduce(multiply, (value_of(self.table.columns[name]) for name in columns))
            case Indicator(condition):
                return Term((), region_from(condition, self.table), True)

    def _filter(self, where: Predicate | None) -> Region:
        """What a FILTER adds to the rows of WHERE. Raises `QueryRefused` where nothing is left."""
        added = constrain(region_from(where, self.table), self.where)
        if added is False:
            raise _constant("no row meets")
        return added

    def rows(self, over: Region) -> Statistic:
        """The rows of a region."""
        return self._statistic("rows", self._measure(Term((), True, True), over))

    def children(self, over: Region) -> Statistic:
        """The distinct children with a row in a region."""
        return self._statistic("children", self._measure(Term((), True, True), over))

    def _sides(self, within: Region, over: Region = True, terms: Iterable[Term] = ()) -> list[_Side]:
        """Both sides of FILTER, and of each condition among the terms; none where no row can be on the other one."""
        parted = dict.fromkeys([(True, within), *((over, term.holds) for term in terms)])
        both = [(intersect(rows, holds), intersect(rows, complement(holds))) for rows, holds in parted]
        possible = [(inside, outside) for inside, outside in both if constrain(outside, self.where) is not False]
        return [(self.children(inside), self.children(outside)) for inside, outside in possible]

    def _nonzero(self, term: Term, over: Region) -> Statistic:
        measure = self._measure(term, over)
        return self._statistic("nonzero" if measure.columns else "children", measure)

    def total(self, term: Term, over: Region) -> Statistic:
        """The sum of a term over the rows of a region where it is present."""
        measure = self._measure(term, over)
        return self._statistic("sum" if measure.columns else "rows", measure)

    def _statistic(self, kind: str, measure: Measure) -> Statistic:
        if not measure.columns and measure.where is True:
            return ROWS if kind == "rows" else CHILDREN
        bound = measure.bound if kind == "sum" else 1
        return Statistic(f"{kind}:{measure.name}", kind, bound, measure)  # type: ignore[arg-type]

    def _measure(self, term: Term, over: Region) -> Measure:
        """The measure of a term over some rows, which loses what WHERE and the presence of its columns already say."""
        columns = [self.table.columns[name] for name in term.columns]
        kept = reduce(intersect, map(present_in, columns), self.where)
        added = constrain(intersect(over, term.holds), kept)
        if added is False:
            raise _constant("no row meets")
        bound = prod(map(_bound, columns))
        if bound > WIDEST_PRODUCT:
            raise QueryRefused(
                RefusalCode.TOO_WIDE, "Sums of this product could leave 64 bits: multiply fewer or smaller columns."
            )
        unit = columns[0].unit if len(columns) == 1 else None
        name = _name(term.columns, added, self.table)
        return Measure(name, term.columns, added, sum(each.scale for each in columns), bound, unit, term.holds)


def _lie_apart(column: Column, ranges: list[tuple[int, int]]) -> bool:
    """Whether of several values that are left no two differ by the least that values can differ by."""
    present = [(first, min(last, column.present_codes - 1)) for first, last in ranges if first < column.present_codes]
    if column.domain is None:
        return len(present) > 1 and all(first == last for first, last in present)
    values = [column.domain[code] for first, last in present for code in range(first, last + 1)]
    return len(values) > 1 and all(int(after) - int(value) > 1 for value, after in pairwise(values))


_FREE_OF_SCALE = frozenset({"correlation", "regr_count", "regr_r2", "regr_slope", "regr_intercept"})
"""Functions that say nothing of how far apart the values of one column lie."""


def limbs(statistic: Statistic) -> tuple[Statistic, ...]:
    """The statistic, or the two that stand for it where sums of it could leave 64 bits."""
    if statistic.bound <= WIDEST:
        return (statistic,)
    assert statistic.measure is not None
    name = statistic.measure.name
    high = Statistic(f"high:{name}", "high", statistic.bound // LIMB, statistic.measure)
    return (high, Statistic(f"low:{name}", "low", LIMB - 1, statistic.measure))


def bin_codes(column: Column) -> list[tuple[int, int]]:
    """The first and last code of each bin of a column: the declared ones of a measure, each value of a dimension."""
    firsts = [code for code in map(column.code, column.bins) if code is not None] or range(column.present_codes)
    return list(zip(firsts, [*(first - 1 for first in firsts[1:]), column.present_codes - 1], strict=True))


def _counted(
    label: str,
    kind: Literal["count", "distinct"],
    counted: Statistic,
    children: Statistic,
    within: Region = True,
    sides: Sequence[_Side] = (),
) -> Planned:
    name, named = children.name, tuple((inside.name, outside.name) for inside, outside in sides)
    output = Output(label, kind, None, (), (counted.name,), name, name, (name,), within, named)
    return output, {counted, children, *chain(*sides)}


def _output(
    label: str,
    kind: Function,
    measures: tuple[Measure, ...],
    statistics: list[Statistic],
    behind: tuple[Statistic, ...],
    sides: Sequence[_Side],
    **more: Any,
) -> Planned:
    made_from = {part for each in statistics for part in limbs(each)} | {*behind, *chain(*sides)}
    among, present, *nonzero = (each.name for each in behind)
    names = tuple(each.name for each in statistics)
    named = tuple((inside.name, outside.name) for inside, outside in sides)
    return Output(label, kind, None, measures, names, among, present, tuple(nonzero), sides=named, **more), made_from


def _plain(column: Column, code: int) -> Decimal:
    value = column.value(code)
    assert isinstance(value, int | Decimal)  # amounts are numbers
    return Decimal(value)


def _bound(column: Column) -> int:
    return max(abs(end) for end in column.scaled_bounds)


def _name(columns: tuple[str, ...], where: Region, table: GovernedTable) -> str:
    """The same name for the same measure: the columns multiplied, then those that must be present or the condition."""
    product = "*".join(columns)
    if isinstance(where, bool):
        return product
    needed = sorted(columns_of(where))
    only_present = [present_in(table.columns[name]) for name in needed]
    if reduce(intersect, only_present) == where:
        return f"{product} with {','.join(needed)}" if columns else ",".join(needed)
    return f"{product} when-{digest_of(canonical_region(where, table))}".strip()


def _constant(outcome: str) -> QueryRefused:
    return QueryRefused(
        RefusalCode.CONSTANT_CONDITION, f"Among the rows of WHERE, {outcome} a condition of the SELECT list."
    )

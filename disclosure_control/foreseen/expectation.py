"""How much of a table would be withheld, foreseen from public margins before any data is asked.

A cell of the middling authority is expected to have so many children; how many it has is taken to be Poisson. Those who
say yes, those who say no and those of whom nothing is known are then Poisson, too, and independent, so the chance that
a figure passes a preset is a product of a few tails, and none that it does where it is withheld whatever it comes to
(see `certain`). What figures tell together otherwise (rules 3 to 5 of `suppression`) is not foreseen. What comes out is
an estimate for choosing between questions, no promise: authorities differ in size.

A child who is there in several years is one child. Of the children of one year about four in ten were not there the
year before (33,000 of 82,000 started to be looked after in the year to March 2025), so three years pooled have 1.8
times the children of one; of outcomes that a child has once, such as an end of key stage, each year brings others.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from math import ceil, exp, prod

from disclosure_control.foreseen.certain import children_between
from disclosure_control.foreseen.frequencies import YEAR, Frequencies, read_frequencies
from disclosure_control.presets.shipped import Preset
from disclosure_control.rows.few_values import FewValues
from disclosure_control.suppression.cell_rules import are_near
from query_engine.catalogue import Category
from query_engine.methodology.asked import tells_of
from query_engine.planning.plan import TOTAL, Output, QueryPlan, Statistic
from query_engine.planning.reach import dimension_region
from query_engine.planning.region import Region, RegionTangled, columns_of, intersect, region_of
from query_engine.planning.relation import Relation

__all__ = ["Expectation", "foresee"]

NEW_EACH_YEAR = 0.4
"""Of the children of a year, the share who were not there the year before."""

MOST_LOOKED_AT = 4_000
"""Cells that are worked out; of a larger table as many are, evenly spread."""

Chances = tuple[float, ...]
"""A number for each key stage."""


@dataclass(frozen=True)
class Expectation:
    """What is expected of one authority's table: the share of its figures withheld, and children to a cell.

    The share is of the figures of cells that hold any child: that an empty cell is withheld, too, is no loss.
    """

    withheld: float
    children: float

    @property
    def in_words(self) -> str:
        """The share as whole per cents; only a table without any is called so."""
        if 0 < self.withheld < 0.01:
            return "under 1%"
        return f"{min(round(self.withheld * 100), 99 if self.withheld < 1 else 100)}%"


def foresee(plan: QueryPlan, preset: Preset) -> Expectation | None:
    """What to expect of a plan's table in the middling authority; None where that cannot be told.

    It cannot of tables that are joined, whose frequencies together are not published, nor of a tangled filter, nor of
    a model, which is released whole or not at all.
    """
    if isinstance(plan.governed, Relation) or plan.model is not None:
        return None
    try:
        return _Foresight(plan, preset, read_frequencies(plan.governed)).expectation()
    except RegionTangled:
        return None


class _Foresight:
    """One plan under one preset."""

    def __init__(self, plan: QueryPlan, preset: Preset, frequencies: Frequencies) -> None:
        self._plan, self._preset, self._frequencies = plan, preset, frequencies
        self._statistics = {each.name: each for each in plan.statistics}
        self._outputs = [each for each in plan.outputs if each.kind != "dimension"]
        self._few_values = FewValues(plan, preset)
        self._where = frequencies.chances(plan.where)
        self._expected = self._children_of_stages()
        self._behind = {each.name: self._given_where(_region_of(each, plan)) for each in plan.statistics}
        self._categories: list[Mapping[Category | None, Chances]] = [
            {each: self._given_where(dimension_region(dimension, each, plan.governed)) for each in dimension.categories}
            for dimension in plan.dimensions
        ]

    def expectation(self) -> Expectation:
        """The expectation over the cells, those that are looked at."""
        shown = inhabited = children = 0.0
        looked_at = 0
        totals = self._chances_of_totals()
        for number, cell in _spread(self._plan):
            stages = self._children_in(cell)
            whole = 1.0 if number == 0 else totals[number, cell]
            anybody = 1 - exp(-sum(stages))
            empty_shown = 1 - anybody if self._preset.shows_zero else 0.0
            never = self._few_values.counting(cell)
            chances = (
                0.0 if each.label in never else min(whole, self._chance_shown(each, stages)) for each in self._outputs
            )
            shown += sum(min(anybody, max(0.0, chance - empty_shown)) for chance in chances)
            inhabited += anybody * len(self._outputs)
            children += sum(stages)
            looked_at += 1
        withheld = 1 - shown / inhabited if inhabited else 1.0
        return Expectation(max(0.0, withheld), children / looked_at)

    def _children_of_stages(self) -> Chances:
        """The children of WHERE, key stage by key stage, in the middling authority."""
        size = float(self._plan.governed.typical_size)
        column = self._plan.governed.columns.get("at_31_march")
        if column is not None:  # typical_size is of that day, and the table has the children of the whole year
            size /= self._frequencies.share(region_of(column, [(1, 1)])) or 1.0
        years = max(1, len(self._plan.academic_years)) if YEAR in columns_of(self._plan.where) else 1
        apart = any(YEAR in _columns(each.name, each.regions) for each in self._plan.dimensions)
        once = apart or tells_of(self._plan, "cohort")
        distinct = 1.0 if once else (1 + NEW_EACH_YEAR * (years - 1)) / years
        weights = (stage.weight for stage in self._frequencies.stages)
        return tuple(size * distinct * weight * chance for weight, chance in zip(weights, self._where, strict=True))

    def _given_where(self, region: Region) -> Chances:
        """Of each key stage, the share of the rows of WHERE that are in a region."""
        inside = self._frequencies.chances(intersect(self._plan.where, region))
        return tuple(part / whole if whole else 0.0 for part, whole in zip(inside, self._where, strict=True))

    def _children_in(self, cell: Sequence[Category | None]) -> Chances:
        """The expected children of a cell, key stage by key stage."""
        parts = [shares[each] for shares, each in zip(self._categories, cell, strict=True) if each != TOTAL]
        return tuple(expected * prod(part[place] for part in parts) for place, expected in enumerate(self._expected))

    def _chances_of_totals(self) -> dict[tuple[int, tuple[Category | None, ...]], float]:
        """The chance of each total that nothing is withheld in the cells it adds up over."""
        found: dict[tuple[int, tuple[Category | None, ...]], float] = {}
        sets = list(enumerate(self._plan.sets))[1:]
        if not sets or self._plan.cells > MOST_LOOKED_AT:
            return _Zero()
        for number, cell in _numbered(self._plan):
            if number:
                break
            stages = self._children_in(cell)
            row = min(self._chance_shown(each, stages) for each in self._outputs)
            for total, kept in sets:
                key = (total, tuple(each if place in kept else TOTAL for place, each in enumerate(cell)))
                found[key] = found.get(key, 1.0) * row
        return found

    def _chance_shown(self, output: Output, stages: Chances) -> float:
        """The chance that one figure of a cell is shown."""
        cell = sum(stages)
        if output.kind == "count":
            return self._enough(cell)
        among = self._behind_in(output.among, stages)
        filtered = 1.0 if output.within is True else self._enough(among) * self._enough(cell - among)
        if output.kind == "distinct":
            return filtered if output.within is not True else self._enough(cell)
        present = self._behind_in(output.present, stages)
        nonzero = [self._behind_in(name, stages) for name in output.nonzero]
        if output.indicator:
            return min(filtered, self._share_shown(among, present, nonzero[0]))
        return min(filtered, self._amount_shown(output, among, present, nonzero))

    def _share_shown(self, among: float, present: float, yes: float) -> float:
        return self._enough(yes) * self._enough(present - yes) * (1 - self._a_few(among - present))

    def _amount_shown(self, output: Output, among: float, present: float, nonzero: list[float]) -> float:
        if output.kind in ("sum", "mean"):
            some = 1 - _between(1, self._preset.minimum_n_mean - 1, present)
        else:
            two = len(output.measures) > 1
            least = self._preset.minimum_n_correlation if two else self._preset.minimum_n_spread
            if output.fraction is not None:  # enough on either side of a quantile
                least = max(least, ceil(self._preset.smallest_count_shown / min(output.fraction, 1 - output.fraction)))
                near = (each for each in self._outputs if are_near(output, each))
                least = max([least, *(children_between(output, each, self._preset) for each in near)])
            some = 1 - _between(0, least - 1, present)
        known = 1 - self._a_few(among - present) if output.kind == "sum" else 1.0
        return min([some, *map(self._enough, nonzero)]) * known

    def _behind_in(self, name: str, stages: Chances) -> float:
        return sum(children * share for children, share in zip(stages, self._behind[name], strict=True))

    def _a_few(self, expected: float) -> float:
        return _between(1, self._preset.smallest_count_shown - 1, expected)

    def _enough(self, expected: float) -> float:
        """The chance that a count of children may be shown."""
        return 1 - _between(1 if self._preset.shows_zero else 0, self._preset.smallest_count_shown - 1, expected)


class _Zero(dict[tuple[int, tuple[Category | None, ...]], float]):
    """Totals of a table that is too large to look at each: taken to be withheld."""

    def __missing__(self, key: object) -> float:
        return 0.0


def _between(least: int, most: int, expected: float) -> float:
    """The chance of a Poisson number from `least` to `most`."""
    term, chance = exp(-max(0.0, expected)), 0.0
    for number in range(most + 1):
        chance += term if number >= least else 0.0
        term *= max(0.0, expected) / (number + 1)
    return min(1.0, chance)


def _region_of(statistic: Statistic, plan: QueryPlan) -> Region:
    """The rows behind a statistic: of `nonzero`, those whose columns are present and not 0."""
    measure = statistic.measure
    if measure is None:
        return True
    if statistic.kind != "nonzero":
        return measure.where
    columns = [plan.governed.columns[name] for name in set(measure.columns)]
    zeros = [(column, column.code(0)) for column in columns]
    present = [
        region_of(
            column,
            [(0, column.present_codes - 1)] if zero is None else [(0, zero - 1), (zero + 1, column.present_codes - 1)],
        )
        for column, zero in zeros
    ]
    return reduce(intersect, present, measure.where)


def _columns(name: str, regions: tuple[Region, ...]) -> frozenset[str]:
    return frozenset().union(*map(columns_of, regions)) if regions else frozenset({name})


def _numbered(plan: QueryPlan) -> Iterator[tuple[int, tuple[Category | None, ...]]]:
    """Every cell after the number of its grouping set."""
    numbers = (number for number, each in enumerate(plan.sets) for _ in range(plan.cells_of(each)))
    return zip(numbers, plan.iter_cells(), strict=True)


def _spread(plan: QueryPlan) -> Iterator[tuple[int, tuple[Category | None, ...]]]:
    """The cells that are looked at: all, or every so many of them."""
    step = -(-plan.cells // MOST_LOOKED_AT)
    step += step > 1 and step % 2 == 0  # an even step would keep to one category of a yes/no dimension
    return (each for place, each in enumerate(_numbered(plan)) if place % step == 0)

"""One row of a release as its reader has it: what margins of error are worked out from, and nothing else."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from math import hypot

from disclosure_control.presets.shipped import Preset
from disclosure_control.rows.rounding import decimal_places, is_count
from disclosure_control.symbols import Symbol, Value
from query_engine.planning.centred_sums import CentredSum
from query_engine.planning.plan import Output, QueryPlan
from query_engine.planning.region import columns_of

FEWEST_ROWS = 6
"""Fewer rows than these have no margin: the approximations do not hold for them."""


class MarginMissing(Exception):
    """There is no margin, for the reason in the text."""


@dataclass(frozen=True, slots=True)
class ReleasedRow:
    """One row of a release, with what the plan and the preset say of its figures.

    `noise` is how far the noise in each statistic may well lie from 0 as it was opened, and None where there is none.
    `spreads` has the standard deviations of the same, and `sums` the noised statistics that are released beside the
    figures, about 0; `centred` says how those are made of the opened ones.
    """

    figures: Mapping[str, Value]
    plan: QueryPlan
    preset: Preset
    noise: Mapping[str, int] | None = None
    spreads: Mapping[str, float] = field(default_factory=dict)
    sums: Mapping[str, int] = field(default_factory=dict)
    centred: Mapping[str, CentredSum] = field(default_factory=dict)

    @property
    def base(self) -> int:
        """The multiples to which counts are rounded; those with noise are not."""
        return 1 if self.noise is not None else self.preset.rounding_base

    def noise_of(self, statistic: str) -> int:
        """How far the noise in a statistic may well lie from 0."""
        return self.noise[statistic] if self.noise is not None else 0

    def middle_of(self, total: str, rows: str) -> int:
        """About which number a sum was noised over these rows, in its own units."""
        return self.centred[total].made_of.get(rows, 0) if self.noise is not None else 0

    def spread_of(self, moved: Mapping[str, float]) -> float:
        """The standard deviation that noise gives to what moves so much with each sum about 0."""
        by: dict[str, float] = {}
        for name, size in moved.items():
            for source, times in self.centred[name].made_of.items():
                by[source] = by.get(source, 0.0) + times * size
        return hypot(*(size * self.spreads[source] for source, size in by.items()))

    def number(self, output: Output) -> float | None:
        """A released figure, or None where it is withheld."""
        value = self.figures[output.label]
        return None if isinstance(value, Symbol) else float(value)

    def half_place(self, output: Output) -> float:
        """By how much printing may have moved a figure."""
        return 0.5 * 10.0 ** -decimal_places(output, self.preset)

    def printed_as(self, count: float, statistic: str) -> tuple[int, int]:
        """The least and greatest count of a statistic that is released as this one; 0 is released of none alone."""
        if self.noise is not None:
            noise = self.noise_of(statistic)
            return max(0, int(count) - noise), max(0, int(count) + noise)
        return self.preset.printed_range(int(count))

    def rows_behind(self, output: Output) -> "Rows":
        """The rows that a figure rests on, by the counts released beside it. Raises `MarginMissing`.

        A count of the children with such rows serves too: they are no more than the rows, and fewer make the margin
        wider. With noise it does not: what the figure was divided by held other noise.
        """
        counting = [
            each
            for each in self.plan.outputs
            if (is_count(each) and each.counted == output.statistics[0])
            or (self.noise is None and each.kind == "distinct" and each.among == output.present)
        ]
        if not counting:
            raise MarginMissing(f"ask for {_count_to_ask(output)} beside it")
        counts = [count for each in counting if (count := self.number(each)) is not None]
        if not counts or min(counts) - self.noise_of(output.statistics[0]) < FEWEST_ROWS:
            raise MarginMissing("the count of the same rows is withheld or too small")
        return Rows(int(min(counts)), *self.printed_as(min(counts), output.statistics[0]))

    def beside(self, kinds: Collection[str], is_same: Callable[[Output], bool]) -> tuple[Output, float] | None:
        """The first released figure of these kinds that is of the same values."""
        for each in self.plan.outputs:
            value = self.number(each) if each.kind in kinds and is_same(each) else None
            if value is not None:
                return each, value
        return None


@dataclass(frozen=True, slots=True)
class Rows:
    """A number of rows as it is released, and the fewest and the most that are released so."""

    released: int
    fewest: int
    most: int


def _count_to_ask(output: Output) -> str:
    """What to ask for to have the rows of a figure counted."""
    if output.statistics[0] == "rows":
        return "COUNT(*)"
    if len(output.measures) == 2:
        return "REGR_COUNT of the same two"
    columns = {*output.measures[0].columns, *columns_of(output.measures[0].where)}
    if output.within is True and len(columns) == 1:
        return f"COUNT(*) FILTER (WHERE {columns.pop()} IS NOT NULL)"
    return "COUNT(*), with a FILTER that keeps the rows of this figure,"

"""Few values: which sums, averages and spreads of a quantity are counts of its values.

Of 43 children who are fifteen or sixteen, with 648 years between them, three are sixteen. So is of 40 children with one
placement at least, who have 41, one who has two. What all have beyond the least that is possible is made up by those
who have more than that, of whom each has a step more at least; and what all lack of the most by those who have less.
Where that is enough for few, they are known to be few, as those are who have anything of a sum that starts at 0
(`suppression.cell_rules`). Sums of squares tell so of all who are not at one of two values next to each other.

A quantity of which a cell leaves two values is a yes or no: its sum says how many have either, few or not, and what
other counts of them leave. So is a spread of three values, which tells all three beside the sum. Neither is shown: a
count can be asked for. What is 0 or 1 for everybody asked about is shown, since it is counted (`linked.children`).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce

from disclosure_control.linked.figures.values import Values, read_values
from disclosure_control.presets.preset import Preset
from disclosure_control.rows.protected_table import Cell
from disclosure_control.suppression.cell_rules import Figures
from query_engine.columns import Category
from query_engine.finalisers import read_sum
from query_engine.planning.implied import known_of, name_words, tied_words
from query_engine.planning.plan import TOTAL, Dimension, Measure, Output, QueryPlan
from query_engine.planning.reach import dimension_region
from query_engine.planning.region import Region, RegionTangled, columns_of, intersect
from query_engine.planning.relation import Part, Relation

__all__ = ["FewValues"]

AVERAGES = {"sum": 0, "mean": 0, "regr_avgy": 0, "regr_avgx": 1}
SPREADS = {
    **dict.fromkeys(("variance", "variance_population", "deviation", "deviation_population", "regr_syy"), 0),
    "regr_sxx": 1,
}
"""Figures of one quantity, each with the place of its measure."""


@dataclass(frozen=True)
class FewValues:
    """The rule for one plan's cells, under one preset."""

    plan: QueryPlan
    preset: Preset
    _bearing: dict[tuple[Measure, str], tuple[Region, Sequence[int]]] = field(default_factory=dict)
    _known: dict[tuple[Measure, str, tuple[tuple[int, Category | None], ...]], Values | None] = field(
        default_factory=dict
    )

    def withheld(self, cell: Cell, figures: Figures) -> frozenset[str]:
        """The labels of the figures of a cell that would tell of few values; all, where it is too tangled to say."""
        try:
            return frozenset(each.label for each in self.plan.outputs if self._tells(each, cell, figures))
        except RegionTangled:
            return frozenset(each.label for each in self.plan.outputs if each.measures)

    def counting(self, cell: Cell) -> frozenset[str]:
        """The labels of the figures of a cell that would count few values, whatever they come to.

        Raises `RegionTangled`.
        """
        return frozenset(each.label for each in self.plan.outputs if self._counts_values(each, cell))

    def _tells(self, output: Output, cell: Cell, figures: Figures) -> bool:
        if output.kind in ("quantile", "model") or output.indicator:
            return False
        if self._counts_values(output, cell):
            return True
        place = AVERAGES.get(output.kind, SPREADS.get(output.kind))
        if place is None or not self._has_a_row_for_each():
            return False
        values = self._values_of_product(output.measures[place], cell)
        if values is None or values.count < 2:
            return False
        if output.kind in SPREADS:
            return self._tells_rest(output, figures)
        return self._tells_ends(output, values, self._number(output, output.measures[place], figures), figures)

    def _counts_values(self, output: Output, cell: Cell) -> bool:
        if output.kind in ("quantile", "model") or output.indicator:
            return False
        named = ((each, column) for each in output.measures for column in each.columns)
        return any(self._is_disguised(output, measure, column, cell) for measure, column in named)

    def _is_disguised(self, output: Output, measure: Measure, column: str, cell: Cell) -> bool:
        """Whether so few values are left that the figure, with others, is a count of each."""
        values = self._values(measure, column, cell)
        if values is None or values.count < 2 or values.count > (3 if output.kind in SPREADS else 2):
            return False
        whole = self._values(measure, column, (TOTAL,) * len(cell))
        is_counted = output.kind in ("sum", "mean") and measure.columns == (column,)
        return not (is_counted and whole is not None and whole.is_yes_or_no)

    def _tells_ends(self, output: Output, values: Values, number: int, figures: Figures) -> bool:
        """Whether few children have more than the least that they can have, or less than the most; or few have either.

        Who has more than nothing is counted, and no matter here. Somebody has the least where all have less than they
        would if nobody had; and of all that they lack of the most, each of those lacks the whole width.
        """
        total, few = read_sum(output.statistics[-1], figures), self.preset.smallest_count_shown
        beyond, lacking = total - values.least * number, values.most * number - total
        width = values.most - values.least
        told = [  # All of it is worked out, whatever it comes to, so that no clock tells.
            self._is_few(beyond, values.next - values.least) and values.least != 0,
            self._is_few(lacking, values.most - values.before),
            total < values.next * number and lacking // width < few,
            total > values.before * number and beyond // width < few,
        ]
        return number > 0 and any(told)

    def _tells_rest(self, output: Output, figures: Figures) -> bool:
        """Whether few have anything but one of the two values about the average, or nobody has."""
        number, total, squares = (read_sum(each, figures) for each in output.statistics)
        near, few = total // max(number, 1), self.preset.smallest_count_shown
        return squares - (2 * near + 1) * total + near * (near + 1) * number < 2 * few and number > 0

    def _is_few(self, together: int, step: int) -> bool:
        """Whether children who make up so much, by a step each at least, are too few, though they may be somebody."""
        few, shows_zero = step * self.preset.smallest_count_shown, self.preset.shows_zero
        return 0 <= together < few and (together > 0 or not shows_zero)

    @staticmethod
    def _number(output: Output, measure: Measure, figures: Figures) -> int:
        """How many children add something: those who meet what is multiplied in, or all who have a value."""
        met = [inside for inside, _ in output.sides if inside not in (output.among, output.present)]
        return figures[met[-1] if measure.holds is not True and met else output.present]

    def _has_a_row_for_each(self) -> bool:
        """Whether a child has one row, so that what rows have is what children have."""
        table = self.plan.governed
        parts = table.parts if isinstance(table, Relation) else (Part(table.name, table, None),)
        one_each = all(each.rows is not None or each.table.rows_per_child_year == 1 for each in parts)
        return one_each and len(self.plan.academic_years) == 1

    def _values_of_product(self, measure: Measure, cell: Cell) -> Values | None:
        """The values that a cell leaves of what is added up; None where they are not of numbers, or can be negative."""
        powers = Counter(measure.columns)
        found = [self._values(measure, name, cell) for name in powers]
        each = [values for values in found if values is not None]
        if not each or len(each) < len(found):
            return None
        if measure.columns == tuple(powers) and len(each) == 1:
            return each[0]
        if any(values.least < 0 for values in each):
            return None
        raised = [values.raised_to(power) for values, power in zip(each, powers.values(), strict=True)]
        return reduce(Values.times, raised)

    def _values(self, measure: Measure, name: str, cell: Cell) -> Values | None:
        """The values that a cell leaves of a column, by what the catalogue says too; None where it is no number."""
        if (measure, name) not in self._bearing:
            self._bearing[measure, name] = self._find_bearing(measure, name)
        rows, places = self._bearing[measure, name]
        bearing = tuple((place, cell[place]) for place in places if cell[place] != TOTAL)
        if (key := (measure, name, bearing)) not in self._known:
            regions = (dimension_region(self.plan.dimensions[at], each, self.plan.governed) for at, each in bearing)
            self._known[key] = read_values(*known_of(self.plan.governed, reduce(intersect, regions, rows), name))
        return self._known[key]

    def _find_bearing(self, measure: Measure, name: str) -> tuple[Region, Sequence[int]]:
        """The rows in which something is added, and the dimensions of which the category says what a column can be."""
        rows, table = reduce(intersect, (self.plan.where, measure.where, measure.holds)), self.plan.governed
        by = [name_words(table, _columns(each)) for each in self.plan.dimensions]
        tied = tied_words(table, name_words(table, columns_of(rows)).union(*by), name, rows)
        return rows, [at for at, words in enumerate(by) if not tied.isdisjoint(words)]


def _columns(dimension: Dimension) -> frozenset[str]:
    return frozenset({dimension.name}).union(*map(columns_of, dimension.regions))

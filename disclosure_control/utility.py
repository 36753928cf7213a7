"""How much of a national table is left by which way of protecting it: a measurement, which protects nothing.

From the same exact figures of every authority there are three ways to the figures of the nation:

- *suppressed first*: every authority protects its own rows, and whoever reads them adds up what is shown;
- *noised first*: every authority adds noise that hides its children by itself, and the noised figures are added up;
- *together*: the figures are added up under masks, and are protected once (an exact sum), or hold the noise of one
  release between them (a noisy sum).

Shares and averages that are read off authority rows are weighted by the count that stands beside them. What cannot be
had from authority rows at all, such as a correlation, is lost by the first way. The noise is drawn from its exact
distribution by NumPy, so that a measurement can be repeated: nothing that is drawn here is ever released.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import exp
from statistics import median
from typing import TYPE_CHECKING

from disclosure_control.noise.calibration import Calibration, calibrate, half_width, spread
from disclosure_control.noise.figures import NoisyFigures, print_figure
from disclosure_control.noise.terms import NoiseTerms
from disclosure_control.presets.preset import TOTAL_LEVEL, Preset
from disclosure_control.rows.others import Others, cap_counts, reckon_others
from disclosure_control.rows.protected_table import Row
from disclosure_control.rows.protection import protect
from disclosure_control.suppression.cell_rules import SuppressionRules
from disclosure_control.symbols import Symbol
from query_engine.finalisers import finalise
from query_engine.planning.centred_sums import centre_sums, restore, take
from query_engine.planning.paths import plan_for_path
from query_engine.planning.plan import Output, QueryPlan
from query_engine.tables import RawTable

if TYPE_CHECKING:
    from numpy.random import Generator

__all__ = ["Left", "add_up", "measure_noised", "measure_protected", "measure_suppressed", "open_total"]

DRAWS = 20
"""How often the noise of a table is drawn anew: what one draw makes of a few cells is chance."""

_ADDED = frozenset({"count", "distinct", "regr_count", "sum"})
_WEIGHTED = frozenset({"mean", "weighted_mean"})


@dataclass(frozen=True)
class Left:
    """What is left of the national figures: the share that is withheld or cannot be had, and how far off the rest is.

    `error` is the middling relative error; None where nothing is left. `deviation` is the standard deviation of the
    noise in a count, where there is any. `too_few` is the part of `lost` that nobody may have, however it is protected:
    in all of the nation too few children are behind the figure for the preset to show it.
    """

    lost: float
    error: float | None
    deviation: float | None = None
    too_few: float = 0

    @property
    def for_protection(self) -> float:
        """The share that the way of protecting costs: withheld beside others, or by many small, or lost in noise."""
        return self.lost - self.too_few


def add_up(tables: Sequence[RawTable]) -> RawTable:
    """The exact figures of all authorities together."""
    plan = tables[0].plan
    columns = {
        each.name: [sum(cells) for cells in zip(*(table.statistic(each.name) for table in tables), strict=True)]
        for each in plan.statistics
    }
    return RawTable(plan, columns)


def open_total(tables: Sequence[RawTable]) -> tuple[RawTable, Others]:
    """What is opened of an exact sum of all authorities, none of which has another's rows: figures and capped counts.

    The tables are of a plan for that path.
    """
    whole, parts = add_up(tables), [cap_counts(each) for each in tables]
    capped = {each: [sum(few) for few in zip(*(part[each] for part in parts), strict=True)] for each in parts[0]}
    return whole, reckon_others(whole, capped, 1)


def measure_protected(tables: Sequence[RawTable], preset: Preset) -> Left:
    """What an exact sum leaves of the figures, protected once as those of the nation, from each authority too."""
    total, plan = preset.at(TOTAL_LEVEL), plan_for_path(tables[0].plan, "exact_sum")
    tables = [RawTable(plan, {each.name: table.statistic(each.name) for each in plan.statistics}) for table in tables]
    whole, others = open_total(tables)
    rows = protect(whole, total, others=others).rows
    return _compare(_truths(whole), _read_rows(plan, rows), _too_few(whole, total))


def measure_suppressed(tables: Sequence[RawTable], whole: RawTable, preset: Preset) -> tuple[Left, float]:
    """What is left where every authority suppresses first, and the share of the authorities' own figures withheld."""
    plan = whole.plan
    shown = [_read_rows(plan, protect(each, preset).rows) for each in tables]
    national = [_add_shown(plan, [rows[place] for rows in shown]) for place in range(plan.cells)]
    truths = [_truths(each) for each in tables]
    held = [
        rows[place][label] is None
        for rows, truth in zip(shown, truths, strict=True)
        for place in range(plan.cells)
        for label in truth[place]
    ]
    left = _compare(_truths(whole), national, _too_few(whole, preset.at(TOTAL_LEVEL)))
    return left, sum(held) / max(1, len(held))


def measure_noised(whole: RawTable, plan: QueryPlan, terms: NoiseTerms, nodes: int, preset: Preset, seed: int) -> Left:
    """What noise leaves of the figures: `plan` is that of a noisy sum over so many nodes, under these terms.

    Of a noisy sum the terms are its own. Where each node hides its children by itself they are of one party.
    """
    from numpy.random import default_rng

    calibration, source, truths = calibrate(plan, terms.epsilon), default_rng(seed), _truths(whole)
    noise = _Noise(calibration, terms, nodes, source)
    few = _too_few(whole, preset.at(TOTAL_LEVEL))
    found = [_compare(truths, _draw(whole, plan, noise, preset), few) for _ in range(DRAWS)]
    errors = [each.error for each in found if each.error is not None]
    counted = next((each.name for each in plan.statistics if each.kind in ("rows", "children")), None)
    deviation = spread(calibration.scales[counted, 0], terms, nodes) if counted is not None else None
    lost, too_few = (sum(each) / DRAWS for each in zip(*((one.lost, one.too_few) for one in found), strict=True))
    return Left(lost, median(errors) if errors else None, deviation, too_few)


Figures = Mapping[str, Decimal | None]
"""The figures of one cell by their labels; None where one is withheld or cannot be had."""


def _truths(whole: RawTable) -> list[Figures]:
    """Every figure that has a value, of the cells that hold anybody."""
    plan = whole.plan
    children = next(each.name for each in plan.statistics if each.kind == "children")
    columns = {each.name: whole.statistic(each.name) for each in plan.statistics}
    found: list[Figures] = []
    for place in range(plan.cells):
        figures = {name: column[place] for name, column in columns.items()}
        values = {each.label: finalise(each, figures) for each in _figures_of(plan)} if figures[children] else {}
        found.append({label: Decimal(value) for label, value in values.items() if value})
    return found


def _figures_of(plan: QueryPlan) -> Iterator[Output]:
    return (each for each in plan.outputs if each.dimension is None)


def _read_rows(plan: QueryPlan, rows: Sequence[Row]) -> list[Figures]:
    found: list[Figures] = []
    for row in rows:
        shown = zip(plan.outputs, row, strict=True)
        found.append({each.label: _number(entry) for each, entry in shown if each.dimension is None})
    return found


def _number(entry: object) -> Decimal | None:
    return None if isinstance(entry, Symbol) or not isinstance(entry, int | Decimal) else Decimal(entry)


def _add_shown(plan: QueryPlan, shown: Sequence[Figures]) -> Figures:
    """What a reader of authority rows makes of one national cell."""
    return {each.label: _add_figure(each, plan, shown) for each in _figures_of(plan)}


def _add_figure(output: Output, plan: QueryPlan, shown: Sequence[Figures]) -> Decimal | None:
    if output.kind in _ADDED:
        parts = [value for each in shown if (value := each[output.label]) is not None]
        return sum(parts, Decimal(0)) if parts else None
    weight = next((each.label for each in _figures_of(plan) if each.kind in ("count", "distinct", "regr_count")), None)
    if output.kind not in _WEIGHTED or weight is None:
        return None
    pairs = [(value, by) for each in shown if (value := each[output.label]) is not None and (by := each[weight])]
    total = sum((by for _, by in pairs), Decimal(0))
    return sum((value * by for value, by in pairs), Decimal(0)) / total if total else None


@dataclass(frozen=True)
class _Noise:
    """The noise in a sum over so many nodes, drawn anew each time."""

    calibration: Calibration
    terms: NoiseTerms
    nodes: int
    source: "Generator"

    def add(self, name: str, numbers: Sequence[int], column: Sequence[int]) -> list[int]:
        """A statistic of every cell with noise in it, `numbers` being those of the cells' grouping sets."""
        scales = (self.calibration.scales[name, number] for number in numbers)
        return [figure + self._draw(scale) for figure, scale in zip(column, scales, strict=True)]

    def widths(self, number: int) -> dict[str, int]:
        """How far the noise in every statistic may well lie from 0, in one grouping set."""
        scales = ((name, scale) for (name, at), scale in self.calibration.scales.items() if at == number)
        return {name: half_width(scale, self.terms, self.nodes) for name, scale in scales}

    def _draw(self, scale: Fraction) -> int:
        """The difference of two negative binomial numbers: the shares of all nodes together."""
        one, other = self.source.negative_binomial(self.nodes / self.terms.shares, 1 - exp(-1 / scale), 2)
        return int(one) - int(other)


def _draw(whole: RawTable, plan: QueryPlan, noise: _Noise, preset: Preset) -> list[Figures]:
    """One national table with noise in it, as it would be printed."""
    numbers = [number for number, each in enumerate(plan.sets) for _ in range(plan.cells_of(each))]
    centred = centre_sums(plan)
    exact = take(centred, {each.name: whole.statistic(each.name) for each in plan.statistics})
    opened = {name: noise.add(name, numbers, column) for name, column in exact.items()}
    sums, widths = restore(centred, opened), [noise.widths(number) for number in range(len(plan.sets))]
    found: list[Figures] = []
    for place, number in enumerate(numbers):
        about_0, about_middles = ({name: column[place] for name, column in of.items()} for of in (sums, opened))
        figures = NoisyFigures(about_0, about_middles, widths[number])
        found.append({each.label: _number(print_figure(each, figures, plan, preset)) for each in _figures_of(plan)})
    return found


def _too_few(whole: RawTable, preset: Preset) -> list[frozenset[str]]:
    """Cell by cell the labels of the national figures that the preset shows nobody, whatever stands beside them."""
    rules = SuppressionRules.for_plan(whole.plan, preset)
    columns = {each.name: whole.statistic(each.name) for each in whole.plan.statistics}
    cells = ({name: column[place] for name, column in columns.items()} for place in range(whole.plan.cells))
    return [rules.resting_on_too_few(figures) for figures in cells]


def _compare(truths: Sequence[Figures], found: Sequence[Figures], too_few: Sequence[frozenset[str]]) -> Left:
    """How much is lost of the true figures, what of it rests on too few, and how far off the rest is."""
    errors, lost, few = [], 0, 0
    for truth, cell, resting in zip(truths, found, too_few, strict=True):
        for label, true in truth.items():
            value = cell[label]
            if value is None or true is None:
                lost += 1
                few += label in resting
            else:
                errors.append(float(abs(value - true) / abs(true)))
    figures = max(1, lost + len(errors))
    return Left(lost / figures, median(errors) if errors else None, too_few=few / figures)

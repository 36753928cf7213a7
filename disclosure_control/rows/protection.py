"""`protect`: from one node's exact figures to the table that may leave it."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from disclosure_control.linked.published import Published
from disclosure_control.presets.shipped import Preset
from disclosure_control.rows.dominance import find_dominated, find_dominated_without_one
from disclosure_control.rows.few_values import FewValues
from disclosure_control.rows.others import Others, RulesForOthers
from disclosure_control.rows.protected_table import Cell, ProtectedTable, Row, name_categories, seal_table
from disclosure_control.rows.rounding import release_figure
from disclosure_control.rows.secondary import (
    Neighbours,
    TotalsUnproven,
    additive_labels,
    hide_telling,
    protect_beside,
    protect_totals,
)
from disclosure_control.suppression.cell_rules import Figures, SuppressionRules
from disclosure_control.symbols import Symbol, Value
from query_engine.planning.plan import TOTAL, Output, QueryPlan
from query_engine.tables import RawTable

__all__ = ["protect", "withhold_all"]

ALONE = Neighbours()
"""Beside nothing that left before."""

MOST_ROUNDS = 5
"""How often a table is looked at beside others and by itself, in turn, before all of it is withheld."""

Withheld = Sequence[frozenset[str]]
"""Cell by cell the labels of the figures that are withheld."""


def protect(raw: RawTable, preset: Preset, beside: Neighbours = ALONE, others: Others | None = None) -> ProtectedTable:
    """The protected table of a raw one: every cell of the plan, its figures rounded or withheld (`c`).

    In order: (1) what rests on too few children, or would tell of too few, is withheld, by the exact statistics (see
    `cell_rules`, `dominance`, `few_values`); (2) rows are withheld whole whose counts would give that away by totals
    (see `secondary`); (3) totals that are no counts are withheld over whatever is withheld; (4) what is left is rounded
    (see `rounding`); (5) rows are withheld that would tell too much beside tables that left before; (6) so are figures
    from which, beside others, one would follow that rests on too few; (7) where that gives a count away by the table's
    own totals, (2) is asked again, and (5) and (6) of what is left. Of a total over authorities (1) is asked of its
    `others`, too. What the result is protected against, and what not, is the preset's `claim`.
    """
    plan = raw.plan
    if plan.model is not None:
        raise ValueError("the figures of a model are not those of a table: see models.release")
    if preset.cell_key is not None:
        raise ValueError("counts are changed by cell keys: see cell_key.perturbing")
    cells = list(_figures_of_cells(raw))
    rules, values = SuppressionRules.for_plan(plan, preset), FewValues(plan, preset)
    withheld: Withheld = [
        rules.withheld(figures) | find_dominated(plan, figures, preset) | values.withheld(cell, figures)
        for cell, figures in zip(plan.iter_cells(), cells, strict=True)
    ]
    if others is not None:
        withheld = _withhold_for_others(withheld, plan, preset, others)
    every = frozenset(each.label for each in rules.outputs)
    try:
        counts = additive_labels(plan)
        withheld = _withhold_rows(withheld, protect_totals(raw, withheld, preset, beside.secret), every)
    except TotalsUnproven:
        counts = frozenset()
    withheld = _withhold_totals(plan, withheld, every - counts)
    look = _Beside(raw, cells, preset, beside, others, every)
    for _ in range(MOST_ROUNDS):
        further = look.withhold(withheld)
        withheld = further if further == withheld else _withhold_by_totals(raw, further, preset, beside.secret, every)
        if withheld == further:
            break
    else:
        withheld = [every] * plan.cells
    return seal_table(plan, preset, _print_rows(plan, cells, withheld, preset))


def withhold_all(plan: QueryPlan, preset: Preset) -> ProtectedTable:
    """The table of a plan in which every figure is withheld, whatever it is."""
    rows = []
    for cell in plan.iter_cells():
        categories = name_categories(plan, cell)
        rows.append(
            tuple(categories[each.dimension] if each.dimension else Symbol.CONFIDENTIAL for each in plan.outputs)
        )
    return seal_table(plan, preset, tuple(rows))


def _figures_of_cells(raw: RawTable) -> Iterator[Figures]:
    columns = {each.name: raw.statistic(each.name) for each in raw.plan.statistics}
    for place in range(raw.plan.cells):
        yield {name: column[place] for name, column in columns.items()}


def _withhold_for_others(withheld: Withheld, plan: QueryPlan, preset: Preset, others: Others) -> Withheld:
    """The same with what rests on too few others withheld."""
    rules = RulesForOthers.for_plan(plan, preset)
    left = (others.figures_of(place) for place in range(plan.cells))
    return [
        each | rules.withheld(figures) | find_dominated_without_one(plan, figures, preset)
        for each, figures in zip(withheld, left, strict=True)
    ]


@dataclass(frozen=True)
class _Beside:
    """A table beside those that left before; a row that is withheld is so in all figures that have these labels."""

    raw: RawTable
    cells: Sequence[Figures]
    preset: Preset
    beside: Neighbours
    others: Others | None
    labels: frozenset[str]

    @cached_property
    def groups(self) -> tuple[tuple[Published, ...], ...]:
        """Those that left before, as they are looked at together."""
        return self.beside.groups(self.raw.plan)

    def withhold(self, withheld: Withheld) -> Withheld:
        """The same with what would tell too much withheld: whole rows, and figures."""
        rows = self._print(withheld)
        for earlier in self.groups:
            if companions := protect_beside(self.raw, rows, earlier, self.beside, self.preset, self.others):
                withheld = _withhold_rows(withheld, companions, self.labels)
                rows = self._print(withheld)
            if telling := hide_telling(self.raw, rows, earlier, self.beside, self.preset):
                withheld = _withhold_figures(withheld, telling)
                rows = self._print(withheld)
        return withheld

    def _print(self, withheld: Withheld) -> tuple[Row, ...]:
        return _print_rows(self.raw.plan, self.cells, withheld, self.preset)


def _withhold_by_totals(
    raw: RawTable, withheld: Withheld, preset: Preset, secret: bytes, labels: frozenset[str]
) -> Withheld:
    """The same with rows withheld whose counts would give away by the table's own totals what is withheld by now."""
    try:
        return _withhold_rows(withheld, protect_totals(raw, withheld, preset, secret), labels)
    except TotalsUnproven:
        return _withhold_totals(raw.plan, withheld, labels)


def _withhold_rows(withheld: Withheld, rows: Collection[int], labels: frozenset[str]) -> Withheld:
    """The same with these rows withheld whole."""
    return [labels if place in rows else each for place, each in enumerate(withheld)]


def _withhold_figures(withheld: Withheld, figures: Collection[tuple[int, str]]) -> Withheld:
    """The same with these figures withheld, each by its row and label."""
    return [each | {label for row, label in figures if row == place} for place, each in enumerate(withheld)]


def _withhold_totals(plan: QueryPlan, withheld: Withheld, labels: frozenset[str]) -> Withheld:
    """The same with these figures withheld of every total over cells of which any figure is.

    A total beside all its parts but one is that one. The grouping set with everything comes first and is part of every
    total.
    """
    numbers = chain.from_iterable([number] * plan.cells_of(each) for number, each in enumerate(plan.sets))
    totals: set[tuple[int, Cell]] = set()
    found = []
    for number, cell, hidden in zip(numbers, plan.iter_cells(), withheld, strict=True):
        own = hidden | labels if (number, cell) in totals else hidden
        found.append(own)
        here = set(plan.sets[number]) if own else set()
        for total, grouping_set in enumerate(plan.sets):
            if set(grouping_set) < here:
                over = tuple(each if place in grouping_set else TOTAL for place, each in enumerate(cell))
                totals.add((total, over))
    return found


def _print_rows(plan: QueryPlan, cells: Sequence[Figures], withheld: Withheld, preset: Preset) -> tuple[Row, ...]:
    together = zip(plan.iter_cells(), cells, withheld, strict=True)
    return tuple(_protect_cell(plan, cell, figures, hidden, preset) for cell, figures, hidden in together)


def _protect_cell(plan: QueryPlan, cell: Cell, figures: Figures, withheld: frozenset[str], preset: Preset) -> Row:
    """One row of the table, in the order of the plan's outputs."""
    categories = name_categories(plan, cell)

    def value(output: Output) -> Value:
        return Symbol.CONFIDENTIAL if output.label in withheld else release_figure(output, figures, preset)

    return tuple(value(each) if each.dimension is None else categories[each.dimension] for each in plan.outputs)

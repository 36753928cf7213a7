"""`protect`: from one node's exact figures to the table that may leave it."""

from collections.abc import Iterator
from itertools import chain

from disclosure_control.dominance import find_dominated
from disclosure_control.presets import Preset
from disclosure_control.rounding import release_figure
from disclosure_control.suppression.cell_rules import Figures, SuppressionRules
from disclosure_control.symbols import Symbol, Value
from disclosure_control.tables import Cell, ProtectedTable, Row, name_categories, seal_table
from query_engine.planning.plan import TOTAL, Output, QueryPlan
from query_engine.tables import RawTable

__all__ = ["protect"]


def protect(raw: RawTable, preset: Preset) -> ProtectedTable:
    """The protected table of a raw one: every cell of the plan, its figures rounded or withheld (`c`).

    Suppression looks at the exact statistics (see `suppression` and `dominance`), rounding at what is left (see
    `rounding`). What
    the result is protected against, and what not, is the preset's `claim`.
    """
    plan = raw.plan
    if plan.model is not None:
        raise ValueError("the figures of a model are not those of a table: see model_release")
    if preset.cell_key is not None:
        raise ValueError("counts are changed by cell keys: see cell_key.perturbing")
    rules = SuppressionRules.for_plan(plan, preset)
    columns = {each.name: raw.statistic(each.name) for each in plan.statistics}
    rows, incomplete = [], _Incomplete(plan)
    for place, (number, cell) in enumerate(_numbered_cells(plan)):
        figures = {name: column[place] for name, column in columns.items()}
        withheld = rules.withheld(figures) | find_dominated(plan, figures, preset)
        if incomplete.covers(number, cell):
            withheld = frozenset(each.label for each in rules.outputs)
        if withheld:
            incomplete.note(number, cell)
        rows.append(_protect_cell(plan, cell, figures, withheld, preset))
    return seal_table(plan, preset, tuple(rows))


def _numbered_cells(plan: QueryPlan) -> Iterator[tuple[int, Cell]]:
    """Every cell after the number of its grouping set."""
    numbers = chain.from_iterable([number] * plan.cells_of(each) for number, each in enumerate(plan.sets))
    return zip(numbers, plan.iter_cells(), strict=True)


class _Incomplete:
    """Remembers the totals that a withheld cell is part of.

    A total beside all its parts but one is that one. No total is shown over cells of which any figure is withheld, so
    no figure that is shown has a withheld one in its sum. The grouping set with everything comes first and is part of
    every total.
    """

    def __init__(self, plan: QueryPlan) -> None:
        self._sets = plan.sets
        self._totals: set[tuple[int, Cell]] = set()

    def note(self, number: int, cell: Cell) -> None:
        """Remember that something of a cell is withheld."""
        here = set(self._sets[number])
        for total, grouping_set in enumerate(self._sets):
            if set(grouping_set) < here:
                over = tuple(each if place in grouping_set else TOTAL for place, each in enumerate(cell))
                self._totals.add((total, over))

    def covers(self, number: int, cell: Cell) -> bool:
        """Whether a cell adds up over one of which something is withheld."""
        return (number, cell) in self._totals


def _protect_cell(plan: QueryPlan, cell: Cell, figures: Figures, withheld: frozenset[str], preset: Preset) -> Row:
    """One row of the table, in the order of the plan's outputs."""
    categories = name_categories(plan, cell)

    def value(output: Output) -> Value:
        return Symbol.CONFIDENTIAL if output.label in withheld else release_figure(output, figures, preset)

    return tuple(value(each) if each.dimension is None else categories[each.dimension] for each in plan.outputs)

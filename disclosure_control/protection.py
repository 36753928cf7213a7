"""`protect`: from one node's exact figures to the table that may leave it."""

from disclosure_control.presets import Preset
from disclosure_control.rounding import release_figure
from disclosure_control.suppression import Figures, SuppressionRules
from disclosure_control.symbols import Symbol, Value
from disclosure_control.tables import Cell, ProtectedTable, Row, name_categories, seal_table
from query_engine.plan import Output, QueryPlan
from query_engine.tables import RawTable

__all__ = ["protect"]


def protect(raw: RawTable, preset: Preset) -> ProtectedTable:
    """The protected table of a raw one: every cell of the plan, its figures rounded or withheld (`c`).

    Suppression looks at the exact statistics (see `suppression`), rounding at what is left (see `rounding`). What
    the result is protected against, and what not, is the preset's `claim`.
    """
    plan = raw.plan
    rules = SuppressionRules.for_plan(plan, preset)
    columns = {each.name: raw.statistic(each.name) for each in plan.statistics}
    rows = []
    for place, cell in enumerate(plan.iter_cells()):
        figures = {name: column[place] for name, column in columns.items()}
        rows.append(_protect_cell(plan, cell, figures, rules))
    return seal_table(plan, preset, tuple(rows))


def _protect_cell(plan: QueryPlan, cell: Cell, figures: Figures, rules: SuppressionRules) -> Row:
    """One row of the table, in the order of the plan's outputs."""
    categories = name_categories(plan, cell)
    withheld = rules.withheld(figures)

    def value(output: Output) -> Value:
        if output.label in withheld:
            return Symbol.CONFIDENTIAL
        return release_figure(output, figures, figures[rules.children], rules.preset)

    return tuple(value(each) if each.dimension is None else categories[each.dimension] for each in plan.outputs)

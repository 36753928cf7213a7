"""From the rows of an engine to the cells of a plan: the same for every engine."""

from collections.abc import Iterable
from typing import Any

from query_engine.engines import EngineFailed
from query_engine.plan import QueryPlan
from query_engine.tables import RawTable


def fill_cells(plan: QueryPlan, rows: Iterable[tuple[Any, ...]]) -> RawTable:
    """One figure for each statistic and cell: what came back, and zero for every cell that did not.

    A row holds the categories of a cell and then its figures, as `render_plan` orders them. Raises `EngineFailed` for
    a category that the plan does not know, and for a figure that is not a whole number.
    """
    places = {cell: place for place, cell in enumerate(plan.iter_cells())}
    figures = {statistic.name: [0] * plan.cells for statistic in plan.statistics}
    for row in rows:
        place = places.get(row[: len(plan.dimensions)])
        if place is None:
            raise EngineFailed(
                f"A column of {plan.table} holds a value that the catalogue does not list: load the snapshot again."
            )
        for statistic, figure in zip(plan.statistics, row[len(plan.dimensions) :], strict=True):
            if type(figure) is not int:
                raise EngineFailed(f"The engine gave a {type(figure).__name__} for a whole number.")
            figures[statistic.name][place] = figure
    return RawTable(plan, figures)

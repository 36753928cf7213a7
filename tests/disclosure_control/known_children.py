"""Exact figures of children who are known one by one: what a node works out for a plan, without an engine."""

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from math import prod
from typing import cast

from disclosure_control.linked.published import Published
from disclosure_control.presets.preset import Preset
from disclosure_control.rows.protection import protect
from disclosure_control.rows.secondary import Neighbours, imply_counts
from query_engine.planning.plan import TOTAL, QueryPlan, Statistic
from query_engine.planning.reach import dimension_region
from query_engine.planning.region import Region, intersect, present_in
from query_engine.tables import RawTable

__all__ = ["Child", "answer", "is_in", "rows_of", "tabulate"]

Child = Mapping[str, str | int | bool | None]
"""What a child has in each column that is asked for, None where that is not known; whatever else is asked of it, it is
as the question wants it."""


def is_in(child: Child, region: Region, plan: QueryPlan) -> bool:
    """Whether a child is in a region; a column that it does not have tells it from nobody."""
    while not isinstance(region, bool):
        if region.column in child:
            column, value = plan.governed.columns[region.column], child[region.column]
            code = column.present_codes if value is None else column.code(value)
            assert code is not None
            region = next(inside for first, last, inside in region.spans() if first <= code <= last)
        else:
            region = next(inside for _, _, inside in region.spans() if inside is not False)
    return region


def rows_of(plan: QueryPlan) -> Iterator[Region]:
    """Whom each cell of a plan is about."""
    for cell in plan.iter_cells():
        named = ((each, category) for each, category in zip(plan.dimensions, cell, strict=True) if category != TOTAL)
        regions = (dimension_region(each, category, plan.governed) for each, category in named)
        yield reduce(intersect, regions, plan.where)


def tabulate(plan: QueryPlan, children: Sequence[Child]) -> RawTable:
    """The figures of a plan: of a table with a row for each child."""
    inside = [[child for child in children if is_in(child, rows, plan)] for rows in rows_of(plan)]
    return RawTable(plan, {each.name: [_figure(each, found, plan) for found in inside] for each in plan.statistics})


def _figure(statistic: Statistic, children: Sequence[Child], plan: QueryPlan) -> int:
    measure = statistic.measure
    if measure is None:
        return len(children)
    present = reduce(intersect, (present_in(plan.governed.columns[name]) for name in measure.columns), measure.where)
    values = [_value(child, measure.columns) for child in children if is_in(child, present, plan)]
    match statistic.kind:
        case "sum":
            return sum(values)
        case "nonzero":
            return sum(map(bool, values))
        case "rows" | "children":
            return len(values)
        case _:
            raise ValueError(statistic.kind)


def _value(child: Child, columns: Sequence[str]) -> int:
    return prod(cast("int", child[name]) for name in columns)


def answer(
    asked: Sequence[QueryPlan], children: Sequence[Child], preset: Preset, *, beside: bool = True
) -> list[Published]:
    """What a node prints for one question after another, each beside those before it or by itself."""
    earlier = list[Published]()
    for number, plan in enumerate(asked):
        raw = tabulate(plan, children)
        rows = protect(raw, preset, Neighbours(tuple(earlier) if beside else (), b"x")).rows
        earlier.append(Published(f"R-{number}", plan, preset, rows, implied=imply_counts(raw, preset)))
    return earlier

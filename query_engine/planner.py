"""From a query to its plan, by the catalogue alone: cells, statistics and the columns made from them."""

import hashlib
import json
from collections.abc import Callable
from typing import Literal

from query_engine.catalogue import Catalogue, Category, Column, GovernedTable
from query_engine.conditions import region_from
from query_engine.model import (
    AggregateQuery,
    ColumnValue,
    CountChildren,
    CountRows,
    GroupColumn,
    Indicator,
    Mean,
    Measured,
    Predicate,
    Selected,
    Total,
)
from query_engine.plan import Dimension, Measure, Output, QueryPlan, Statistic, StatisticKind, canonical_region
from query_engine.refusal import QueryRefused, RefusalCode
from query_engine.region import Region, RegionTangled, Split, constrain, possible_ranges

CELL_LIMIT = 20_000
"""The most cells that one authority's answer may have."""

FIGURE_LIMIT = 100_000
"""The most figures, cells times columns, that one authority's answer may have: it travels as one document."""

ROWS = Statistic("rows", "rows", 1)
CHILDREN = Statistic("children", "children", 1)


def plan_query(query: AggregateQuery, catalogue: Catalogue) -> QueryPlan:
    """The plan of a query. Raises `QueryRefused` where the query cannot be planned within bounds.

    Equal questions get equal plan ids and the same cells and statistics in the same order: dimensions stand in the
    catalogue's order and statistics in that of their names, whatever the order of the SELECT list.
    """
    table = catalogue.table(query.table)
    where = _filter(query.where, table)
    dimensions = _dimensions(query, table, where)
    shown = [each for each in query.selected if each.item != GroupColumn(table.authority_column)]
    asked = [_asked(each, table, where) for each in shown]
    statistics = {CHILDREN}.union(*(made_from for _, made_from in asked))
    ordered = tuple(sorted(statistics, key=lambda statistic: statistic.name))
    plan = QueryPlan(table, dimensions, where, ordered, tuple(output for output, _ in asked))
    if plan.cells > CELL_LIMIT:
        raise QueryRefused(
            RefusalCode.TOO_MANY_CELLS,
            f"The table would have {plan.cells:,} cells for each authority, and may have {CELL_LIMIT:,}: "
            "group by fewer columns, or filter to fewer categories.",
        )
    figures = plan.cells * sum(output.dimension is None for output in plan.outputs)
    if figures > FIGURE_LIMIT:
        raise QueryRefused(
            RefusalCode.TOO_MANY_CELLS,
            f"The table would have {figures:,} figures for each authority, and may have {FIGURE_LIMIT:,}: "
            "ask for fewer columns or fewer cells at once.",
        )
    return plan


def _filter(where: Predicate | None, table: GovernedTable) -> Region:
    region = _untangled(lambda: region_from(where, table))
    if region is False:
        raise QueryRefused(RefusalCode.CONSTANT_CONDITION, "No row can meet the conditions of WHERE all at once.")
    return region


def _untangled(make: Callable[[], Region]) -> Region:
    try:
        return make()
    except RegionTangled:
        raise QueryRefused(
            RefusalCode.FILTER_TANGLED,
            "The conditions combine too many columns in too many ways: ask with fewer ORs, or in several queries.",
        ) from None


def _dimensions(query: AggregateQuery, table: GovernedTable, where: Region) -> tuple[Dimension, ...]:
    grouped = set(query.grouped) - {table.authority_column}
    return tuple(_dimension(column, where) for column in table.columns.values() if column.name in grouped)


def _dimension(column: Column, where: Region) -> Dimension:
    """The categories the filter leaves possible, which is known without the data."""
    codes = (code for first, last in possible_ranges(where, column) for code in range(first, last + 1))
    return Dimension(column.name, tuple(_category(column, code) for code in codes))


def _category(column: Column, code: int) -> Category | None:
    assert column.domain is not None  # the parser groups by nothing else
    return column.domain[code] if code < len(column.domain) else None


def _asked(selected: Selected, table: GovernedTable, where: Region) -> tuple[Output, set[Statistic]]:
    """One column of the answer, and every statistic that it or its protection needs."""
    label = selected.label
    match selected.item:
        case GroupColumn(column):
            return Output(label, "dimension", dimension=column), set()
        case CountRows():
            return Output(label, "count", None, None, (ROWS.name,), CHILDREN.name, CHILDREN.name), {ROWS}
        case CountChildren():
            return Output(label, "distinct", None, None, (CHILDREN.name,), CHILDREN.name, CHILDREN.name), set()
        case Total(measured):
            return _measured(label, "sum", _measure(measured, table, where))
        case Mean(measured):
            return _measured(label, "mean", _measure(measured, table, where))


def _measured(label: str, kind: Literal["sum", "mean"], measure: Measure) -> tuple[Output, set[Statistic]]:
    """A sum or mean. A condition is missing in no row, so the rows and children of the cell are those it is about."""
    total, nonzero = _of(measure, "sum"), _of(measure, "nonzero")
    rows = ROWS if measure.condition else _of(measure, "rows")
    present = CHILDREN if measure.condition else _of(measure, "present")
    made_from = (total,) if kind == "sum" else (total, rows)
    names = tuple(each.name for each in made_from)
    return Output(label, kind, None, measure, names, present.name, nonzero.name), {*made_from, present, nonzero}


def _of(measure: Measure, kind: StatisticKind) -> Statistic:
    return Statistic(f"{kind}:{measure.name}", kind, measure.bound if kind == "sum" else 1, measure)


def _measure(measured: Measured, table: GovernedTable, where: Region) -> Measure:
    match measured:
        case ColumnValue(name):
            return _column_measure(table.columns[name])
        case Indicator(condition):
            return _indicator(_within(_untangled(lambda: region_from(condition, table)), where), table)


def _column_measure(column: Column) -> Measure:
    if column.role == "flag":
        return Measure(column.name, None, 0, 1, None)
    bound = max(abs(end) for end in column.scaled_bounds)
    return Measure(column.name, None, column.scale, bound, column.unit)


def _within(region: Region, where: Region) -> Split:
    """What a condition adds to the filter. Raises `QueryRefused` where that is nothing, or nothing is left."""
    added = _untangled(lambda: constrain(region, where))
    if isinstance(added, Split):
        return added
    outcome = "every row meets" if added else "no row meets"
    raise QueryRefused(
        RefusalCode.CONSTANT_CONDITION, f"Among the rows of WHERE, {outcome} a condition of the SELECT list."
    )


def _indicator(region: Split, table: GovernedTable) -> Measure:
    form = json.dumps(canonical_region(region, table), sort_keys=True)
    return Measure(f"when-{hashlib.sha256(form.encode()).hexdigest()[:32]}", region, 0, 1, None)

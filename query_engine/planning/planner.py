"""From a query to its plan, by the catalogue alone: cells, statistics and the columns made from them."""

from query_engine.catalogue import Catalogue, GovernedTable
from query_engine.planning.dimensions import check_distinct, plan_dimension
from query_engine.planning.measuring import CHILDREN, Measuring
from query_engine.planning.model_plan import plan_model
from query_engine.planning.overflow import BYTE_LIMIT, plan_bytes
from query_engine.planning.plan import Dimension, Output, QueryPlan, Statistic
from query_engine.planning.region import RegionTangled
from query_engine.planning.relating import check_joins_used, settle_source
from query_engine.query.model import (
    Aggregate,
    AggregateQuery,
    ByColumn,
    CountChildren,
    CountRows,
    FitModel,
    Grouped,
    Grouping,
)
from query_engine.refusal import QueryRefused, RefusalCode

CELL_LIMIT = 20_000
"""The most cells that one authority's answer may have."""

FIGURE_LIMIT = 100_000
"""The most figures, cells times columns, that one authority's answer may have: it travels as one document."""

WORK_LIMIT = 1_000
"""The most statistics, counted once for each grouping set, that an engine is asked to work out."""


def plan_query(query: AggregateQuery, catalogue: Catalogue) -> QueryPlan:
    """The plan of a query. Raises `QueryRefused` where the query cannot be planned within bounds.

    Equal questions get equal plan ids and the same cells and statistics in the same order: dimensions stand in the
    catalogue's order and statistics in that of their names, whatever the order of the SELECT list.
    """
    try:
        table, where = settle_source(query, catalogue)
        if isinstance(query.selected[0].item, FitModel):
            return _checked(plan_model(query.selected[0].label, query.selected[0].item, table, where))
        dimensions = {each: plan_dimension(each, table, where) for each in _grouped(query, table)}
        check_distinct(list(dimensions.values()))
        outputs, statistics = _asked(query, dimensions, Measuring(table, where))
    except RegionTangled:
        raise QueryRefused(
            RefusalCode.FILTER_TANGLED,
            "The conditions combine too many columns in too many ways: ask with fewer ORs, or in several queries.",
        ) from None
    ordered = sorted(dimensions.values(), key=lambda each: _rank(each, table))
    sets = _sets(query, dimensions, ordered)
    by_authority = ByColumn(table.authority_column) in query.grouped
    plan = QueryPlan(table, tuple(ordered), where, statistics, outputs, sets, by_authority=by_authority)
    check_joins_used(table, plan.used)
    return _checked(plan)


def _grouped(query: AggregateQuery, table: GovernedTable) -> list[Grouping]:
    """What is grouped by besides the authority, which the answer is prepended with."""
    return [each for each in query.grouped if each != ByColumn(table.authority_column)]


def _rank(dimension: Dimension, table: GovernedTable) -> tuple[int, str]:
    """Columns in the catalogue's order, then expressions by their names."""
    columns = list(table.columns)
    return (columns.index(dimension.name) if dimension.name in columns else len(columns), dimension.name)


def _sets(
    query: AggregateQuery, dimensions: dict[Grouping, Dimension], ordered: list[Dimension]
) -> tuple[tuple[int, ...], ...]:
    """The grouping sets as places in the plan's order: the one with everything first, then by size and place."""
    everything = tuple(range(len(ordered)))
    asked = {
        tuple(
            sorted(
                ordered.index(dimensions[query.grouped[place]]) for place in each if query.grouped[place] in dimensions
            )
        )
        for each in query.sets
    }
    return (everything, *sorted(asked - {everything}, key=lambda each: (-len(each), each)))


def _asked(
    query: AggregateQuery, dimensions: dict[Grouping, Dimension], measuring: Measuring
) -> tuple[tuple[Output, ...], tuple[Statistic, ...]]:
    """The columns of the answer, and every statistic that they or their protection need."""
    outputs: list[Output] = []
    statistics = {CHILDREN}
    for selected in query.selected:
        match selected.item:
            case Grouped(by):
                outputs += (
                    [Output(selected.label, "dimension", dimension=dimensions[by].name)] if by in dimensions else []
                )
            case CountRows() | CountChildren() | Aggregate() as item:
                output, made_from = measuring.plan(selected.label, item)
                outputs.append(output)
                statistics |= made_from
    return tuple(outputs), tuple(sorted(statistics, key=lambda statistic: statistic.name))


def _checked(plan: QueryPlan) -> QueryPlan:
    """The plan, if its answer can travel. Raises `QueryRefused`."""
    if plan.cells > CELL_LIMIT:
        raise QueryRefused(
            RefusalCode.TOO_MANY_CELLS,
            f"The table would have {plan.cells:,} cells for each authority, and may have {CELL_LIMIT:,}: "
            "group by fewer columns, or filter to fewer categories.",
        )
    work = len(plan.statistics) * len(plan.sets)
    if work > WORK_LIMIT:
        raise QueryRefused(
            RefusalCode.TOO_MANY_CELLS,
            f"The columns rest on {len(plan.statistics)} sums in each of {len(plan.sets)} grouping sets, {work:,} in "
            f"all, and there may be {WORK_LIMIT:,}: ask for fewer columns, or for fewer totals at once.",
        )
    figures = plan.cells * sum(output.dimension is None for output in plan.outputs)
    if figures > FIGURE_LIMIT:
        raise QueryRefused(
            RefusalCode.TOO_MANY_CELLS,
            f"The table would have {figures:,} figures for each authority, and may have {FIGURE_LIMIT:,}: "
            "ask for fewer columns or fewer cells at once.",
        )
    if (size := plan_bytes(plan)) > BYTE_LIMIT:
        raise QueryRefused(
            RefusalCode.TOO_MANY_CELLS,
            f"Each authority would send {size:,} bytes of figures, and may send {BYTE_LIMIT:,}: "
            "ask for fewer columns or fewer cells at once.",
        )
    return plan

"""From a query to its plan, by the catalogue alone: cells, statistics and the columns made from them."""

from query_engine.catalogue import Catalogue, GovernedTable
from query_engine.conditions import region_from
from query_engine.dimensions import check_distinct, plan_dimension
from query_engine.measuring import CHILDREN, Measuring
from query_engine.model import AggregateQuery, ByColumn, Grouped, Grouping, Selected
from query_engine.overflow import plan_bytes
from query_engine.plan import Dimension, Output, QueryPlan, Statistic
from query_engine.predicate import Predicate
from query_engine.refusal import QueryRefused, RefusalCode
from query_engine.region import Region, RegionTangled

CELL_LIMIT = 20_000
"""The most cells that one authority's answer may have."""

FIGURE_LIMIT = 100_000
"""The most figures, cells times columns, that one authority's answer may have: it travels as one document."""

BYTE_LIMIT = 2**23
"""The most bytes that one authority's figures may have as they travel through a sum."""


def plan_query(query: AggregateQuery, catalogue: Catalogue) -> QueryPlan:
    """The plan of a query. Raises `QueryRefused` where the query cannot be planned within bounds.

    Equal questions get equal plan ids and the same cells and statistics in the same order: dimensions stand in the
    catalogue's order and statistics in that of their names, whatever the order of the SELECT list.
    """
    table = catalogue.table(query.table)
    try:
        where = _filter(query.where, table)
        dimensions = {each: plan_dimension(each, table, where) for each in _grouped(query, table)}
    except RegionTangled:
        raise _tangled() from None
    check_distinct(list(dimensions.values()))
    ordered = sorted(dimensions.values(), key=lambda each: _rank(each, table))
    outputs, statistics = _asked(query, dimensions, Measuring(table, where))
    sets = _sets(query, dimensions, ordered)
    plan = QueryPlan(table, tuple(ordered), where, statistics, outputs, sets)
    _check_size(plan)
    return plan


def _filter(where: Predicate | None, table: GovernedTable) -> Region:
    region = region_from(where, table)
    if region is False:
        raise QueryRefused(RefusalCode.CONSTANT_CONDITION, "No row can meet the conditions of WHERE all at once.")
    return region


def _tangled() -> QueryRefused:
    return QueryRefused(
        RefusalCode.FILTER_TANGLED,
        "The conditions combine too many columns in too many ways: ask with fewer ORs, or in several queries.",
    )


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
        if not isinstance(selected.item, Grouped):
            output, made_from = measuring.plan(selected.label, selected.item)
            outputs.append(output)
            statistics |= made_from
        elif selected.item.by in dimensions:
            outputs.append(_dimension_output(selected, dimensions[selected.item.by]))
    return tuple(outputs), tuple(sorted(statistics, key=lambda statistic: statistic.name))


def _dimension_output(selected: Selected, dimension: Dimension) -> Output:
    return Output(selected.label, "dimension", dimension=dimension.name)


def _check_size(plan: QueryPlan) -> None:
    """Check that the answer can travel. Raises `QueryRefused`."""
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
    if (size := plan_bytes(plan)) > BYTE_LIMIT:
        raise QueryRefused(
            RefusalCode.TOO_MANY_CELLS,
            f"Each authority would send {size:,} bytes of figures, and may send {BYTE_LIMIT:,}: "
            "ask for fewer columns or fewer cells at once.",
        )

"""Which authorities can have children in a cell, by the plan alone.

A cell that few can reach is a table of those few, however many are on the roster: one of `home_region = 'London'` is
London's, and one of children in school in their own authority's area in `host_authority = '301'` is that authority's
alone. What an authority's rows can say of geography is written as a region, and the cell either meets it or not.
"""

from collections.abc import Iterable
from functools import reduce

from query_engine.catalogue import Category, GovernedTable
from query_engine.geography import Authority, load_authorities
from query_engine.planning.plan import TOTAL, Dimension, QueryPlan
from query_engine.planning.region import Region, columns_of, intersect, region_of, unite

HOME, HOST = ("home_authority", "home_region"), ("host_authority", "host_region")
GEOGRAPHY = frozenset({*HOME, *HOST, "school_in_area"})
"""Columns that tie a row to the authority whose node keeps it."""

Cell = tuple[Category | None, ...]


def contributors(plan: QueryPlan, cell: Cell) -> frozenset[str]:
    """The codes of the authorities that can have a row in a cell of the plan. Raises `RegionTangled`."""
    return reaching(plan, cell_region(plan, cell))


def reaching(plan: QueryPlan, region: Region) -> frozenset[str]:
    """The codes of the authorities that can have a row in a region. Raises `RegionTangled`."""
    everybody, asked = load_authorities(), columns_of(region)
    if not asked & GEOGRAPHY:
        return frozenset(everybody) if region is not False else frozenset()
    alike = {each.code: each.code if asked & {HOME[0], HOST[0]} else each.region for each in everybody.values()}
    one_of = {alike[code]: each for code, each in everybody.items()}
    can = {key for key, each in one_of.items() if intersect(region, _rows_of(each, plan.governed)) is not False}
    return frozenset(code for code in everybody if alike[code] in can)


def cell_region(plan: QueryPlan, cell: Cell) -> Region:
    """The rows of one cell. Raises `RegionTangled`."""
    parts = (
        dimension_region(dimension, category, plan.governed)
        for dimension, category in zip(plan.dimensions, cell, strict=True)
        if category != TOTAL
    )
    return reduce(intersect, parts, plan.where)


def dimension_region(dimension: Dimension, category: Category | None, table: GovernedTable) -> Region:
    """The rows of one category of a dimension."""
    if dimension.regions:
        return dimension.regions[dimension.categories.index(category)]
    column = table.columns[dimension.name]
    code = column.present_codes if category is None else column.code(category)
    assert code is not None  # the planner takes categories from the column
    return region_of(column, [(code, code)])


def smallest_reach(plan: QueryPlan) -> int:
    """The fewest authorities that can have a row in a cell of the plan, statistic by statistic.

    Cells that nobody can reach are left out, since they are empty whoever answers. Raises `RegionTangled`.
    """
    return min(set(map(len, reach_sets(plan))) - {0}, default=0)


def reach_sets(plan: QueryPlan) -> frozenset[frozenset[str]]:
    """The authorities that can have a row in a cell, for every cell and statistic, each set once.

    They are codes, for whoever knows the roster to find their operators. Raises `RegionTangled`.
    """
    conditions = {each.measure.where for each in plan.statistics if each.measure is not None} | {True}
    return frozenset(
        reaching(plan, intersect(region, condition))
        for region in set(_geographic_cells(plan))
        for condition in conditions
    )


def _geographic_cells(plan: QueryPlan) -> Iterable[Region]:
    """The rows of every cell, as far as the dimensions that bear on geography tell cells apart."""
    regions: set[Region] = {plan.where}
    for dimension in _bearing(plan):
        parts = [dimension_region(dimension, each, plan.governed) for each in dimension.categories]
        regions = {intersect(region, part) for region in regions for part in parts}
    return regions


def _bearing(plan: QueryPlan) -> list[Dimension]:
    """The dimensions that share a column with geography, directly or through WHERE, figures and other dimensions."""
    conditions = [columns_of(plan.where)]
    conditions += [columns_of(each.measure.where) for each in plan.statistics if each.measure is not None]
    columns = {each: _columns_of_dimension(each) for each in plan.dimensions}
    tied, before = set(GEOGRAPHY), 0
    while before != len(tied):
        before = len(tied)
        for names in (*conditions, *columns.values()):
            if names & tied:
                tied |= names
    return [each for each in plan.dimensions if columns[each] & tied]


def _columns_of_dimension(dimension: Dimension) -> frozenset[str]:
    return frozenset().union(*map(columns_of, dimension.regions)) if dimension.regions else frozenset({dimension.name})


def own_geography(table: GovernedTable) -> tuple[str, str]:
    """The columns that name the authority whose node keeps a row of the table, and its region."""
    return HOME if table.authority_column in HOME else HOST


def _rows_of(authority: Authority, table: GovernedTable) -> Region:
    """What geography can say in the rows of one authority's node."""
    own, own_region = own_geography(table)
    parts = [_is(table, own, authority.code), _is(table, own_region, authority.region)]
    if own in HOME and "school_in_area" in table.columns:
        inside = intersect(_is(table, HOST[0], authority.code), _is(table, HOST[1], authority.region))
        parts.append(unite(inside, _is(table, "school_in_area", False, None)))
        parts.append(unite(_is(table, "school_in_area", True, None), _is_not(table, HOST[0], authority.code)))
    everything: Region = True
    return reduce(intersect, parts, everything)


def _is(table: GovernedTable, name: str, *values: Category | None) -> Region:
    """The rows where a column has one of these values; every row where the table has no such column."""
    column = table.columns.get(name)
    if column is None:
        return True
    codes = [column.present_codes if each is None else column.code(each) for each in values]
    kept = [(code, code) for code in codes if code is not None and code < column.codes]
    return region_of(column, kept)


def _is_not(table: GovernedTable, name: str, value: Category) -> Region:
    column = table.columns.get(name)
    if column is None:
        return True
    code = column.code(value)
    assert code is not None  # a value of the domain
    return region_of(column, [(0, code - 1), (code + 1, column.codes - 1)])

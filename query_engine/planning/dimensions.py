"""What an answer is grouped by: the categories that have cells, which is known without the data."""

import json

from query_engine.catalogue import Category, Column, GovernedTable
from query_engine.planning.canonical import canonical_region, digest_of
from query_engine.planning.conditions import region_from
from query_engine.planning.plan import Dimension
from query_engine.planning.region import Region, complement, constrain, intersect, possible_ranges, single_code, unite
from query_engine.query.model import ByCases, ByColumn, Grouping
from query_engine.refusal import QueryRefused, RefusalCode


def plan_dimension(grouping: Grouping, table: GovernedTable, where: Region) -> Dimension:
    """The dimension of a grouping, among the rows of WHERE. Raises `QueryRefused` and `RegionTangled`."""
    match grouping:
        case ByColumn(name):
            return _of_column(table.columns[name], where)
        case ByCases():
            return _of_cases(grouping, table, where)


def _of_column(column: Column, where: Region) -> Dimension:
    return Dimension(column.name, tuple(_category(column, code) for code in _possible(column, where)))


def _category(column: Column, code: int) -> Category | None:
    assert column.domain is not None  # the parser groups by nothing else
    return column.domain[code] if code < len(column.domain) else None


def _possible(column: Column, where: Region) -> list[int]:
    return [code for first, last in possible_ranges(where, column) for code in range(first, last + 1)]


def _of_cases(cases: ByCases, table: GovernedTable, where: Region) -> Dimension:
    """The rows of each case: those which its condition keeps and no earlier one did. Cases without any are left out."""
    taken: Region = complement(where)
    found: dict[Category | None, Region] = {}
    for category, condition in cases.cases:
        region = region_from(condition, table)
        found[category] = intersect(region, complement(taken))
        taken = unite(taken, region)
    found[cases.otherwise] = complement(taken)
    kept = {category: constrain(region, where) for category, region in found.items() if region is not False}
    categories = sorted(kept, key=lambda category: category is None)
    regions = tuple(kept[category] for category in categories)
    return Dimension(_name(regions, table, where), tuple(categories), regions)


def _name(regions: tuple[Region, ...], table: GovernedTable, where: Region) -> str:
    """The column's own name where the cases tell apart just its categories; otherwise one made from the regions."""
    splits = {each.column for each in regions if not isinstance(each, bool)}
    if len(splits) == 1 and len(regions) > 1:
        column = table.columns[splits.pop()]
        codes = sorted(code for each in regions if (code := single_code(each)) is not None)
        if column.domain is not None and codes == _possible(column, where) and len(codes) == len(regions):
            return column.name
    forms = [canonical_region(each, table) for each in regions]
    return "case-" + digest_of(sorted(forms, key=json.dumps))


def check_distinct(dimensions: list[Dimension]) -> None:
    """Check that no two dimensions tell the same rows apart. Raises `QueryRefused`."""
    if len({each.name for each in dimensions}) < len(dimensions):
        raise QueryRefused(
            RefusalCode.GROUPING_FORM, "Two of the columns grouped by tell the same rows apart: leave one out."
        )

"""A plan in plain words, as `circe query check` and an approver's page show it: what is counted, where, over what.

The words are made from the plan and not from the asker's text, so they say what will be done and not what was written.
"""

from collections.abc import Iterator

from query_engine.catalogue import Column, GovernedTable, Value
from query_engine.plan import Dimension, Measure, Output, QueryPlan
from query_engine.region import Region, Split, factors

Paragraph = tuple[str, list[str]]
"""A heading and the lines under it."""


def describe_plan(plan: QueryPlan) -> list[Paragraph]:
    """The plan as headed paragraphs: table, rows, cells, columns, figures carried, id."""
    return [
        ("Table", [f"{plan.table}: {plan.governed.grain}"]),
        ("Rows where", describe_condition(plan.where, plan.governed)),
        ("Cells", [f"{plan.cells:,} for each authority", *map(_dimension, plan.dimensions)]),
        ("Columns", list(_columns(plan))),
        ("Carried", [f"{len(plan.statistics)} whole numbers for each cell", *(each.name for each in plan.statistics)]),
        ("Plan", [plan.plan_id]),
    ]


def describe_condition(region: Region, table: GovernedTable) -> list[str]:
    """A condition as phrases which must all hold."""
    if isinstance(region, bool):
        return ["every row" if region else "no row"]
    return [_phrase(each, table) for each in factors(region, table.columns.values())]


def _dimension(dimension: Dimension) -> str:
    missing = ", one of them for missing values" if None in dimension.categories else ""
    return f"{dimension.name}: {len(dimension.categories)} categories{missing}"


def _columns(plan: QueryPlan) -> Iterator[str]:
    yield f"{plan.authority_column}: the authority that answers"
    for output in plan.outputs:
        yield f"{output.label}: {_output(output, plan.governed)}"


def _output(output: Output, table: GovernedTable) -> str:
    match output.kind, output.measure:
        case "count", _:
            return "rows"
        case "distinct", _:
            return "distinct children"
        case "sum", Measure(indicator=True) as measure:
            return f"rows where {_holding(measure, table)}"
        case "mean", Measure(indicator=True) as measure:
            return f"share of rows where {_holding(measure, table)}"
        case "sum", Measure() as measure:
            return f"sum of {measure.name}, in {measure.unit}"
        case "mean", Measure() as measure:
            return f"mean of {measure.name}, in {measure.unit}, over the rows where it is present"
        case _:
            return "a category"


def _holding(measure: Measure, table: GovernedTable) -> str:
    """What a 0/1 measure counts, and what becomes of missing values."""
    if measure.condition is None:
        return f"{measure.name} is yes, among those where it is present"
    return " and ".join(describe_condition(measure.condition, table)) + "; a missing value counts as no"


def _phrase(region: Split, table: GovernedTable) -> str:
    column = table.columns[region.column]
    return ", or ".join(_term(column, runs, further, table) for runs, further in region.terms())


def _term(column: Column, runs: list[tuple[int, int]], further: Split | None, table: GovernedTable) -> str:
    here = f"{column.name} is {_codes(column, runs)}" if runs else ""
    if further is None:
        return here
    beyond = _phrase(further, table)
    if not here:
        return beyond
    return f"({here}, and ({beyond}))" if ", or " in beyond else f"({here}, and {beyond})"


def _codes(column: Column, runs: list[tuple[int, int]]) -> str:
    """The values that runs of codes stand for, missing ones last."""
    present = [(first, min(last, column.present_codes - 1)) for first, last in runs if first < column.present_codes]
    missing = ["missing"] if runs[-1][1] == column.present_codes else []
    if present == [(0, column.present_codes - 1)]:
        return "present"
    if column.ordered:
        return " or ".join([*(_span(column, first, last) for first, last in present), *missing])
    codes = [code for first, last in present for code in range(first, last + 1)]
    others = [code for code in range(column.present_codes) if code not in codes]
    if 2 * len(others) < len(codes) and not missing:
        return "present and not " + " or ".join(_value(column.value(code)) for code in others)
    return " or ".join([*(_value(column.value(code)) for code in codes), *missing])


def _span(column: Column, first: int, last: int) -> str:
    low, high = _value(column.value(first)), _value(column.value(last))
    if first == last:
        return low
    if first == 0:
        return f"{high} or less"
    if last == column.present_codes - 1:
        return f"{low} or more"
    return f"{low} to {high}"


def _value(value: Value | None) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)

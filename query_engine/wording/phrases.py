"""Conditions and columns in plain words, made from regions and the catalogue."""

from query_engine.catalogue import Column, GovernedTable, Value
from query_engine.planning.region import Region, Split, factors
from query_engine.planning.relation import FILLED, Relation, TallyColumn


def describe_condition(region: Region, table: GovernedTable) -> list[str]:
    """A condition as phrases which must all hold."""
    if isinstance(region, bool):
        return ["every row" if region else "no row"]
    return [_phrase(each, table) for each in factors(region, table.columns.values())]


def call_column(name: str, table: GovernedTable) -> str:
    """What a column is called in a sentence: its name, and of one that is worked out for each child what it holds."""
    if not isinstance(table, Relation):
        return table.columns[name].called
    part = table.part_of(name)
    tally = part.tally(table.origins[name][1])
    if tally is None or part.rows is None:
        return table.columns[name].called
    conditions = [*_among(part.rows.where, part.table), *_among(tally.where, part.table)]
    among = f" where {' and '.join(conditions)}" if conditions else ""
    unit = "child and academic year" if part.rows.by_year else "child"
    missing = " (0 where there is none)" if name.endswith(FILLED) else ""
    return f"[{_held(tally, part.table)} for each {unit}{among}{missing}]"


def _held(tally: TallyColumn, table: GovernedTable) -> str:
    words = {"count": "rows", "sum": "sum of", "min": "least", "max": "greatest"}[tally.function]
    return f"{words} of {table.name}" if tally.source is None else f"{words} {tally.source} of {table.name}"


def _among(region: Region, table: GovernedTable) -> list[str]:
    return [] if region is True else describe_condition(region, table)


def _phrase(region: Split, table: GovernedTable) -> str:
    column = table.columns[region.column]
    return ", or ".join(_term(column, runs, further, table) for runs, further in region.terms())


def _term(column: Column, runs: list[tuple[int, int]], further: Split | None, table: GovernedTable) -> str:
    here = f"{call_column(column.name, table)} is {_codes(column, runs)}" if runs else ""
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

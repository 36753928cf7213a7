"""Regions as SQL conditions, built node by node, so that no value is ever pasted into text."""

from sqlglot import exp

from query_engine.catalogue import Column, GovernedTable, Value
from query_engine.planning.region import Region, Split, factors


def render_where(region: Region, table: GovernedTable) -> exp.Expr:
    """A region as a condition, TRUE and FALSE included."""
    return render_condition(region, table) if isinstance(region, Split) else exp.convert(region)


def render_condition(region: Split, table: GovernedTable) -> exp.Expr:
    """A region as a condition which is true of its rows, and false or unknown of all others."""
    return exp.and_(*(_split(each, table) for each in factors(region, table.columns.values())), copy=False)


def _split(region: Split, table: GovernedTable) -> exp.Expr:
    column = table.columns[region.column]
    return exp.or_(*(_term(column, runs, further, table) for runs, further in region.terms()), copy=False)


def _term(column: Column, runs: list[tuple[int, int]], further: Split | None, table: GovernedTable) -> exp.Expr:
    conditions = [_membership(column, runs)] if runs else []
    if further is not None:
        conditions.append(_split(further, table))
    return exp.and_(*conditions, copy=False)


def _membership(column: Column, ranges: list[tuple[int, int]]) -> exp.Expr:
    """Whether a column's code lies in the ranges."""
    missing = column.nullable and ranges[-1][1] == column.present_codes
    present = [(first, min(last, column.present_codes - 1)) for first, last in ranges if first < column.present_codes]
    terms = _present_terms(column, present) if present else []
    if missing:
        terms.append(exp.Is(this=column_named(column.name), expression=exp.Null()))
    return exp.or_(*terms, copy=False)


def _present_terms(column: Column, ranges: list[tuple[int, int]]) -> list[exp.Expr]:
    if ranges == [(0, column.present_codes - 1)]:
        return [exp.not_(exp.Is(this=column_named(column.name), expression=exp.Null()), copy=False)]
    if column.type == "boolean":
        holds = column_named(column.name)
        return [holds if ranges == [(1, 1)] else exp.not_(holds, copy=False)]
    if column.ordered:
        return [_interval(column, first, last) for first, last in ranges]
    return [_listed(column, [code for first, last in ranges for code in range(first, last + 1)])]


def _interval(column: Column, first: int, last: int) -> exp.Expr:
    name, low, high = column_named(column.name), _literal(column.value(first)), _literal(column.value(last))
    if first == last:
        return exp.EQ(this=name, expression=low)
    if first == 0:
        return exp.LTE(this=name, expression=high)
    if last == column.present_codes - 1:
        return exp.GTE(this=name, expression=low)
    return exp.Between(this=name, low=low, high=high)


def _listed(column: Column, codes: list[int]) -> exp.Expr:
    """Membership in a list of categories, by whichever of the list and its complement is shorter."""
    others = [code for code in range(column.present_codes) if code not in set(codes)]
    if len(others) < len(codes):
        return exp.not_(_in(column, others), copy=False)
    return _in(column, codes)


def _in(column: Column, codes: list[int]) -> exp.Expr:
    values = [_literal(column.value(code)) for code in codes]
    if len(values) == 1:
        return exp.EQ(this=column_named(column.name), expression=values[0])
    return exp.In(this=column_named(column.name), expressions=values)


def column_named(name: str) -> exp.Column:
    """A column by its name, in quotation marks."""
    return exp.column(name, quoted=True)


def _literal(value: Value | None) -> exp.Expr:
    assert value is not None  # missing and yes/no values are asked for by name
    return exp.Literal.string(value) if isinstance(value, str) else exp.Literal.number(str(value))

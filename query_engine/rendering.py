"""A plan as SQL for an engine: built node by node, so that no value is ever pasted into text.

The inner query works out what each child adds to each figure of each cell; the outer one adds the children up. (On two
million rows this takes a quarter of the time of one COUNT(DISTINCT) for each statistic.) One row comes back for each
cell that holds any row of data: its categories, then the statistics as whole numbers, both in plan order. Cells without
a row are zero, which the engine fills in from the plan.
"""

from sqlglot import exp

from query_engine.catalogue import Column, Value
from query_engine.plan import Measure, QueryPlan, Statistic
from query_engine.region import Split, factors


def render_plan(plan: QueryPlan, dialect: str = "duckdb") -> str:
    """The SQL of a plan in a dialect of sqlglot."""
    cell = [_column(each.name) for each in plan.dimensions]
    query = exp.select(*cell, *(_total(each) for each in plan.statistics)).from_(_per_child(plan).subquery("per_child"))
    if cell:
        query = query.group_by(*cell)
    return query.sql(dialect=dialect)


def _per_child(plan: QueryPlan) -> exp.Select:
    """One row for each child in each cell, with what the child adds to each statistic."""
    keys = [*(_column(each.name) for each in plan.dimensions), _column(plan.governed.child_key)]
    shares = [exp.alias_(_share(each, plan), each.name, quoted=True) for each in plan.statistics]
    query = exp.select(*keys, *shares).from_(exp.to_table(plan.table)).group_by(*keys)
    return query.where(_condition(plan.where, plan)) if isinstance(plan.where, Split) else query


def _total(statistic: Statistic) -> exp.Expr:
    total = exp.func("COALESCE", exp.Sum(this=_column(statistic.name)), exp.Literal.number(0))
    return exp.alias_(exp.cast(total, "BIGINT"), statistic.name, quoted=True)


def _share(statistic: Statistic, plan: QueryPlan) -> exp.Expr:
    """What one child adds to a statistic in one cell."""
    measure = statistic.measure
    if measure is None:
        return exp.Count(this=exp.Star()) if statistic.kind == "rows" else exp.Literal.number(1)
    match statistic.kind:
        case "sum":
            return exp.Sum(this=_amount(measure, plan))
        case "nonzero":
            return exp.Max(this=_one_where(_is_nonzero(measure, plan)))
        case "present":
            return exp.Max(this=_one_where(_is_present(measure)))
        case _:
            return exp.Sum(this=_one_where(_is_present(measure)))


def _condition(region: Split, plan: QueryPlan) -> exp.Expr:
    """A region as a condition which is true of its rows, and false or unknown of all others."""
    return exp.and_(*(_split(each, plan) for each in factors(region, plan.governed.columns.values())))


def _split(region: Split, plan: QueryPlan) -> exp.Expr:
    column = plan.governed.columns[region.column]
    return exp.or_(*(_term(column, runs, further, plan) for runs, further in region.terms()))


def _term(column: Column, runs: list[tuple[int, int]], further: Split | None, plan: QueryPlan) -> exp.Expr:
    conditions = [_membership(column, runs)] if runs else []
    if further is not None:
        conditions.append(_split(further, plan))
    return exp.and_(*conditions)


def _membership(column: Column, ranges: list[tuple[int, int]]) -> exp.Expr:
    """Whether a column's code lies in the ranges."""
    missing = column.nullable and ranges[-1][1] == column.present_codes
    present = [(first, min(last, column.present_codes - 1)) for first, last in ranges if first < column.present_codes]
    terms = _present_terms(column, present) if present else []
    if missing:
        terms.append(exp.Is(this=_column(column.name), expression=exp.Null()))
    return exp.or_(*terms)


def _present_terms(column: Column, ranges: list[tuple[int, int]]) -> list[exp.Expr]:
    if ranges == [(0, column.present_codes - 1)]:
        return [exp.not_(exp.Is(this=_column(column.name), expression=exp.Null()))]
    if column.type == "boolean":
        holds = _column(column.name)
        return [holds if ranges == [(1, 1)] else exp.not_(holds)]
    if column.ordered:
        return [_interval(column, first, last) for first, last in ranges]
    return [_listed(column, [code for first, last in ranges for code in range(first, last + 1)])]


def _interval(column: Column, first: int, last: int) -> exp.Expr:
    name, low, high = _column(column.name), _literal(column.value(first)), _literal(column.value(last))
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
        return exp.not_(_in(column, others))
    return _in(column, codes)


def _in(column: Column, codes: list[int]) -> exp.Expr:
    values = [_literal(column.value(code)) for code in codes]
    if len(values) == 1:
        return exp.EQ(this=_column(column.name), expression=values[0])
    return exp.In(this=_column(column.name), expressions=values)


def _amount(measure: Measure, plan: QueryPlan) -> exp.Expr:
    """What a row adds to a sum, as a whole number in units of the last decimal place."""
    if measure.condition is not None:
        return _one_where(_condition(measure.condition, plan))
    name = _column(measure.name)
    if measure.indicator:
        return exp.cast(name, "INT")
    if measure.scale == 0:
        return name
    scaled = exp.Mul(this=name, expression=exp.Literal.number(10**measure.scale))
    return exp.cast(exp.func("ROUND", scaled), "BIGINT")


def _is_nonzero(measure: Measure, plan: QueryPlan) -> exp.Expr:
    if measure.condition is not None:
        return _condition(measure.condition, plan)
    if measure.indicator:
        return _column(measure.name)
    return exp.NEQ(this=_column(measure.name), expression=exp.Literal.number(0))


def _is_present(measure: Measure) -> exp.Expr:
    return exp.not_(exp.Is(this=_column(measure.name), expression=exp.Null()))


def _one_where(condition: exp.Expr) -> exp.Expr:
    return exp.Case().when(condition, exp.Literal.number(1)).else_(exp.Literal.number(0))


def _column(name: str) -> exp.Column:
    return exp.column(name, quoted=True)


def _literal(value: Value | None) -> exp.Expr:
    assert value is not None  # missing and yes/no values are asked for by name
    return exp.Literal.string(value) if isinstance(value, str) else exp.Literal.number(str(value))

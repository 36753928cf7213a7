"""A plan as SQL for an engine: built node by node, so that no value is ever pasted into text.

The inner query works out what each child adds to each figure of each cell; the outer one adds the children up. (On two
million rows this takes a quarter of the time of one COUNT(DISTINCT) for each statistic.) One row comes back for each
cell that holds any row of data: the number of its grouping set, its categories, then the statistics as whole numbers,
all in plan order. The category of an expression is its place in the plan. Cells without a row are zero, which the
engine fills in from the plan.
"""

from sqlglot import exp

from query_engine.catalogue import Category, Column, Value
from query_engine.measuring import LIMB
from query_engine.plan import Dimension, Measure, QueryPlan, Statistic
from query_engine.region import Region, Split, factors


def render_plan(plan: QueryPlan, dialect: str = "duckdb") -> str:
    """The SQL of a plan in a dialect of sqlglot."""
    if len(plan.sets) == 1:
        return _cells(plan, 0, _per_child(plan).subquery(_CHILDREN, copy=False)).sql(dialect=dialect)
    query: exp.Query = _cells(plan, 0, exp.to_table(_CHILDREN))
    for number in range(1, len(plan.sets)):
        over = _over(plan, number).subquery("over", copy=False)
        query = query.union(_cells(plan, number, over), distinct=False, copy=False)
    return query.with_(_CHILDREN, as_=_per_child(plan), copy=False).sql(dialect=dialect)


_CHILDREN = "per_child"


def _cells(plan: QueryPlan, number: int, children: exp.Expr) -> exp.Select:
    """The cells of one grouping set, after its number, from what each child adds to them."""
    grouped = plan.sets[number]
    cell = [
        _column(each.name) if place in grouped else exp.alias_(exp.Null(), each.name, quoted=True, copy=False)
        for place, each in enumerate(plan.dimensions)
    ]
    chosen = exp.alias_(exp.Literal.number(number), "grouping_set", quoted=True, copy=False)
    query = exp.Select().select(chosen, *cell, *(_total(each) for each in plan.statistics), copy=False)
    query = query.from_(children, copy=False)
    keys = [_column(plan.dimensions[place].name) for place in grouped]
    return query.group_by(*keys, copy=False) if keys else query


def _per_child(plan: QueryPlan) -> exp.Select:
    """One row for each child in each cell, with what the child adds to each statistic."""
    key, dimensions = _column(plan.governed.child_key), plan.dimensions
    cells = [_category(each, plan) for each in dimensions]
    shares = [exp.alias_(_share(each, plan), each.name, quoted=True, copy=False) for each in plan.statistics]
    named = [exp.alias_(cell, each.name, quoted=True, copy=False) for cell, each in zip(cells, dimensions, strict=True)]
    grouped = [each for each in cells if not isinstance(each, exp.Literal)]  # GROUP BY takes a figure for a place
    query = exp.Select().select(*named, key, *shares, copy=False).from_(exp.to_table(plan.table))
    query = query.group_by(*(each.copy() for each in grouped), key.copy(), copy=False)
    return query.where(_condition(plan.where, plan), copy=False) if isinstance(plan.where, Split) else query


def _over(plan: QueryPlan, number: int) -> exp.Select:
    """The same for a grouping set of fewer dimensions: a child who is in several cells of the first set is one here."""
    keys = [*(_column(plan.dimensions[place].name) for place in plan.sets[number]), _column(plan.governed.child_key)]
    added = [exp.alias_(_added(each), each.name, quoted=True, copy=False) for each in plan.statistics]
    query = exp.Select().select(*keys, *added, copy=False).from_(exp.to_table(_CHILDREN))
    return query.group_by(*(each.copy() for each in keys), copy=False)


def _added(statistic: Statistic) -> exp.Expr:
    """What a child adds to a statistic of several cells together."""
    share = _column(statistic.name)
    return exp.Max(this=share) if statistic.kind in ("children", "nonzero") else exp.Sum(this=share)


def category_codes(dimension: Dimension) -> dict[Category | None, Category | None]:
    """What stands in a rendered row for each category: itself, and of an expression its place."""
    if not dimension.regions:
        return {each: each for each in dimension.categories}
    return {each: place for place, each in enumerate(dimension.categories)}


def _category(dimension: Dimension, plan: QueryPlan) -> exp.Expr:
    """A column's category, and of an expression the place of the category."""
    if not dimension.regions:
        return _column(dimension.name)
    *firsts, _ = dimension.regions
    case = exp.Case()
    for place, region in enumerate(firsts):
        case = case.when(_where(region, plan), exp.Literal.number(place), copy=False)
    return case.else_(exp.Literal.number(len(firsts)), copy=False) if firsts else exp.Literal.number(0)


def _total(statistic: Statistic) -> exp.Expr:
    total = exp.func("COALESCE", exp.Sum(this=_column(statistic.name)), exp.Literal.number(0))
    return exp.alias_(exp.cast(total, "BIGINT", copy=False), statistic.name, quoted=True, copy=False)


def _share(statistic: Statistic, plan: QueryPlan) -> exp.Expr:
    """What one child adds to a statistic in one cell."""
    measure = statistic.measure
    if measure is None:
        return exp.Count(this=exp.Star()) if statistic.kind == "rows" else exp.Literal.number(1)
    match statistic.kind:
        case "rows":
            return exp.Sum(this=_one_where(_where(measure.where, plan)))
        case "children":
            return exp.Max(this=_one_where(_where(measure.where, plan)))
        case "nonzero":
            return exp.Max(this=_one_where(exp.and_(*_kept(measure, plan), *_not_zero(measure), copy=False)))
        case "sum" | "high" | "low":
            return exp.Sum(this=_where_kept(measure, _part(statistic.kind, _amount(measure, plan)), plan))


def _where_kept(measure: Measure, amount: exp.Expr, plan: QueryPlan) -> exp.Expr:
    """The amount of a row that the measure's own condition keeps, and nothing of any other."""
    kept = _kept(measure, plan)
    return exp.Case().when(exp.and_(*kept, copy=False), amount, copy=False) if kept else amount


def _kept(measure: Measure, plan: QueryPlan) -> list[exp.Expr]:
    return [_condition(measure.where, plan)] if isinstance(measure.where, Split) else []


def _part(kind: str, amount: exp.Expr) -> exp.Expr:
    """A whole value, or one of its two limbs: the remainder has the value's sign, and the quotient is exact."""
    if kind == "sum":
        return amount
    limb = exp.Literal.number(LIMB)
    low = exp.Mod(this=exp.paren(amount), expression=limb)
    if kind == "low":
        return low
    whole = exp.paren(exp.Sub(this=amount.copy(), expression=exp.paren(low)))
    return exp.cast(exp.IntDiv(this=whole, expression=limb.copy()), "BIGINT")


def _where(region: Region, plan: QueryPlan) -> exp.Expr:
    return _condition(region, plan) if isinstance(region, Split) else exp.convert(region)


def render_condition(region: Region, plan: QueryPlan, dialect: str = "duckdb") -> str:
    """A condition as text; empty where every row meets it."""
    return _condition(region, plan).sql(dialect=dialect) if isinstance(region, Split) else ""


def _condition(region: Split, plan: QueryPlan) -> exp.Expr:
    """A region as a condition which is true of its rows, and false or unknown of all others."""
    return exp.and_(*(_split(each, plan) for each in factors(region, plan.governed.columns.values())), copy=False)


def _split(region: Split, plan: QueryPlan) -> exp.Expr:
    column = plan.governed.columns[region.column]
    return exp.or_(*(_term(column, runs, further, plan) for runs, further in region.terms()), copy=False)


def _term(column: Column, runs: list[tuple[int, int]], further: Split | None, plan: QueryPlan) -> exp.Expr:
    conditions = [_membership(column, runs)] if runs else []
    if further is not None:
        conditions.append(_split(further, plan))
    return exp.and_(*conditions, copy=False)


def _membership(column: Column, ranges: list[tuple[int, int]]) -> exp.Expr:
    """Whether a column's code lies in the ranges."""
    missing = column.nullable and ranges[-1][1] == column.present_codes
    present = [(first, min(last, column.present_codes - 1)) for first, last in ranges if first < column.present_codes]
    terms = _present_terms(column, present) if present else []
    if missing:
        terms.append(exp.Is(this=_column(column.name), expression=exp.Null()))
    return exp.or_(*terms, copy=False)


def _present_terms(column: Column, ranges: list[tuple[int, int]]) -> list[exp.Expr]:
    if ranges == [(0, column.present_codes - 1)]:
        return [exp.not_(exp.Is(this=_column(column.name), expression=exp.Null()), copy=False)]
    if column.type == "boolean":
        holds = _column(column.name)
        return [holds if ranges == [(1, 1)] else exp.not_(holds, copy=False)]
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
        return exp.not_(_in(column, others), copy=False)
    return _in(column, codes)


def _in(column: Column, codes: list[int]) -> exp.Expr:
    values = [_literal(column.value(code)) for code in codes]
    if len(values) == 1:
        return exp.EQ(this=_column(column.name), expression=values[0])
    return exp.In(this=_column(column.name), expressions=values)


def _amount(measure: Measure, plan: QueryPlan) -> exp.Expr:
    """The product of a row's columns as a whole number, in units of the last decimal place; NULL where one is."""
    numbers = [_number(plan.governed.columns[name]) for name in measure.columns]
    product = numbers[0]
    for each in numbers[1:]:
        product = exp.Mul(this=product, expression=each)
    return product


def _number(column: Column) -> exp.Expr:
    if column.scale == 0:
        return exp.cast(_column(column.name), "BIGINT")
    scaled = exp.Mul(this=_column(column.name), expression=exp.Literal.number(10**column.scale))
    return exp.cast(exp.func("ROUND", scaled), "BIGINT")


def _not_zero(measure: Measure) -> list[exp.Expr]:
    return [exp.NEQ(this=_column(name), expression=exp.Literal.number(0)) for name in dict.fromkeys(measure.columns)]


def _one_where(condition: exp.Expr) -> exp.Expr:
    return exp.Case().when(condition, exp.Literal.number(1), copy=False).else_(exp.Literal.number(0), copy=False)


def _column(name: str) -> exp.Column:
    return exp.column(name, quoted=True)


def _literal(value: Value | None) -> exp.Expr:
    assert value is not None  # missing and yes/no values are asked for by name
    return exp.Literal.string(value) if isinstance(value, str) else exp.Literal.number(str(value))

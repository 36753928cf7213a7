"""The aggregates of the SELECT list: what is counted, summed, averaged and set against what."""

import re
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from sqlglot import exp

from query_engine.catalogue import Column
from query_engine.language.predicates import read_predicate
from query_engine.language.scope import Scope, check_arguments, refused_form
from query_engine.query.model import (
    Aggregate,
    ColumnValue,
    CountChildren,
    CountRows,
    Function,
    Indicator,
    Item,
    Measured,
    Product,
)
from query_engine.query.predicate import Every, Missing, Negation, Predicate
from query_engine.refusal import RefusalCode

ONE_COLUMN: Mapping[type[exp.Expr], Function] = MappingProxyType(
    {
        exp.Sum: "sum",
        exp.Avg: "mean",
        exp.Variance: "variance",
        exp.VariancePop: "variance_population",
        exp.Stddev: "deviation",
        exp.StddevSamp: "deviation",
        exp.StddevPop: "deviation_population",
    }
)
TWO_COLUMNS: Mapping[type[exp.Expr], Function] = MappingProxyType(
    {
        exp.CovarSamp: "covariance",
        exp.CovarPop: "covariance_population",
        exp.Corr: "correlation",
        exp.RegrCount: "regr_count",
        exp.RegrAvgx: "regr_avgx",
        exp.RegrAvgy: "regr_avgy",
        exp.RegrSxx: "regr_sxx",
        exp.RegrSyy: "regr_syy",
        exp.RegrSxy: "regr_sxy",
        exp.RegrSlope: "regr_slope",
        exp.RegrIntercept: "regr_intercept",
        exp.RegrR2: "regr_r2",
    }
)
QUANTILES = (exp.Median, exp.Quantile, exp.PercentileDisc, exp.PercentileCont)
WEIGHTED = ("WEIGHTED_AVG", "WAVG")

_SHARE = re.compile(r"0?\.\d{1,6}")


def is_aggregate(node: exp.Expr) -> bool:
    """Whether a node of the SELECT list works something out over rows, so that it cannot be grouped by."""
    known = {exp.Count, exp.Filter, exp.WithinGroup, *QUANTILES, *ONE_COLUMN, *TWO_COLUMNS}
    return type(node) in known or _is_weighted(node)


def read_aggregate(node: exp.Expr, scope: Scope) -> Item:
    """An aggregate, with its FILTER if it has one. Raises `QueryRefused`."""
    if not isinstance(node, exp.Filter):
        return _read(node, None, scope)
    check_arguments(scope.text, node, {"this", "expression"})
    if not is_aggregate(node.this) or isinstance(node.this, exp.Filter):
        raise refused_form(scope.text, node.this)
    return _read(node.this, read_predicate(node.expression.this, scope), scope)


def _read(node: exp.Expr, where: Predicate | None, scope: Scope) -> Item:
    if isinstance(node, exp.Count):
        return _count(node, where, scope)
    if type(node) in {exp.WithinGroup, *QUANTILES}:
        return _quantile(node, where, scope)
    if type(node) in ONE_COLUMN:
        check_arguments(scope.text, node, {"this", "big_int"})
        return _of_one(ONE_COLUMN[type(node)], node, where, scope)
    if type(node) in TWO_COLUMNS:
        check_arguments(scope.text, node, {"this", "expression"})
        operands = (node.this, node.expression)
        return Aggregate(TWO_COLUMNS[type(node)], tuple(_amount(each, scope) for each in operands), where)
    if len(node.expressions) != 2:
        reason = "WEIGHTED_AVG takes what is averaged and then its weight."
        raise scope.refuse(RefusalCode.MEASURE_FORM, reason, node)
    return Aggregate("weighted_mean", tuple(_amount(each, scope) for each in node.expressions), where)


def _is_weighted(node: exp.Expr) -> bool:
    return isinstance(node, exp.Anonymous) and str(node.this).upper() in WEIGHTED


def _count(node: exp.Count, where: Predicate | None, scope: Scope) -> Item:
    check_arguments(scope.text, node, {"this", "big_int"})
    match node.this:
        case exp.Star() as star:
            check_arguments(scope.text, star, set())
            return CountRows() if where is None else Aggregate("sum", (Indicator(where),))
        case exp.Distinct(expressions=[exp.Column() as column]) as distinct:
            check_arguments(scope.text, distinct, {"expressions"})
            if scope.column(column).role == "key":
                return CountChildren(where)
            reason = f"DISTINCT counts children: write COUNT(DISTINCT {scope.table.child_key})."
            raise scope.refuse(RefusalCode.DISTINCT, reason, column)
        case exp.Column() as column:
            present = Negation(Missing(scope.filterable(column).name))
            return Aggregate("sum", (Indicator(Every((present, where)) if where else present),))
        case exp.Literal() | None:
            reason = "COUNT takes *, a column, or DISTINCT and the key."
            raise scope.refuse(RefusalCode.MEASURE_FORM, reason, node)
        case other:
            raise refused_form(scope.text, other)


def _of_one(function: Function, node: Any, where: Predicate | None, scope: Scope) -> Aggregate:
    """A sum, mean or spread of a column, of a product, of a condition, or of a column where a condition holds."""
    if not isinstance(node.this, exp.Case):
        return Aggregate(function, (_amount(node.this, scope),), where)
    condition, value, otherwise = _branches(node.this, scope)
    if _is_figure(value, "1") and _is_figure(otherwise, "0"):
        return Aggregate(function, (Indicator(condition),), where)
    if otherwise is None and value is not None and not isinstance(value, exp.Literal):
        kept = Every((condition, where)) if where else condition
        return Aggregate(function, (_amount(value, scope),), kept)
    reason = (
        "What is summed or averaged is a measure, CASE WHEN condition THEN 1 ELSE 0 END, "
        "or CASE WHEN condition THEN measure END."
    )
    raise scope.refuse(RefusalCode.MEASURE_FORM, reason, node.this)


def _branches(case: exp.Case, scope: Scope) -> tuple[Predicate, exp.Expr | None, exp.Expr | None]:
    check_arguments(scope.text, case, {"ifs", "default"})
    branches = case.args["ifs"]
    if len(branches) != 1:
        reason = "A CASE inside an aggregate has one WHEN: use FILTER (WHERE ...) for another condition."
        raise scope.refuse(RefusalCode.MEASURE_FORM, reason, case)
    return read_predicate(branches[0].this, scope), branches[0].args.get("true"), case.args.get("default")


def _amount(node: exp.Expr | None, scope: Scope) -> Measured:
    match node:
        case exp.Column() as column:
            return ColumnValue(_measured(column, scope).name)
        case exp.Mul():
            check_arguments(scope.text, node, {"this", "expression"})
            parts = list(node.flatten())
            if all(isinstance(each, exp.Column) for each in parts) and len(parts) == 2:
                return Product(tuple(_measured(each, scope).name for each in parts))
            reason = "A product is of two columns: a * b."
            raise scope.refuse(RefusalCode.MEASURE_FORM, reason, node)
        case exp.Paren():
            return _amount(node.this, scope)
        case exp.Case():
            condition, value, otherwise = _branches(node, scope)
            if _is_figure(value, "1") and _is_figure(otherwise, "0"):
                return Indicator(condition)
            reason = "A CASE set against another column is CASE WHEN condition THEN 1 ELSE 0 END."
            raise scope.refuse(RefusalCode.MEASURE_FORM, reason, node)
        case exp.Expr():
            raise refused_form(scope.text, node)
        case _:
            raise scope.refuse(RefusalCode.MEASURE_FORM, "An aggregate needs a column.", exp.null())


def _measured(node: exp.Expr, scope: Scope) -> Column:
    assert isinstance(node, exp.Column)
    column = scope.filterable(node)
    if not column.is_amount:
        reason = f"{column.name} has categories, not amounts: group by it, or count where it has a value."
        raise scope.refuse(RefusalCode.MEASURE_FORM, reason, node)
    return column


def _quantile(node: exp.Expr, where: Predicate | None, scope: Scope) -> Aggregate:
    """MEDIAN(x), QUANTILE_DISC(x, share), or PERCENTILE_DISC(share) WITHIN GROUP (ORDER BY x)."""
    if isinstance(node, exp.WithinGroup):
        check_arguments(scope.text, node, {"this", "expression"})
        if not isinstance(node.this, exp.PercentileDisc | exp.PercentileCont):
            raise refused_form(scope.text, node)
        check_arguments(scope.text, node.this, {"this"})
        of, share = _ordered(node, scope), node.this.this
    else:
        check_arguments(scope.text, node, {"this", "expression", "quantile"})
        of, share = node.this, node.args.get("expression") or node.args.get("quantile")
    fraction = Decimal("0.5") if isinstance(node, exp.Median) else _fraction(share, scope, node)
    if not isinstance(of, exp.Column):
        raise refused_form(scope.text, of if isinstance(of, exp.Expr) else node)
    column = _measured(of, scope)
    if column.role == "flag":
        reason = f"{column.name} is a yes/no column: ask for its share with AVG."
        raise scope.refuse(RefusalCode.MEASURE_FORM, reason, of)
    return Aggregate("quantile", (ColumnValue(column.name),), where, fraction)


def _ordered(node: exp.WithinGroup, scope: Scope) -> exp.Expr:
    """The one column that WITHIN GROUP orders by, from the least up."""
    order = node.expression
    if not isinstance(order, exp.Order) or len(order.expressions) != 1:
        raise refused_form(scope.text, node)
    ordered = order.expressions[0]
    if ordered.args.get("desc"):
        raise scope.refuse(RefusalCode.MEASURE_FORM, "A percentile counts from the least up: leave DESC out.", ordered)
    found: exp.Expr = ordered.this
    return found


def _fraction(node: object, scope: Scope, whole: exp.Expr) -> Decimal:
    """A quantile's share, without the zeros at its end, so that one share has one spelling."""
    if isinstance(node, exp.Literal) and not node.is_string and _SHARE.fullmatch(node.this) and Decimal(node.this):
        return Decimal(node.this).normalize()
    reason = "A quantile is asked for by a share between 0 and 1, such as 0.5, with six decimal places at most."
    raise scope.refuse(RefusalCode.MEASURE_FORM, reason, whole)


def _is_figure(node: object, figure: str) -> bool:
    return isinstance(node, exp.Literal) and not node.is_string and node.this == figure

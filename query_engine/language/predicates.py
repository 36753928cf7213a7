"""Conditions: from the nodes of the parsed text to the query model, by an allow-list of node types."""

from typing import Any

from sqlglot import exp

from query_engine.catalogue import Column
from query_engine.language.constants import read_constant
from query_engine.language.scope import Scope, check_arguments, refused_form
from query_engine.query.predicate import (
    Among,
    Between,
    Comparison,
    Either,
    Every,
    Holds,
    Missing,
    Negation,
    Operator,
    Predicate,
)
from query_engine.refusal import RefusalCode

LIST_LIMIT = 200
"""The most values an IN list may have."""

OPERATORS: dict[type[exp.Expr], Operator] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
MIRRORED: dict[Operator, Operator] = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def read_predicate(node: exp.Expr, scope: Scope) -> Predicate:
    """A condition. Raises `QueryRefused` for anything but comparisons of one column, joined by AND, OR and NOT."""
    if type(node) in OPERATORS:
        return _comparison(node, scope)
    match node:
        case exp.Paren():
            return read_predicate(node.this, scope)
        case exp.And():
            return Every(tuple(read_predicate(part, scope) for part in node.flatten()))
        case exp.Or():
            return Either(tuple(read_predicate(part, scope) for part in node.flatten()))
        case exp.Not():
            return Negation(read_predicate(node.this, scope))
        case exp.In():
            return _among(node, scope)
        case exp.Between():
            return _between(node, scope)
        case exp.Is():
            return _missing(node, scope)
        case exp.Column():
            return _holds(node, scope)
        case exp.Literal() | exp.Boolean() | exp.Null():
            reason = "A condition compares a column with constants; a constant alone says nothing about a row."
            raise scope.refuse(RefusalCode.PREDICATE_FORM, reason, node)
        case _:
            raise refused_form(scope.text, node)


def _comparison(node: Any, scope: Scope) -> Comparison:
    check_arguments(scope.text, node, {"this", "expression"})
    operator = OPERATORS[type(node)]
    left, right = node.this, node.expression
    if not isinstance(left, exp.Column) and isinstance(right, exp.Column):
        left, right, operator = right, left, MIRRORED[operator]
    column = _compared(left, scope)
    if operator not in ("=", "<>"):
        _check_ordered(column, node, scope)
    return Comparison(column.name, operator, read_constant(right, column, scope))


def _among(node: exp.In, scope: Scope) -> Among:
    check_arguments(scope.text, node, {"this", "expressions"})
    column = _compared(node.this, scope)
    if len(node.expressions) > LIST_LIMIT:
        reason = f"An IN list may have {LIST_LIMIT} values; this one has {len(node.expressions)}."
        raise scope.refuse(RefusalCode.LIST_TOO_LONG, reason, node)
    if not node.expressions:
        raise refused_form(scope.text, node)
    return Among(column.name, tuple(read_constant(each, column, scope) for each in node.expressions))


def _between(node: exp.Between, scope: Scope) -> Between:
    check_arguments(scope.text, node, {"this", "low", "high"})
    column = _compared(node.this, scope)
    _check_ordered(column, node, scope)
    low, high = (read_constant(node.args[end], column, scope) for end in ("low", "high"))
    assert not isinstance(low, str)  # an ordered column is a number
    assert not isinstance(high, str)
    return Between(column.name, low, high)


def _missing(node: exp.Is, scope: Scope) -> Missing:
    check_arguments(scope.text, node, {"this", "expression"})
    column = _compared(node.this, scope)
    if not isinstance(node.expression, exp.Null):
        reason = f"IS goes with NULL. Write {column.called}, NOT {column.called}, or {column.called} = and a constant."
        raise scope.refuse(RefusalCode.PREDICATE_FORM, reason, node)
    return Missing(column.name)


def _holds(node: exp.Column, scope: Scope) -> Holds:
    column = scope.filterable(node)
    if column.role != "flag":
        reason = f"{column.called} is not a yes/no column: compare it with a constant."
        raise scope.refuse(RefusalCode.PREDICATE_FORM, reason, node)
    return Holds(column.name)


def _compared(node: exp.Expr, scope: Scope) -> Column:
    """The column on the one side of a comparison."""
    if isinstance(node, exp.Column):
        return scope.filterable(node)
    if isinstance(node, exp.Literal | exp.Boolean | exp.Null):
        reason = "A condition compares a column with constants, not constants with each other."
        raise scope.refuse(RefusalCode.PREDICATE_FORM, reason, node)
    raise refused_form(scope.text, node)


def _check_ordered(column: Column, node: exp.Expr, scope: Scope) -> None:
    if not column.ordered:
        reason = f"The categories of {column.name} have no order to compare by: list the ones you mean with IN."
        raise scope.refuse(RefusalCode.NOT_ORDERED, reason, node)

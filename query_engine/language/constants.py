"""Constants in conditions: each must be one of its column's public values, so that no identifier can be smuggled in."""

import re
from decimal import Decimal

from sqlglot import exp

from query_engine.catalogue import Column, Value
from query_engine.language.scope import Scope, refused_form
from query_engine.refusal import QueryRefused, RefusalCode

_WHOLE = re.compile(r"\d{1,18}")
_DECIMAL = re.compile(r"\d{1,18}(\.\d{1,18})?|\.\d{1,18}")
_LISTED = 20
_KINDS = {
    "category": "a category in quotation marks",
    "integer": "a whole number",
    "decimal": "a number",
    "boolean": "TRUE or FALSE",
}


def read_constant(node: exp.Expr, column: Column, scope: Scope) -> Value:
    """A constant that a column is compared with. Raises `QueryRefused` unless it is a public value of the column."""
    if isinstance(node, exp.Null):
        reason = f"Nothing equals NULL. Write {column.called} IS NULL or {column.called} IS NOT NULL."
        raise scope.refuse(RefusalCode.NULL_COMPARISON, reason, node)
    if not isinstance(node, exp.Literal | exp.Boolean | exp.Neg):
        raise _not_constant(node, scope)
    value = _value(node, column)
    if value is None:
        reason = f"{column.called} is compared with {_KINDS[column.type]}."
        raise scope.refuse(RefusalCode.LITERAL_TYPE, reason, node)
    if column.code(value) is None:
        raise scope.refuse(RefusalCode.LITERAL_OUTSIDE_DOMAIN, public_values(column), node)
    return value


def public_values(column: Column) -> str:
    """One sentence on the values that a column can take."""
    if column.domain is None:
        low, high = column.bounds or (Decimal(0), Decimal(0))
        places = f", with {column.scale} decimal places at most" if column.scale else ""
        return f"{column.called} lies between {low} and {high}{places}."
    if len(column.domain) <= _LISTED and not column.ordered:
        return f"The values of {column.name} are {', '.join(str(each) for each in column.domain)}."
    return (
        f"{column.name} has {len(column.domain)} public values, from {column.domain[0]} to {column.domain[-1]}, "
        "and this is none of them: `circe catalogue` lists them."
    )


def _not_constant(node: exp.Expr, scope: Scope) -> QueryRefused:
    if isinstance(node, exp.Column):
        reason = "A condition compares one column with constants, not with another column."
        return scope.refuse(RefusalCode.PREDICATE_FORM, reason, node)
    return refused_form(scope.text, node)


def _value(node: exp.Expr, column: Column) -> Value | None:
    """The constant as a value of the column's type; None where it is of another type."""
    match node, column.type:
        case exp.Boolean(), "boolean":
            return bool(node.this)
        case exp.Literal(is_string=True), "category":
            return str(node.this)
        case exp.Literal(is_string=False), "integer" if _WHOLE.fullmatch(node.this):
            return int(node.this)
        case exp.Literal(is_string=False), "decimal" if _DECIMAL.fullmatch(node.this):
            return Decimal(node.this)
        case exp.Neg(this=exp.Literal(is_string=False)), "integer" | "decimal":
            positive = _value(node.this, column)
            return -positive if isinstance(positive, int | Decimal) else None
        case _:
            return None

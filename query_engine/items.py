"""The SELECT list: from the nodes of the parsed text to the query model, by an allow-list of node types."""

import re
from typing import Any

from sqlglot import exp

from query_engine.model import (
    ColumnValue,
    CountChildren,
    CountRows,
    GroupColumn,
    Indicator,
    Item,
    Mean,
    Measured,
    Selected,
    Total,
)
from query_engine.predicates import read_predicate
from query_engine.refusal import RefusalCode
from query_engine.scope import Scope, check_arguments, refused_form

_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,49}")


def read_item(node: exp.Expr, scope: Scope) -> Selected:
    """One column of the SELECT list, under its AS name or the name it goes by without one. Raises `QueryRefused`."""
    if not isinstance(node, exp.Alias):
        item = _item(node, scope)
        return Selected(_own_label(item, node, scope), item)
    check_arguments(scope.text, node, {"this", "alias"})
    item = _item(node.this, scope)
    label = node.alias
    if not _LABEL.fullmatch(label):
        reason = "A column's name has up to 50 letters, figures and underscores, a letter first."
        raise scope.refuse(RefusalCode.LABEL_INVALID, reason, node.args["alias"])
    if item == GroupColumn(scope.table.authority_column):
        reason = f"{scope.table.authority_column} is the first column of every answer and keeps its name."
        raise scope.refuse(RefusalCode.AUTHORITY_COLUMN, reason, node)
    return Selected(label, item)


def _own_label(item: Item, node: exp.Expr, scope: Scope) -> str:
    match item:
        case GroupColumn(column):
            return column
        case CountRows():
            return "count"
        case CountChildren():
            return f"distinct_{scope.table.child_key}"
        case Total(ColumnValue(column)):
            return f"sum_{column}"
        case Mean(ColumnValue(column)):
            return f"mean_{column}"
        case _:
            reason = "Give this column a name with AS: a condition has none of its own."
            raise scope.refuse(RefusalCode.LABEL_MISSING, reason, node)


def _item(node: exp.Expr, scope: Scope) -> Item:
    match node:
        case exp.Column():
            column = scope.column(node)
            scope.check_not_key(column, node)
            return GroupColumn(column.name)
        case exp.Count():
            return _count(node, scope)
        case exp.Filter():
            return _filtered_count(node, scope)
        case exp.Sum():
            return Total(_measured(node, scope))
        case exp.Avg():
            return Mean(_measured(node, scope))
        case _:
            raise refused_form(scope.text, node)


def _count(node: exp.Count, scope: Scope) -> Item:
    check_arguments(scope.text, node, {"this", "big_int"})
    match node.this:
        case exp.Star() as star:
            check_arguments(scope.text, star, set())
            return CountRows()
        case exp.Distinct(expressions=[exp.Column() as column]) as distinct:
            check_arguments(scope.text, distinct, {"expressions"})
            if scope.column(column).role == "key":
                return CountChildren()
            reason = f"DISTINCT counts children: write COUNT(DISTINCT {scope.table.child_key})."
            raise scope.refuse(RefusalCode.DISTINCT, reason, column)
        case exp.Column() | exp.Literal() | None:
            if isinstance(node.this, exp.Column):
                scope.check_not_key(scope.column(node.this), node.this)
            reason = "COUNT takes *: for the rows with a value, write COUNT(*) FILTER (WHERE ... IS NOT NULL)."
            raise scope.refuse(RefusalCode.MEASURE_FORM, reason, node)
        case other:
            raise refused_form(scope.text, other)


def _filtered_count(node: exp.Filter, scope: Scope) -> Item:
    check_arguments(scope.text, node, {"this", "expression"})
    if not isinstance(node.this, exp.Count) or not isinstance(node.this.this, exp.Star):
        raise scope.refuse(RefusalCode.CLAUSE, "FILTER goes with COUNT(*).", node)
    _count(node.this, scope)
    return Total(Indicator(read_predicate(node.expression.this, scope)))


def _measured(node: Any, scope: Scope) -> Measured:
    check_arguments(scope.text, node, {"this", "big_int"})
    match node.this:
        case exp.Column() as column:
            return _column_value(column, scope)
        case exp.Case() as case:
            return _indicator(case, scope)
        case other:
            raise refused_form(scope.text, other if isinstance(other, exp.Expr) else node)


def _column_value(node: exp.Column, scope: Scope) -> ColumnValue:
    column = scope.column(node)
    scope.check_not_key(column, node)
    if column.role == "dimension":
        reason = f"{column.name} has categories, not amounts: group by it, or count where it has a value."
        raise scope.refuse(RefusalCode.MEASURE_FORM, reason, node)
    return ColumnValue(column.name)


def _indicator(node: exp.Case, scope: Scope) -> Indicator:
    """`CASE WHEN condition THEN 1 ELSE 0 END` and no other form."""
    check_arguments(scope.text, node, {"ifs", "default"})
    branches = node.args["ifs"]
    figures = [branches[0].args.get("true"), node.args.get("default")]
    if len(branches) != 1 or not all(map(_is_figure, figures, ("1", "0"))):
        reason = "What is summed or averaged is a measure, or CASE WHEN condition THEN 1 ELSE 0 END."
        raise scope.refuse(RefusalCode.MEASURE_FORM, reason, node)
    return Indicator(read_predicate(branches[0].this, scope))


def _is_figure(node: object, figure: str) -> bool:
    return isinstance(node, exp.Literal) and not node.is_string and node.this == figure

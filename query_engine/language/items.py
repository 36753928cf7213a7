"""The SELECT list: from the nodes of the parsed text to the query model, by an allow-list of node types."""

import re

from sqlglot import exp

from query_engine.language.aggregates import is_aggregate, read_aggregate
from query_engine.language.groupings import read_grouping
from query_engine.language.modelling import is_model, read_model
from query_engine.language.scope import Scope, check_arguments
from query_engine.query.model import (
    Aggregate,
    ByColumn,
    ColumnValue,
    CountChildren,
    CountRows,
    FitModel,
    Grouped,
    Indicator,
    Item,
    Measured,
    Product,
    Selected,
)
from query_engine.refusal import RefusalCode

LABEL = re.compile(r"(?!.*\d{7})[A-Za-z][A-Za-z0-9_]{0,49}")
"""What a name given with AS looks like: seven figures in a row could be a child's number."""


def read_item(node: exp.Expr, scope: Scope) -> Selected:
    """One column of the SELECT list, under its AS name or the name it goes by without one. Raises `QueryRefused`."""
    if not isinstance(node, exp.Alias):
        item = _item(node, scope)
        return Selected(_own_label(item, node, scope), item)
    check_arguments(scope.text, node, {"this", "alias"})
    item = _item(node.this, scope)
    label = node.alias
    if not LABEL.fullmatch(label):
        reason = (
            "A column's name has up to 50 letters, figures and underscores, a letter first, "
            "and no seven figures in a row."
        )
        raise scope.refuse(RefusalCode.LABEL_INVALID, reason, node.args["alias"])
    if item == Grouped(ByColumn(scope.table.authority_column)):
        reason = f"{scope.table.authority_column} is the first column of every answer and keeps its name."
        raise scope.refuse(RefusalCode.AUTHORITY_COLUMN, reason, node)
    return Selected(label, item)


def _item(node: exp.Expr, scope: Scope) -> Item:
    if is_model(node):
        return read_model(node, scope)
    return read_aggregate(node, scope) if is_aggregate(node) else Grouped(read_grouping(node, scope))


def _own_label(item: Item, node: exp.Expr, scope: Scope) -> str:
    match item:
        case Grouped(ByColumn(column)):
            return _bare(column)
        case CountRows():
            return "count"
        case FitModel():
            return "model"
        case CountChildren(None):
            return f"distinct_{scope.table.child_key}"
        case Aggregate(function, of, None) if names := _names(of):
            return "_".join((function, *names))
        case _:
            reason = "Give this column a name with AS: an expression has none of its own."
            raise scope.refuse(RefusalCode.LABEL_MISSING, reason, node)


def _names(of: tuple[Measured, ...]) -> list[str]:
    """What an aggregate is called after; nothing where that includes a condition."""
    names: list[str] = []
    for each in of:
        match each:
            case ColumnValue(column):
                names.append(_bare(column))
            case Product(columns):
                names.extend(map(_bare, columns))
            case Indicator():
                return []
    return names if len("_".join(names)) <= 40 and all(map(LABEL.fullmatch, names)) else []


def _bare(column: str) -> str:
    """A column's name without the name of its table."""
    return column.rpartition(".")[2]

"""Reads HAVING, ORDER BY and LIMIT into the view of a release that they ask for."""

import re
from collections.abc import Sequence
from decimal import Decimal

from sqlglot import exp

from query_engine.language.aggregates import is_aggregate, read_aggregate
from query_engine.language.predicates import MIRRORED, OPERATORS
from query_engine.language.scope import Scope, check_arguments, refused_form
from query_engine.query.model import Grouped, Selected
from query_engine.query.predicate import Between, Comparison, Either, Every, Negation, Operator
from query_engine.query.view import Condition, Order, View
from query_engine.refusal import RefusalCode

LIMIT_MOST = 1_000_000
"""The most rows that LIMIT and OFFSET may name."""

_NUMBER = re.compile(r"\d{1,12}(\.\d{1,9})?")


def read_view(select: exp.Select, selected: Sequence[Selected], scope: Scope) -> View:
    """The view of one SELECT. Raises `QueryRefused`."""
    having, order = select.args.get("having"), select.args.get("order")
    reader = _Reader(selected, scope)
    return View(
        reader.condition(having.this) if having else None,
        tuple(reader.order(each) for each in order.expressions) if order else (),
        reader.number(select.args.get("limit")),
        reader.number(select.args.get("offset")) or 0,
    )


class _Reader:
    """Reads with the SELECT list at hand, since a view can name nothing else."""

    def __init__(self, selected: Sequence[Selected], scope: Scope) -> None:
        self._selected = selected
        self._scope = scope

    def condition(self, node: exp.Expr) -> Condition:
        match node:
            case exp.Paren():
                return self.condition(node.this)
            case exp.Not():
                return Negation(self.condition(node.this))
            case exp.And():
                return Every(tuple(self.condition(each) for each in node.flatten()))
            case exp.Or():
                return Either(tuple(self.condition(each) for each in node.flatten()))
            case exp.Between():
                check_arguments(self._scope.text, node, {"this", "low", "high"})
                low, high = self._constant(node.args["low"]), self._constant(node.args["high"])
                return Between(self._figure(node.this), low, high)
            case _ if type(node) in OPERATORS:
                return self._comparison(node, OPERATORS[type(node)])
            case _:
                raise refused_form(self._scope.text, node)

    def order(self, node: exp.Ordered) -> Order:
        """One term of ORDER BY; NULLS FIRST and LAST say nothing here, where withheld figures are always last."""
        check_arguments(self._scope.text, node, {"this", "desc", "nulls_first"})
        return Order(self._label(node.this), bool(node.args.get("desc")))

    def number(self, node: exp.Limit | exp.Offset | None) -> int | None:
        if node is None:
            return None
        check_arguments(self._scope.text, node, {"expression"})
        found = node.expression
        if isinstance(found, exp.Literal) and not found.is_string and found.this.isdigit() and len(found.this) < 8:
            number = int(found.this)
            if number <= LIMIT_MOST:
                return number
        reason = f"LIMIT and OFFSET take a whole number up to {LIMIT_MOST:,}."
        raise self._scope.refuse(RefusalCode.VIEW_FORM, reason, node)

    def _comparison(self, node: exp.Expr, operator: Operator) -> Comparison:
        left, right = node.this, node.expression
        if isinstance(left, exp.Literal | exp.Neg):
            left, right, operator = right, left, MIRRORED[operator]
        return Comparison(self._figure(left), operator, self._constant(right))

    def _constant(self, node: exp.Expr) -> Decimal:
        if isinstance(node, exp.Neg):
            return -self._constant(node.this)
        if isinstance(node, exp.Literal) and not node.is_string and _NUMBER.fullmatch(node.this):
            return Decimal(node.this)
        raise self._scope.refuse(RefusalCode.VIEW_FORM, "HAVING compares a figure with a number.", node)

    def _figure(self, node: exp.Expr) -> str:
        label = self._label(node)
        if any(each.label == label and isinstance(each.item, Grouped) for each in self._selected):
            reason = "HAVING chooses by figures: put a condition on a category in WHERE."
            raise self._scope.refuse(RefusalCode.VIEW_FORM, reason, node)
        return label

    def _label(self, node: exp.Expr) -> str:
        """The column of the answer that is meant: by its label, its place, or what it asks."""
        if isinstance(node, exp.Literal) and not node.is_string and node.this.isdigit():
            place = int(node.this[:4]) - 1
            if 0 <= place < len(self._selected):
                return self._selected[place].label
        if isinstance(node, exp.Column) and not node.table:
            for each in self._selected:
                if each.label.lower() == node.name.lower():
                    return each.label
        if is_aggregate(node):
            item = read_aggregate(node, self._scope)
            for each in self._selected:
                if each.item == item:
                    return each.label
        reason = "HAVING and ORDER BY name columns of the SELECT list: add it there, and name it with AS."
        raise self._scope.refuse(RefusalCode.VIEW_FORM, reason, node)

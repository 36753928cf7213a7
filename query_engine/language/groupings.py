"""What GROUP BY may name: columns, declared bins, CASE, and arithmetic on columns of whole numbers."""

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from math import prod
from types import MappingProxyType

from sqlglot import exp

from query_engine.catalogue import Category, Column
from query_engine.language.predicates import read_predicate
from query_engine.language.scope import Scope, check_arguments, refused_form
from query_engine.planning.measuring import bin_codes
from query_engine.planning.plan import TOTAL
from query_engine.query.model import ByCases, ByColumn, Grouping
from query_engine.query.predicate import Among, Between, Either, Every, Predicate
from query_engine.refusal import QueryRefused, RefusalCode

CASE_LIMIT = 100
"""The most categories that a CASE or an arithmetic expression may have."""

MIXTURE_LIMIT = 1_000
"""The most mixtures of values that an arithmetic expression is worked out for."""

ARITHMETIC_LIMIT = 30
"""The most columns, constants, operators and brackets that an arithmetic expression may have."""

FIGURE_MOST = 1_000_000
"""More than any arithmetic on ages, years and terms comes to."""

# Seven figures could be a child's number; a tag or a formula could be taken for more than a name where it is shown.
_NAME = re.compile(r"(?!.*\d{7})(?!.*<\s*[A-Za-z/])[A-Za-z0-9<>][A-Za-z0-9 _.,+<>=%/()&-]{0,49}")
_WHOLE = re.compile(r"\d{1,6}")


def read_grouping(node: exp.Expr, scope: Scope) -> Grouping:
    """An expression to group by. Raises `QueryRefused`."""
    match node:
        case exp.Column():
            return _column(node, scope)
        case exp.Paren():
            return read_grouping(node.this, scope)
        case exp.Case():
            return _cases(node, scope)
        case exp.Anonymous() if str(node.this).upper() == "BIN":
            return _bins(node, scope)
        case _ if _is_arithmetic(node):
            return _arithmetic(node, scope)
        case _:
            raise refused_form(scope.text, node)


def _column(node: exp.Column, scope: Scope) -> ByColumn:
    column = scope.column(node)
    scope.check_not_key(column, node)
    if column.role == "measure":
        reason = f"{column.called} is a measure: group by its ranges with BIN(...), by a CASE, or average it."
        raise scope.refuse(RefusalCode.MEASURE_GROUPED, reason, node)
    return ByColumn(column.name)


def _cases(node: exp.Case, scope: Scope) -> ByCases:
    """`CASE WHEN condition THEN 'category' ... ELSE 'category' END`, or `CASE column WHEN value THEN ...`."""
    check_arguments(scope.text, node, {"this", "ifs", "default"})
    found: dict[Category, Predicate] = {}
    for branch in node.args["ifs"]:
        condition = exp.EQ(this=node.this.copy(), expression=branch.this) if node.this else branch.this
        category = _category(branch.args.get("true"), scope, branch)
        predicate = read_predicate(condition, scope)
        if category in found:
            reason = "Two branches give one category: join their conditions with OR."
            raise scope.refuse(RefusalCode.GROUPING_FORM, reason, branch)
        found[category] = predicate
    default = node.args.get("default")
    otherwise = None if default is None or isinstance(default, exp.Null) else _category(default, scope, node)
    if len({type(each) for each in (*found, otherwise) if each is not None}) > 1:
        reason = "Every branch gives a name, or every branch a whole number: a column of the answer is of one kind."
        raise scope.refuse(RefusalCode.GROUPING_FORM, reason, node)
    if otherwise in found or len(found) > CASE_LIMIT:
        reason = f"Each branch needs a category of its own, and there may be {CASE_LIMIT}."
        raise scope.refuse(RefusalCode.GROUPING_FORM, reason, node)
    return ByCases(tuple(found.items()), otherwise)


def _category(node: exp.Expr | None, scope: Scope, near: exp.Expr) -> Category:
    if isinstance(node, exp.Literal):
        if node.is_string and _NAME.fullmatch(node.this) and node.this.lower() != TOTAL.lower():
            return str(node.this)
        if not node.is_string and _WHOLE.fullmatch(node.this):
            return int(node.this)
    reason = (
        "A CASE that is grouped by gives names of up to 50 letters, figures and plain marks, in quotation marks, or "
        f"whole numbers, with no seven figures in a row; {TOTAL} is the name of totals."
    )
    raise scope.refuse(RefusalCode.GROUPING_FORM, reason, node if isinstance(node, exp.Literal) else near)


def _bins(node: exp.Anonymous, scope: Scope) -> ByCases:
    """`BIN(measure)`: the ranges that the catalogue declares for it."""
    operands = node.expressions
    if len(operands) != 1 or not isinstance(operands[0], exp.Column):
        raise scope.refuse(RefusalCode.GROUPING_FORM, "BIN takes one measure.", node)
    column = scope.filterable(operands[0])
    if not column.bins:
        reason = f"{column.name} has no declared bins: group by the column itself."
        raise scope.refuse(RefusalCode.GROUPING_FORM, reason, node)
    return ByCases(tuple(_ranges(column)))


def _ranges(column: Column) -> Iterator[tuple[Category, Predicate]]:
    for first, last in bin_codes(column):
        low, high = column.value(first), column.value(last)
        assert low is not None
        assert high is not None
        assert not isinstance(low, str)
        assert not isinstance(high, str)
        if first == last:
            name = f"{low}"
        else:
            name = f"{low} or more" if last == column.present_codes - 1 else f"{low} to {high}"
        yield name, Between(column.name, low, high)


_OPERATORS: Mapping[type[exp.Expr], Callable[[int, int], int]] = MappingProxyType(
    {
        exp.Add: lambda left, right: left + right,
        exp.Sub: lambda left, right: left - right,
        exp.Mul: lambda left, right: left * right,
        exp.IntDiv: lambda left, right: left // right,
        exp.Mod: lambda left, right: left % right,
    }
)


def _is_arithmetic(node: exp.Expr) -> bool:
    return type(node) in _OPERATORS or isinstance(node, exp.Floor)


def _arithmetic(node: exp.Expr, scope: Scope) -> ByCases:
    """The values that an expression can take, each with the mixtures of the columns' values that give it."""
    if sum(not isinstance(each, exp.Identifier) for each in node.walk()) > ARITHMETIC_LIMIT:
        reason = f"Arithmetic that is grouped by has {ARITHMETIC_LIMIT} parts at most: write it more simply."
        raise scope.refuse(RefusalCode.GROUPING_FORM, reason, node)
    columns = {column.name: column for each in node.find_all(exp.Column) if (column := _whole(each, scope))}
    if not columns or len(columns) > 2 or prod(each.present_codes for each in columns.values()) > MIXTURE_LIMIT:
        reason = "Arithmetic that is grouped by is on one or two columns of a few whole numbers each."
        raise scope.refuse(RefusalCode.GROUPING_FORM, reason, node)
    found: dict[int, list[tuple[int, ...]]] = {}
    for mixture in product(*(_values(each) for each in columns.values())):
        value = _value(node, dict(zip(columns, mixture, strict=True)), scope)
        found.setdefault(value, []).append(mixture)
    if len(found) > CASE_LIMIT:
        reason = f"The expression takes {len(found)} values and may take {CASE_LIMIT}: divide it into ranges."
        raise scope.refuse(RefusalCode.GROUPING_FORM, reason, node)
    return ByCases(tuple((value, _mixtures(list(columns), found[value])) for value in sorted(found)))


def _whole(node: exp.Column, scope: Scope) -> Column:
    column = scope.filterable(node)
    if column.role != "dimension" or column.type != "integer":
        reason = f"{column.called} is not a column of whole numbers with public categories."
        raise scope.refuse(RefusalCode.GROUPING_FORM, reason, node)
    return column


def _values(column: Column) -> list[int]:
    return [each for each in column.domain or () if isinstance(each, int)]


def _value(node: exp.Expr, row: Mapping[str, int], scope: Scope) -> int:
    """The expression's value in one row. Raises `QueryRefused` for what is not arithmetic of whole numbers."""
    match node:
        case exp.Column():
            return row[scope.column(node).name]
        case exp.Literal(is_string=False) if _WHOLE.fullmatch(node.this):
            return int(node.this)
        case exp.Paren():
            return _value(node.this, row, scope)
        case exp.Floor(this=exp.Div() as quotient) if len([v for v in node.args.values() if v]) == 1:
            return _value(exp.IntDiv(this=quotient.this, expression=quotient.expression), row, scope)
        case _ if type(node) in _OPERATORS:
            left, right = _value(node.this, row, scope), _value(node.expression, row, scope)
            if isinstance(node, exp.IntDiv | exp.Mod) and not (isinstance(node.expression, exp.Literal) and right):
                raise _divided(node, scope)
            if isinstance(node, exp.IntDiv | exp.Mod) and left < 0:
                reason = "What is divided could be negative, which databases round differently: add a constant first."
                raise scope.refuse(RefusalCode.GROUPING_FORM, reason, node)
            value = _OPERATORS[type(node)](left, right)
            if abs(value) > FIGURE_MOST:
                reason = f"The expression comes to more than {FIGURE_MOST:,}: use smaller constants."
                raise scope.refuse(RefusalCode.GROUPING_FORM, reason, node)
            return value
        case _:
            raise refused_form(scope.text, node)


def _divided(node: exp.Expr, scope: Scope) -> QueryRefused:
    reason = "Divide by a constant that is not 0: dividing by data is not part of the language."
    return scope.refuse(RefusalCode.DIVISION, reason, node)


def _mixtures(columns: list[str], mixtures: list[tuple[int, ...]]) -> Predicate:
    """The rows that have one of the mixtures of values."""
    if len(columns) == 1:
        return Among(columns[0], tuple(value for (value,) in mixtures))
    first, second = columns
    together: dict[int, list[int]] = {}
    for left, right in mixtures:
        together.setdefault(left, []).append(right)
    parts = [Every((Among(first, (left,)), Among(second, tuple(rights)))) for left, rights in together.items()]
    return parts[0] if len(parts) == 1 else Either(tuple(parts))

"""Reads a table with a row for each child: `SELECT child, COUNT(*) AS n, ... FROM table WHERE ... GROUP BY child`."""

from collections.abc import Mapping
from types import MappingProxyType

from sqlglot import exp

from query_engine.catalogue import Catalogue, Column, GovernedTable
from query_engine.language.aggregates import is_aggregate, read_aggregate
from query_engine.language.clauses import check_clauses
from query_engine.language.items import LABEL
from query_engine.language.predicates import read_predicate
from query_engine.language.scope import Named, Scope, check_arguments, refused_form, suggestion
from query_engine.language.text import QueryText
from query_engine.planning.relation import YEAR
from query_engine.query.model import Aggregate, ColumnValue, CountRows, Indicator, PerChild, Tally, TallyFunction
from query_engine.query.predicate import Every, Predicate
from query_engine.refusal import RefusalCode

TALLY_LIMIT = 20
"""The most columns that may be worked out for each child in one table."""

_PARTS = {"expressions", "from_", "where", "group"}
_EXTREMES: Mapping[type[exp.Expr], TallyFunction] = MappingProxyType({exp.Min: "min", exp.Max: "max"})
_HOLDS = "What is worked out for each child is COUNT(*), or SUM, MIN or MAX of one number, with FILTER or without."


def read_per_child(text: QueryText, select: exp.Select, catalogue: Catalogue) -> tuple[PerChild, tuple[str, ...]]:
    """The table, and what its columns besides child and academic year are called. Raises `QueryRefused`."""
    check_clauses(text, select, _PARTS)
    source = select.args.get("from_")
    if source is None or not isinstance(source.this, exp.Table):
        reason = "A table with a row for each child is made from one governed table."
        raise text.refuse(RefusalCode.SUBQUERY, reason, select)
    check_arguments(text, source, {"this"})
    table = read_table(text, source.this, catalogue)
    names = frozenset({table.name, source.this.alias_or_name.lower()})
    scope = Scope(text, table, (Named(names, {each: each for each in table.columns}),))
    by_year = _grouped(select, scope)
    where = select.args.get("where")
    predicate = read_predicate(where.this, scope) if where else None
    tallies = _tallies(select, scope, {table.child_key, YEAR} if by_year else {table.child_key})
    return PerChild(table.name, by_year, predicate, tuple(tallies.values())), tuple(tallies)


def read_table(text: QueryText, node: exp.Table, catalogue: Catalogue) -> GovernedTable:
    """The governed table that FROM names. Raises `QueryRefused`."""
    if not isinstance(node.this, exp.Identifier):
        raise refused_form(text, node.this)
    if node.args.get("db") or node.args.get("catalog"):
        raise text.refuse(RefusalCode.UNKNOWN_TABLE, "A governed table has no schema or catalog before it.", node)
    if any(value for name, value in node.args.items() if name not in ("this", "alias")):
        raise text.refuse(RefusalCode.CLAUSE, "Nothing but AS and another name may follow the table.", node)
    if node.args.get("alias"):
        check_arguments(text, node.args["alias"], {"this"})
    found = catalogue.tables.get(node.name.lower())
    if found is None:
        reason = f"There is no governed table of that name. {suggestion(node.name, catalogue.tables)}"
        raise text.refuse(RefusalCode.UNKNOWN_TABLE, reason, node)
    return found


def _grouped(select: exp.Select, scope: Scope) -> bool:
    """Whether GROUP BY has the academic year beside the child, without which nothing goes. Raises `QueryRefused`."""
    group, key = select.args.get("group"), scope.table.child_key
    reason = f"A query inside a query has a row for each child: GROUP BY {key}, or by {key}, {YEAR}."
    if group is None:
        raise scope.refuse(RefusalCode.SUBQUERY, reason, select)
    check_arguments(scope.text, group, {"expressions"})
    names = []
    for each in group.expressions:
        if not isinstance(each, exp.Column):
            raise scope.refuse(RefusalCode.SUBQUERY, reason, each)
        names.append(scope.column(each).name)
        if names[-1] not in (key, YEAR) or len(set(names)) < len(names):
            raise scope.refuse(RefusalCode.SUBQUERY, reason, each)
    if key not in names:
        raise scope.refuse(RefusalCode.SUBQUERY, reason, group)
    return YEAR in names


def _tallies(select: exp.Select, scope: Scope, grouped: set[str]) -> dict[str, Tally]:
    """What the SELECT list works out for each child, by its label. Raises `QueryRefused`."""
    shown: list[str] = []
    tallies: dict[str, Tally] = {}
    for node in select.expressions:
        if isinstance(node, exp.Column):
            shown.append(scope.column(node).name)
            if shown[-1] not in grouped or len(set(shown)) < len(shown):
                reason = f"The SELECT list has {' and '.join(sorted(grouped))} once, and no other column outside COUNT."
                raise scope.refuse(RefusalCode.SUBQUERY, reason, node)
            continue
        label = _label(node, scope, {*tallies, scope.table.child_key, scope.table.authority_column, YEAR})
        tallies[label] = _tally(node.this, scope)
    if set(shown) != grouped:
        reason = f"Add {' and '.join(sorted(grouped - set(shown)))} to the SELECT list: it says what a row is."
        raise scope.refuse(RefusalCode.SUBQUERY, reason, select)
    if len(tallies) > TALLY_LIMIT:
        reason = f"A table with a row for each child may have {TALLY_LIMIT} columns worked out."
        raise scope.refuse(RefusalCode.TOO_MANY_COLUMNS, reason, select.expressions[-1])
    return tallies


def _label(node: exp.Expr, scope: Scope, taken: set[str]) -> str:
    if isinstance(node, exp.Star):
        raise refused_form(scope.text, node)
    if not isinstance(node, exp.Alias):
        reason = "Give this column a name with AS, by which the rest of the query can call it."
        raise scope.refuse(RefusalCode.LABEL_MISSING, reason, node)
    check_arguments(scope.text, node, {"this", "alias"})
    label = node.alias.lower()
    if not LABEL.fullmatch(label):
        reason = "A column's name has up to 50 letters, figures and underscores, a letter first."
        raise scope.refuse(RefusalCode.LABEL_INVALID, reason, node.args["alias"])
    if label in taken:
        reason = "Two columns of this table would have this name: give one another with AS."
        raise scope.refuse(RefusalCode.LABEL_REPEATED, reason, node)
    return label


def _tally(node: exp.Expr, scope: Scope) -> Tally:
    aggregate, where = _unfiltered(node, scope)
    if type(aggregate) in _EXTREMES:
        check_arguments(scope.text, aggregate, {"this"})
        if not isinstance(aggregate.this, exp.Column):
            raise refused_form(scope.text, aggregate.this)
        return _of_column(_EXTREMES[type(aggregate)], scope.filterable(aggregate.this), where, node, scope)
    if not is_aggregate(node):
        raise refused_form(scope.text, node)
    match read_aggregate(node, scope):
        case CountRows():
            return Tally("count")
        case Aggregate("sum", (Indicator(condition),), where):
            return Tally("count", None, Every((condition, where)) if where else condition)
        case Aggregate("sum", (ColumnValue(column),), where):
            return _of_column("sum", scope.table.columns[column], where, node, scope)
        case _:
            raise scope.refuse(RefusalCode.SUBQUERY, _HOLDS, node)


def _unfiltered(node: exp.Expr, scope: Scope) -> tuple[exp.Expr, Predicate | None]:
    if not isinstance(node, exp.Filter):
        return node, None
    check_arguments(scope.text, node, {"this", "expression"})
    return node.this, read_predicate(node.expression.this, scope)


def _of_column(function: TallyFunction, column: Column, where: Predicate | None, node: exp.Expr, scope: Scope) -> Tally:
    if not column.is_amount or column.role == "flag":
        reason = f"{column.name} is no number: count the rows, with FILTER (WHERE ...) for those that are meant."
        raise scope.refuse(RefusalCode.MEASURE_FORM, reason, node)
    return Tally(function, column.name, where)

"""Queries written out as SQL, so that whole questions can be drawn as values and asked as text."""

from collections.abc import Mapping
from decimal import Decimal

from query_engine.catalogue import GovernedTable, Value
from query_engine.query.model import (
    Aggregate,
    AggregateQuery,
    ByCases,
    ByColumn,
    ColumnValue,
    CountChildren,
    CountRows,
    FitModel,
    Function,
    Grouped,
    Grouping,
    Indicator,
    Item,
    Measured,
    Product,
)
from query_engine.query.predicate import Among, Between, Comparison, Either, Every, Holds, Missing, Negation, Predicate


def spell(query: AggregateQuery, table: GovernedTable) -> str:
    """One way of writing a query."""
    selected = ", ".join(f"{_item(each.item, table)} AS {each.label}" for each in query.selected)
    where = f" WHERE {spell_predicate(query.where)}" if query.where else ""
    return f"SELECT {selected} FROM {query.table}{where}{_group_by(query)}"


def _group_by(query: AggregateQuery) -> str:
    grouped = [spell_grouping(each) for each in query.grouped]
    if not query.sets:
        return f" GROUP BY {', '.join(grouped)}" if grouped else ""
    sets = ", ".join("(" + ", ".join(grouped[place] for place in each) + ")" for each in query.sets)
    return f" GROUP BY GROUPING SETS ({sets})"


def spell_grouping(grouping: Grouping) -> str:
    """One way of writing what is grouped by."""
    match grouping:
        case ByColumn(column):
            return column
        case ByCases(cases, otherwise):
            branches = " ".join(f"WHEN {spell_predicate(when)} THEN {_constant(then)}" for then, when in cases)
            return f"CASE {branches} ELSE {'NULL' if otherwise is None else _constant(otherwise)} END"


def spell_predicate(predicate: Predicate) -> str:
    """One way of writing a condition."""
    match predicate:
        case Comparison(column, operator, value):
            return f"{column} {operator} {_constant(value)}"
        case Among(column, values):
            return f"{column} IN ({', '.join(map(_constant, values))})"
        case Between(column, low, high):
            return f"{column} BETWEEN {_constant(low)} AND {_constant(high)}"
        case Missing(column):
            return f"{column} IS NULL"
        case Holds(column):
            return column
        case Every(parts):
            return "(" + " AND ".join(map(spell_predicate, parts)) + ")"
        case Either(parts):
            return "(" + " OR ".join(map(spell_predicate, parts)) + ")"
        case Negation(part):
            return f"NOT ({spell_predicate(part)})"


def _constant(value: Value) -> str:
    match value:
        case bool():
            return str(value).upper()
        case int() | Decimal():
            return str(value)
        case str():
            return f"'{value}'"


NAMES: Mapping[Function, str] = {
    "sum": "SUM",
    "mean": "AVG",
    "weighted_mean": "WEIGHTED_AVG",
    "variance": "VAR_SAMP",
    "variance_population": "VAR_POP",
    "deviation": "STDDEV_SAMP",
    "deviation_population": "STDDEV_POP",
    "covariance": "COVAR_SAMP",
    "covariance_population": "COVAR_POP",
    "correlation": "CORR",
    "quantile": "QUANTILE_DISC",
}


def _item(item: Item, table: GovernedTable) -> str:
    match item:
        case FitModel():
            raise AssertionError("models have tests of their own")
        case Grouped(by):
            return spell_grouping(by)
        case CountRows():
            return "COUNT(*)"
        case CountChildren(where):
            return f"COUNT(DISTINCT {table.child_key}){_filter(where)}"
        case Aggregate(function, of, where, fraction):
            operands = [*map(_measured, of), *([str(fraction)] if fraction is not None else [])]
            return f"{NAMES.get(function, function.upper())}({', '.join(operands)}){_filter(where)}"


def _filter(where: Predicate | None) -> str:
    return f" FILTER (WHERE {spell_predicate(where)})" if where else ""


def _measured(measured: Measured) -> str:
    match measured:
        case ColumnValue(column):
            return column
        case Product(columns):
            return " * ".join(columns)
        case Indicator(condition):
            return f"CASE WHEN {spell_predicate(condition)} THEN 1 ELSE 0 END"

"""Queries written out as SQL, so that whole questions can be drawn as values and asked as text."""

from decimal import Decimal

from query_engine.catalogue import GovernedTable, Value
from query_engine.model import (
    AggregateQuery,
    Among,
    Between,
    ColumnValue,
    Comparison,
    CountChildren,
    CountRows,
    Either,
    Every,
    GroupColumn,
    Holds,
    Indicator,
    Item,
    Mean,
    Measured,
    Missing,
    Negation,
    Predicate,
    Total,
)


def spell(query: AggregateQuery, table: GovernedTable) -> str:
    """One way of writing a query."""
    selected = ", ".join(f"{_item(each.item, table)} AS {each.label}" for each in query.selected)
    where = f" WHERE {spell_predicate(query.where)}" if query.where else ""
    grouped = f" GROUP BY {', '.join(query.grouped)}" if query.grouped else ""
    return f"SELECT {selected} FROM {query.table}{where}{grouped}"


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


def _item(item: Item, table: GovernedTable) -> str:
    match item:
        case GroupColumn(column):
            return column
        case CountRows():
            return "COUNT(*)"
        case CountChildren():
            return f"COUNT(DISTINCT {table.child_key})"
        case Total(measured):
            return f"SUM({_measured(measured)})"
        case Mean(measured):
            return f"AVG({_measured(measured)})"


def _measured(measured: Measured) -> str:
    match measured:
        case ColumnValue(column):
            return column
        case Indicator(condition):
            return f"CASE WHEN {spell_predicate(condition)} THEN 1 ELSE 0 END"

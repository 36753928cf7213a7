"""The naive answer: every row looked at in Python, with nothing shared with the planner or an engine."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction

from query_engine.catalogue import Category, Value
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
from tests.query_engine.small_tables import Row

Truth = bool | None
Answer = dict[tuple[Category | None, ...], tuple[Value | None, ...]]


def truth(predicate: Predicate, row: Row) -> Truth:
    """SQL's three-valued logic, one row at a time."""
    match predicate:
        case Negation(part):
            inner = truth(part, row)
            return None if inner is None else not inner
        case Every(parts):
            found = {truth(part, row) for part in parts}
            return False if False in found else None if None in found else True
        case Either(parts):
            found = {truth(part, row) for part in parts}
            return True if True in found else None if None in found else False
        case Missing(column):
            return row[column] is None
        case Comparison(column) | Among(column) | Between(column) | Holds(column):
            value = row[column]
            return None if value is None else _compare(predicate, value)


def _compare(predicate: Comparison | Among | Between | Holds, value: Value) -> bool:
    match predicate:
        case Holds():
            return bool(value)
        case Among(_, values):
            return value in values
        case Between(_, low, high):
            return low <= value <= high  # type: ignore[operator]
        case Comparison(_, "=", constant):
            return value == constant
        case Comparison(_, "<>", constant):
            return value != constant
        case Comparison(_, "<", constant):
            return value < constant  # type: ignore[operator]
        case Comparison(_, "<=", constant):
            return value <= constant  # type: ignore[operator]
        case Comparison(_, ">", constant):
            return value > constant  # type: ignore[operator]
        case Comparison(_, ">=", constant):
            return value >= constant  # type: ignore[operator]
    raise AssertionError


def kept(query: AggregateQuery, rows: Iterable[Row]) -> list[Row]:
    """The rows that the query's WHERE keeps."""
    return [row for row in rows if query.where is None or truth(query.where, row) is True]


def amount(measured: Measured, row: Row) -> Decimal | int | None:
    """What a row contributes to a sum; None where it contributes nothing."""
    match measured:
        case ColumnValue(column):
            value = row[column]
            assert not isinstance(value, str)
            return value
        case Indicator(condition):
            return 1 if truth(condition, row) is True else 0


def answer(query: AggregateQuery, rows: Iterable[Row], key: str, dimensions: Sequence[str]) -> Answer:
    """The statistics of the SELECT list in every cell that holds a row, by the cell's categories."""
    cells: dict[tuple[Category | None, ...], list[Row]] = {(): []} if not dimensions else {}
    for row in kept(query, rows):
        cells.setdefault(tuple(row[name] for name in dimensions), []).append(row)  # type: ignore[misc]
    items = [each.item for each in query.selected if not isinstance(each.item, GroupColumn)]
    return {cell: tuple(_figure(item, members, key) for item in items) for cell, members in cells.items()}


def _figure(item: Item, rows: list[Row], key: str) -> Value | None:
    match item:
        case CountRows():
            return len(rows)
        case CountChildren():
            return len({row[key] for row in rows})
        case Total(measured):
            return sum(amount_of(measured, rows))
        case Mean(measured):
            amounts = amount_of(measured, rows)
            return _rounded(Fraction(sum(map(Fraction, amounts)), len(amounts))) if amounts else None
        case GroupColumn():
            raise AssertionError


def amount_of(measured: Measured, rows: list[Row]) -> list[Decimal | int]:
    """The amounts of the rows that have one."""
    return [found for row in rows if (found := amount(measured, row)) is not None]


def _rounded(mean: Fraction) -> Decimal:
    """Six decimal places, halves to even."""
    return Decimal(round(mean * 10**6)).scaleb(-6)

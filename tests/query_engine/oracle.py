"""The naive answer: every row looked at in Python, with nothing shared with the planner or an engine."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from math import prod

from query_engine.catalogue import Category, Value
from query_engine.planning.plan import TOTAL
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
from tests.query_engine.small_tables import Row

Truth = bool | None
Pairs = Sequence[tuple[Fraction, ...]]
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


def amount(measured: Measured, row: Row) -> Fraction | None:
    """What a row contributes; None where it contributes nothing."""
    match measured:
        case ColumnValue(column):
            value = row[column]
            assert not isinstance(value, str)
            return None if value is None else Fraction(value)
        case Product(columns):
            factors = [amount(ColumnValue(each), row) for each in columns]
            present = [each for each in factors if each is not None]
            return prod(present, start=Fraction(1)) if len(present) == len(factors) else None
        case Indicator(condition):
            return Fraction(truth(condition, row) is True)


def category(grouping: Grouping, row: Row) -> Category | None:
    """The category of a row: a column's value, or that of the first case whose condition is true."""
    match grouping:
        case ByColumn(column):
            return row[column]  # type: ignore[return-value]
        case ByCases(cases, otherwise):
            return next((each for each, condition in cases if truth(condition, row) is True), otherwise)


def answer(query: AggregateQuery, rows: Iterable[Row], key: str, groupings: Sequence[Grouping]) -> Answer:
    """The statistics of the SELECT list in every cell that holds a row, by the cell's categories.

    `groupings` are in the order of the answer's dimensions; what a grouping set leaves out has the category `TOTAL`.
    """
    cells: dict[tuple[Category | None, ...], list[Row]] = {}
    everything = tuple(range(len(query.grouped)))
    for grouping_set in query.sets or (everything,):
        used = {query.grouped[place] for place in grouping_set}
        if not used:
            cells[tuple(TOTAL for _ in groupings)] = []
        for row in kept(query, rows):
            cell = tuple(category(each, row) if each in used else TOTAL for each in groupings)
            cells.setdefault(cell, []).append(row)
    items = [each.item for each in query.selected if not isinstance(each.item, Grouped)]
    return {cell: tuple(figure(item, members, key) for item in items) for cell, members in cells.items()}


def figure(item: Item, rows: Sequence[Row], key: str) -> Value | None:
    """One figure over the rows of a cell, to six decimal places where it is not a count or a sum."""
    match item:
        case CountRows():
            return len(rows)
        case CountChildren(where):
            return len({row[key] for row in rows if where is None or truth(where, row) is True})
        case Aggregate(function, of, where, fraction):
            inside = [row for row in rows if where is None or truth(where, row) is True]
            amounts = [tuple(amount(each, row) for each in of) for row in inside]
            whole = [each for each in amounts if None not in each]
            return _worked_out(function, whole, fraction)  # type: ignore[arg-type]
        case Grouped() | FitModel():
            raise AssertionError


def _worked_out(function: Function, rows: list[tuple[Fraction, ...]], fraction: Decimal | None) -> Value | None:
    match function:
        case "sum":
            return _plain(sum((each for (each,) in rows), Fraction()))
        case "regr_count":
            return len(rows)
        case "quantile":
            raise AssertionError("quantiles have an oracle of their own")
    try:
        return _rounded(_FIGURES[function](rows))
    except ZeroDivisionError:
        return None


def _mean(values: Sequence[Fraction]) -> Fraction:
    return sum(values, Fraction()) / len(values)


def _deviations(values: Sequence[Fraction]) -> list[Fraction]:
    mean = _mean(values)
    return [each - mean for each in values]


def _together(rows: Pairs) -> Fraction:
    """The sum of products about the means; every textbook figure of two columns is made of such sums."""
    left, right = (_deviations([row[place] for row in rows]) for place in (0, 1))
    return sum((a * b for a, b in zip(left, right, strict=True)), Fraction())


def _alone(rows: Pairs, place: int) -> Fraction:
    return sum((each * each for each in _deviations([row[place] for row in rows])), Fraction())


def _root(number: Fraction) -> Decimal:
    with localcontext(prec=60):
        return (Decimal(number.numerator) / Decimal(number.denominator)).sqrt()


def _explained(rows: Pairs) -> Fraction:
    across, down = _alone(rows, 1), _alone(rows, 0)
    return Fraction(1) if across and not down else _together(rows) ** 2 / (across * down)


def _correlation(rows: Pairs) -> Decimal:
    together = _together(rows)
    root = _root(together**2 / (_alone(rows, 0) * _alone(rows, 1)))
    return -root if together < 0 else root


_FIGURES: Mapping[Function, Callable[[Pairs], Fraction | Decimal]] = {
    "mean": lambda rows: _mean([each for (each,) in rows]),
    "weighted_mean": lambda rows: sum((x * w for x, w in rows), Fraction()) / sum((w for _, w in rows), Fraction()),
    "variance": lambda rows: _alone(rows, 0) / (len(rows) - 1),
    "variance_population": lambda rows: _alone(rows, 0) / len(rows),
    "deviation": lambda rows: _root(_alone(rows, 0) / (len(rows) - 1)),
    "deviation_population": lambda rows: _root(_alone(rows, 0) / len(rows)),
    "covariance": lambda rows: _together(rows) / (len(rows) - 1),
    "covariance_population": lambda rows: _together(rows) / len(rows),
    "correlation": _correlation,
    "regr_avgx": lambda rows: _mean([x for _, x in rows]),
    "regr_avgy": lambda rows: _mean([y for y, _ in rows]),
    "regr_sxx": lambda rows: _alone(rows, 1),
    "regr_syy": lambda rows: _alone(rows, 0),
    "regr_sxy": _together,
    "regr_slope": lambda rows: _together(rows) / _alone(rows, 1),
    "regr_intercept": lambda rows: (
        _mean([y for y, _ in rows]) - _together(rows) / _alone(rows, 1) * _mean([x for _, x in rows])
    ),
    "regr_r2": _explained,
}


def _plain(total: Fraction) -> Decimal | int:
    return int(total) if total.denominator == 1 else Decimal(total.numerator) / Decimal(total.denominator)


def _rounded(exact: Fraction | Decimal) -> Decimal:
    """Six decimal places, halves to even."""
    return Decimal(round(Fraction(exact) * 10**6)).scaleb(-6)

"""Conditions to regions: what a predicate keeps, whatever its spelling.

Only the rows where a condition is true count, so NOT can be carried inwards to the comparisons (De Morgan's laws hold
in SQL's three-valued logic), and each comparison becomes the set of codes for which it, or its negation, is true.
"""

from collections.abc import Callable
from functools import reduce

from query_engine.catalogue import Column, GovernedTable, Value
from query_engine.planning.region import Region, intersect, region_of, unite
from query_engine.query.predicate import (
    Among,
    Between,
    Comparison,
    Either,
    Every,
    Holds,
    Missing,
    Negation,
    Operator,
    Predicate,
)

Ranges = list[tuple[int, int]]


def region_from(predicate: Predicate | None, table: GovernedTable) -> Region:
    """The rows of a table for which a predicate is true. Raises `RegionTangled`."""
    return True if predicate is None else _region(predicate, table, negated=False)


def _region(predicate: Predicate, table: GovernedTable, *, negated: bool) -> Region:
    match predicate:
        case Negation(part):
            return _region(part, table, negated=not negated)
        case Every(parts) | Either(parts):
            together: Callable[[Region, Region], Region]
            together = unite if isinstance(predicate, Either) is not negated else intersect
            return reduce(together, (_region(part, table, negated=negated) for part in parts))
        case Missing(name):
            column = table.columns[name]
            present = (0, column.present_codes - 1)
            missing = (column.present_codes, column.codes - 1)
            return region_on(column, [present if negated else missing], table)
        case Comparison(name) | Among(name) | Between(name) | Holds(name):
            column = table.columns[name]
            kept = _kept(predicate, column)
            return region_on(column, _others(kept, column) if negated else kept, table)


def region_on(column: Column, ranges: Ranges, table: GovernedTable) -> Region:
    """The rows with one of the codes. Of a column that fills another's missing values, in terms of that other one."""
    if not column.fills:
        return region_of(column, ranges)
    filled = table.columns[column.fills]
    least = filled.scaled_bounds[0]
    shifted = [(max(first - least, 0), last - least) for first, last in ranges]
    if any(first <= 0 <= last for first, last in ranges):
        shifted.append((filled.present_codes, filled.codes - 1))
    return region_of(filled, shifted)


def _kept(predicate: Comparison | Among | Between | Holds, column: Column) -> Ranges:
    """The codes for which a comparison is true."""
    match predicate:
        case Holds():
            return [(_code(True, column),) * 2]
        case Among(_, values):
            return [(_code(value, column),) * 2 for value in values]
        case Between(_, low, high):
            return [(_code(low, column), _code(high, column))]
        case Comparison(_, operator, value):
            return _compared(operator, _code(value, column), column)


def _compared(operator: Operator, code: int, column: Column) -> Ranges:
    last = column.present_codes - 1
    match operator:
        case "=":
            return [(code, code)]
        case "<>":
            return [(0, code - 1), (code + 1, last)]
        case "<":
            return [(0, code - 1)]
        case "<=":
            return [(0, code)]
        case ">":
            return [(code + 1, last)]
        case ">=":
            return [(code, last)]


def _others(kept: Ranges, column: Column) -> Ranges:
    """The codes of present values outside the ranges: where the comparison is false, not where it is unknown."""
    others, start = [], 0
    for first, last in sorted(each for each in kept if each[0] <= each[1]):
        others.append((start, first - 1))
        start = max(start, last + 1)
    return [*others, (start, column.present_codes - 1)]


def _code(value: Value, column: Column) -> int:
    code = column.code(value)
    if code is None:
        raise ValueError(f"a constant is not among the public values of {column.name}")
    return code

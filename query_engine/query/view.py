"""HAVING, ORDER BY and LIMIT: a view of the released table, which is whole and stays as it is.

A view is read from the asker's text and is no part of the plan: it chooses and orders rows that are already public, so
it can tell nothing more. Where a row's place depends on a figure that is withheld, HAVING keeps the row and ORDER BY
puts it last, so that neither guesses.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from query_engine.query.predicate import Between, Comparison, Either, Every, Negation

Condition = Comparison | Between | Every | Either | Negation
"""A condition on the figures of a row; the columns of its comparisons are labels of the answer."""


@dataclass(frozen=True, slots=True)
class Order:
    """`ORDER BY label`, from the greatest down where `descending`."""

    label: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """Which rows of a release to show, in what order, and how many of them at most."""

    having: Any = None
    order: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int = 0


WHOLE = View()
"""Every row, as released."""

TOTAL = "Total"
"""The category of a dimension that a cell adds up over, as in the Department for Education's open data."""

Entry = TypeVar("Entry")


def apply_view(
    view: View, columns: Sequence[str], rows: Sequence[tuple[Entry, ...]], is_withheld: Callable[[Entry], bool]
) -> list[tuple[Entry, ...]]:
    """The rows that a view shows, in its order. `is_withheld` tells a symbol from a figure."""
    places = {label: place for place, label in enumerate(columns)}
    kept = [row for row in rows if view.having is None or _holds(view.having, row, places, is_withheld, False)]
    for order in reversed(view.order):
        kept = _ordered(kept, places[order.label], order.descending, is_withheld)
    end = None if view.limit is None else view.offset + view.limit
    return kept[view.offset : end]


def _ordered(
    rows: list[tuple[Entry, ...]], place: int, descending: bool, is_withheld: Callable[[Entry], bool]
) -> list[tuple[Entry, ...]]:
    """Figures and categories in order, whichever way round; then totals, the missing category and what is withheld."""
    shown = [row for row in rows if row[place] is not None and row[place] != TOTAL and not is_withheld(row[place])]
    totals = [row for row in rows if row[place] == TOTAL]
    missing = [row for row in rows if row[place] is None]
    withheld = [row for row in rows if row[place] is not None and is_withheld(row[place])]
    shown.sort(key=lambda row: row[place], reverse=descending)  # type: ignore[arg-type, return-value]
    return [*shown, *totals, *missing, *withheld]


def _holds(
    condition: Condition,
    row: tuple[Any, ...],
    places: dict[str, int],
    is_withheld: Callable[[Any], bool],
    negated: bool,
) -> bool:
    """Whether a row may meet a condition (or its negation): it does, or a withheld figure leaves it open."""
    match condition:
        case Negation(part):
            return _holds(part, row, places, is_withheld, not negated)  # type: ignore[arg-type]
        case Every(parts) | Either(parts):
            together = any if isinstance(condition, Either) is not negated else all
            return together(_holds(each, row, places, is_withheld, negated) for each in parts)  # type: ignore[arg-type]
        case Comparison(label, operator, value):
            figure = row[places[label]]
            return is_withheld(figure) or _compared(figure, operator, Decimal(value)) is not negated
        case Between(label, low, high):
            figure = row[places[label]]
            return is_withheld(figure) or (low <= figure <= high) is not negated
    raise AssertionError("a view has conditions of these forms alone")


def _compared(figure: int | Decimal, operator: str, value: Decimal) -> bool:
    match operator:
        case "=":
            return figure == value
        case "<>":
            return figure != value
        case "<":
            return figure < value
        case "<=":
            return figure <= value
        case ">":
            return figure > value
        case _:
            return figure >= value

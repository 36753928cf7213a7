"""Bar charts of released figures, as shapes in a page that runs no script; a withheld figure is drawn as withheld.

Every figure in a chart stands in the table beneath it too, so whoever does not see it misses nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from disclosure_control.margins.precision import Margin, Margins
from disclosure_control.release.showing import ShownTable
from disclosure_control.release.shown_entry import show_category
from disclosure_control.rows.protected_table import Entry, Row

__all__ = ["Bar", "BarChart", "draw_bars"]

MOST_BARS = 40
"""Rows that are drawn; a chart of more would be a wall."""

MOST_CHARTS = 4
LEFT, RIGHT, STEP, TOP = 8.0, 352.0, 40, 6


@dataclass(frozen=True)
class Bar:
    """One row: its words, its figure or symbol, and where its bar and the line of its margin lie."""

    label: str
    text: str
    y: int
    x: float = LEFT
    width: float = 0.0
    margin: tuple[float, float] | None = None
    withheld: bool = False


@dataclass(frozen=True)
class BarChart:
    """The bars of one column of figures; `told` says in words what the picture shows, `zero` is where 0 lies."""

    title: str
    told: str
    bars: tuple[Bar, ...]
    zero: float
    height: int


def draw_bars(shown: ShownTable) -> tuple[BarChart, ...]:
    """A chart for each of the first columns of figures; none of a table with too many rows, or with none."""
    if not 0 < len(shown.rows) <= MOST_BARS:
        return ()
    labels = [label for label in shown.table.columns if label in shown.table.decimals][:MOST_CHARTS]
    return tuple(_draw_chart(shown, label) for label in labels)


def _draw_chart(shown: ShownTable, label: str) -> BarChart:
    place = shown.table.columns.index(label)
    entries = [row[place] for row in shown.rows]
    margins = [_ends(each, label) for each in shown.margins]
    scale = _Scale((*map(_number, entries), *(end for ends in margins for end in ends or ())))
    bars = tuple(
        _draw_bar(number, _name_row(row, shown), entry, ends, scale)
        for number, (row, entry, ends) in enumerate(zip(shown.rows, entries, margins, strict=True))
    )
    return BarChart(label, _tell(bars, entries), bars, scale.place(0), TOP + STEP * len(bars))


class _Scale:
    """A linear axis that has 0 on it, and every value that is drawn."""

    def __init__(self, values: Sequence[float | None]) -> None:
        present = [each for each in values if each is not None]
        self.low, self.high = min([0.0, *present]), max([0.0, *present])

    def place(self, value: float) -> float:
        """Where a value lies."""
        across = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.0
        return round(LEFT + (RIGHT - LEFT) * across, 1)


def _draw_bar(number: int, words: str, entry: Entry, ends: tuple[float, float] | None, scale: _Scale) -> Bar:
    y, value = TOP + STEP * number, _number(entry)
    if value is None:
        return Bar(words, str(entry), y, scale.place(0), withheld=True)
    first, last = sorted((scale.place(0), scale.place(value)))
    line = None if ends is None else (scale.place(ends[0]), scale.place(ends[1]))
    return Bar(words, f"{entry:,}", y, first, round(last - first, 1), line)


def _number(entry: Entry) -> float | None:
    return float(entry) if isinstance(entry, int | Decimal) and not isinstance(entry, bool) else None


def _ends(margins: Margins, label: str) -> tuple[float, float] | None:
    found = margins.get(label)
    return (float(found.low), float(found.high)) if isinstance(found, Margin) else None


def _name_row(row: Row, shown: ShownTable) -> str:
    """A row by its categories, the code of its authority first where it has one: names would be cut off."""
    table = shown.table
    entries = (entry for column, entry in zip(table.columns, row, strict=True) if column not in table.decimals)
    return ", ".join(map(show_category, entries)) or "All"


def _tell(bars: Sequence[Bar], entries: Sequence[Entry]) -> str:
    """What the chart shows, in a sentence or two: the ends of it, and how many bars it has not."""
    values = [(_number(entry) or 0.0, bar) for bar, entry in zip(bars, entries, strict=True) if not bar.withheld]
    missing = len(bars) - len(values)
    gap = f" {missing} of {len(bars)} have no figure, and a symbol in its place." if missing else ""
    if not values:
        return f"No row has a figure.{gap}"
    (_, least), (_, most) = min(values, key=_height), max(values, key=_height)
    return f"From {least.text} ({least.label}) to {most.text} ({most.label}).{gap}"


def _height(drawn: tuple[float, Bar]) -> float:
    return drawn[0]

"""A release column by column, as typed files and data frames hold it: a symbol never stands in for a number, nor a gap.

The figures of a label are in one column, where a withheld one is empty, and the symbols in a column of their own beside
it, where a released one is empty. So nobody adds up what is not there without having been told. Categories are texts,
as in the CSV.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain, count
from typing import Literal

from disclosure_control.layout import write_entry
from disclosure_control.margins.precision import Margin
from disclosure_control.models.release import ReleasedModel
from disclosure_control.release.showing import ShownTable
from disclosure_control.rows.protected_table import Entry
from disclosure_control.symbols import Symbol

__all__ = ["SYMBOL", "FileColumn", "list_columns", "list_terms"]

Kind = Literal["category", "figure", "symbol"]
Item = str | int | Decimal | None

SYMBOL = "_symbol"
"""What the column of a figure's symbols is called, after the figure's own name."""


@dataclass(frozen=True)
class FileColumn:
    """One column: its name, what it holds, and for figures how many decimal places each has."""

    name: str
    kind: Kind
    items: tuple[Item, ...]
    decimals: int = 0


def list_columns(shown: ShownTable, *, margins: bool = False) -> tuple[FileColumn, ...]:
    """The columns of a table as it is shown, with the ends of each figure's margin where they are wanted."""
    taken = {*shown.table.columns, *shown.added}
    places = range(len(shown.table.columns))
    released = chain.from_iterable(_list_column(shown, place, taken, margins) for place in places)
    return (*released, *_list_added(shown))


def _list_added(shown: ShownTable) -> Iterator[FileColumn]:
    """The counts that were made consistent, where they were asked for."""
    for place, name in enumerate(shown.added):
        yield FileColumn(name, "figure", tuple(tuple(row.values())[place] for row in shown.consistent))


def _list_column(shown: ShownTable, place: int, taken: set[str], margins: bool) -> Iterator[FileColumn]:
    """One column of the release; of figures, its symbols and margins after it."""
    name = shown.table.columns[place]
    entries = [row[place] for row in shown.rows]
    if name not in shown.table.decimals:
        yield FileColumn(name, "category", tuple(map(write_entry, entries)))
        return
    decimals = shown.table.decimals[name]
    yield FileColumn(name, "figure", tuple(map(_read_figure, entries)), decimals)
    symbols = tuple(each.value if isinstance(each, Symbol) else None for each in entries)
    yield FileColumn(_name_anew(name + SYMBOL, taken), "symbol", symbols)
    if margins:
        for end in ("low", "high"):
            yield FileColumn(_name_anew(f"{name}_{end}", taken), "figure", _read_ends(shown, name, end), decimals)


def _read_figure(entry: Entry) -> int | Decimal | None:
    return None if isinstance(entry, Symbol | str | bool) else entry


def _read_ends(shown: ShownTable, label: str, end: str) -> tuple[Item, ...]:
    """One end of each row's margin; nothing where a figure has none."""
    beside: Iterable[object] = (margins.get(label) for margins in shown.margins)
    return tuple(getattr(each, end) if isinstance(each, Margin) else None for each in beside)


def _name_anew(name: str, taken: set[str]) -> str:
    """A name that no other column has; it is taken from then on."""
    found = next(each for each in chain([name], (f"{name}_{number}" for number in count(2))) if each not in taken)
    taken.add(found)
    return found


def list_terms(model: ReleasedModel) -> tuple[FileColumn, ...]:
    """The columns of a model: its terms, and of each the estimate with its error and interval."""
    names = ("estimate", "standard_error", "low", "high")
    figures = [tuple(getattr(term, name) for term in model.terms) for name in names]
    return (
        FileColumn("term", "category", tuple(term.term for term in model.terms)),
        *(
            FileColumn(name, "figure", items, max((_places_of(each) for each in items), default=0))
            for name, items in zip(names, figures, strict=True)
        ),
    )


def _places_of(figure: Decimal) -> int:
    return max(0, -int(figure.as_tuple().exponent))

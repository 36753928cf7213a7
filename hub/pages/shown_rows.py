"""Rows of a table as pages show them: figures with their margins, symbols with their meanings, categories in words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from disclosure_control.layout import MISSING
from disclosure_control.margins.precision import Margin, Margins, NoMargin
from disclosure_control.release.gate import ReleasedTable
from disclosure_control.release.showing import ShownTable
from disclosure_control.rows.protected_table import Entry
from disclosure_control.symbols import MEANINGS, Symbol
from hub.pages.attendance import name_authority


@dataclass(frozen=True)
class ShownEntry:
    """One place of the table: its text, whether it is a figure, for a symbol what it means, and a figure's margin."""

    text: str
    figure: bool = False
    meaning: str = ""
    margin: str = ""


def show_rows(shown: ShownTable) -> Iterator[tuple[ShownEntry, ...]]:
    """Yield the rows as the page shows them, with what was made consistent at their ends."""
    added: tuple[Mapping[str, int], ...] = shown.consistent or tuple({} for _ in shown.rows)
    for row, beside, more in zip(shown.rows, shown.margins, added, strict=True):
        yield *show_row(row, shown.table, beside), *(show_figure(figure) for figure in more.values())


def show_row(row: tuple[Entry, ...], table: ReleasedTable, margins: Margins) -> tuple[ShownEntry, ...]:
    """Return a row as the page shows it: its authority first, where it has one."""
    named = 0 if table.is_total else 1
    return *(ShownEntry(name_authority(str(code))) for code in row[:named]), *(
        show_figure(entry, margins.get(column)) if column in table.decimals else ShownEntry(show_category(entry))
        for column, entry in zip(table.columns[named:], row[named:], strict=True)
    )


def show_category(entry: Entry) -> str:
    """Return a category in a word; the missing category has one too."""
    match entry:
        case None:
            return MISSING
        case bool():
            return "yes" if entry else "no"
        case _:
            return str(entry)


def show_figure(entry: Entry, margin: Margin | NoMargin | None = None) -> ShownEntry:
    """Return a figure and its margin with their thousands marked, or a symbol with its meaning."""
    if isinstance(entry, Symbol):
        return ShownEntry(entry.value, True, MEANINGS[entry])
    ends = f"{margin.low:,} to {margin.high:,}" if isinstance(margin, Margin) else ""
    return ShownEntry(f"{entry:,}", True, margin=ends)

"""One place of a table as people read it: a figure with its margin, a symbol with its meaning, a category in words."""

from dataclasses import dataclass

from disclosure_control.layout import MISSING
from disclosure_control.margins.precision import Margin, NoMargin
from disclosure_control.rows.protected_table import Entry
from disclosure_control.symbols import MEANINGS, Symbol

__all__ = ["ShownEntry", "show_category", "show_figure"]


@dataclass(frozen=True)
class ShownEntry:
    """One place of the table: its text, whether it is a figure, for a symbol what it means, and a figure's margin."""

    text: str
    figure: bool = False
    meaning: str = ""
    margin: str = ""


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

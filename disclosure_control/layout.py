"""How a table's entries are written for people: as CSV, and aligned for a terminal.

Symbols are printed bare. A missing category is printed as `missing`, never as a blank.
"""

import csv
import io
import textwrap
from collections.abc import Collection, Iterable, Mapping, Sequence

from disclosure_control.rows.protected_table import Entry, Row

__all__ = ["MISSING", "write_csv", "write_entry", "write_text"]

MISSING = "missing"
"""Stands for the missing category, which is a category of its own."""

WIDTH = 100
"""Characters of a line of notes in a terminal."""


def write_csv(columns: Sequence[str], rows: Iterable[Row]) -> str:
    """The table as RFC 4180 CSV with a header line, except that lines end in one newline character."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([write_entry(entry) for entry in row] for row in rows)
    return text.getvalue()


def write_text(
    columns: Sequence[str],
    figures: Collection[str],
    rows: Sequence[Row],
    notes: Iterable[str],
    asides: Sequence[Mapping[str, str]] = (),
) -> str:
    """The table in aligned columns, those named in `figures` to the right, and the notes beneath it.

    `asides` are row by row what stands to the right of a figure, by its column.
    """
    drawn = [_draw(column, place, column in figures, rows, asides) for place, column in enumerate(columns)]
    table = ["  ".join(line).rstrip() for line in zip(*drawn, strict=True)]
    paragraphs = [textwrap.fill(note, WIDTH, subsequent_indent="   ") for note in notes]
    return "\n".join([*table, "", *paragraphs]) + "\n"


def _draw(
    column: str, place: int, is_figure: bool, rows: Sequence[Row], asides: Sequence[Mapping[str, str]]
) -> list[str]:
    """One column from its heading down, every line of the same width."""
    entries = [column, *(write_entry(row[place]) for row in rows)]
    beside = ["", *(each.get(column, "") for each in asides)] if asides else [""] * len(entries)
    widths = max(map(len, entries)), max(map(len, beside))
    aligned = [entry.rjust(widths[0]) if is_figure else entry.ljust(widths[0]) for entry in entries]
    if not widths[1]:
        return aligned
    return [f"{entry} {aside.ljust(widths[1])}" for entry, aside in zip(aligned, beside, strict=True)]


def write_entry(entry: Entry) -> str:
    """An entry as the word, the number or the symbol that a reader is shown."""
    if entry is None:
        return MISSING
    return str(entry).lower() if isinstance(entry, bool) else str(entry)

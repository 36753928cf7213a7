"""How a table's entries are written for people: as CSV, and aligned for a terminal.

Symbols are printed bare. A missing category is printed as `missing`, never as a blank.
"""

import csv
import io
import textwrap
from collections.abc import Collection, Iterable, Sequence

from disclosure_control.tables import Entry, Row

__all__ = ["MISSING", "write_csv", "write_text"]

MISSING = "missing"
"""Stands for the missing category, which is a category of its own."""

WIDTH = 100
"""Characters of a line of notes in a terminal."""


def write_csv(columns: Sequence[str], rows: Iterable[Row]) -> str:
    """The table as RFC 4180 CSV with a header line, except that lines end in one newline character."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_write_entry(entry) for entry in row] for row in rows)
    return text.getvalue()


def write_text(columns: Sequence[str], figures: Collection[str], rows: Iterable[Row], notes: Iterable[str]) -> str:
    """The table in aligned columns, those named in `figures` to the right, and the notes beneath it."""
    lines = [list(columns), *([_write_entry(entry) for entry in row] for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns))]
    table = [
        "  ".join(_align(*each) for each in zip(line, widths, columns, [figures] * len(line), strict=True))
        for line in lines
    ]
    paragraphs = [textwrap.fill(note, WIDTH, subsequent_indent="   ") for note in notes]
    return "\n".join([*(line.rstrip() for line in table), "", *paragraphs]) + "\n"


def _align(entry: str, width: int, column: str, figures: Collection[str]) -> str:
    return entry.rjust(width) if column in figures else entry.ljust(width)


def _write_entry(entry: Entry) -> str:
    if entry is None:
        return MISSING
    return str(entry).lower() if isinstance(entry, bool) else str(entry)

"""Showing other people's text on a terminal or in a spreadsheet: whatever they wrote, it steers neither, nor passes for
ours.
"""

import textwrap
import unicodedata
from collections.abc import Iterator

WIDTH = 100
"""Characters to a line, the mark before quoted text included."""

_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
"""Unicode categories of characters that show nothing, or change how others show."""

_BLANK_LETTERS = frozenset("\u115f\u1160\u3164\uffa0\u2800")
"""Characters that count as letters or symbols and show nothing."""


_BEGINS_SUM = frozenset("=+-@\t\r")


def plain_text(text: str, limit: int = 2000) -> str:
    """Return text with every unseen character but the line break shown as `?`, cut to `limit` characters."""
    shown = "".join("?" if _is_unseen(character) else character for character in text[:limit])
    return shown + (" ..." if len(text) > limit else "")


def plain_cell(cell: object) -> str:
    """Return a cell of a table as it is shown: on its one line, whatever is in it."""
    return plain_text(str(cell)).replace("\n", "?")


def inert_cell(cell: object) -> object:
    """Return a cell of a CSV file that a spreadsheet shows and never runs: not where it begins like a sum."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in _BEGINS_SUM and len(cell) > 1 else cell


def _is_unseen(character: str) -> bool:
    if character == "\n":
        return False
    return unicodedata.category(character) in _UNSEEN or character in _BLANK_LETTERS


def quote_text(text: str) -> Iterator[str]:
    """Yield text as quoted lines, each behind a bar, so that no part of it can pass for a line of our own.

    Runs of spaces and of blank lines are drawn together: they could push what follows out of sight.
    """
    blank = False
    for line in plain_text(text, limit=20_000).splitlines():
        words = " ".join(line.split())
        if not words and blank:
            continue
        blank = not words
        indent = len(line) - len(line.lstrip(" "))
        for wrapped in textwrap.wrap(words, WIDTH - 2 - min(indent, 8)) or [""]:
            yield f"| {' ' * min(indent, 8)}{wrapped}".rstrip()

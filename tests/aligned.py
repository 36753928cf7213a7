"""Looking through a page for columns of numbers that do not stand to the right, in their heads or in their cells."""

import re
from collections.abc import Iterator, Sequence
from html import unescape

from federation.number_columns import find_number_columns

ASIDE = re.compile(r'<(span)[^>]*class="[^"]*(?:visually-hidden|margin|note)[^"]*".*?</\1>', re.DOTALL)
"""What stands in a cell beside its number: words for listeners, a margin of error, a remark."""

CELL = re.compile(r"<(t[hd])\b([^>]*)>(.*?)</\1>", re.DOTALL)
Cell = tuple[str, str]
"""The attributes of a cell, and its text."""


def find_unaligned(page: str) -> Iterator[str]:
    """Yield what is wrong with the tables of a page."""
    for table in re.findall(r"<table\b.*?</table>", page, re.DOTALL):
        head, _, body = table.partition("</thead>")
        heads, rows = _read_cells(head), [_read_cells(row) for row in re.findall(r"<tr\b.*?</tr>", body, re.DOTALL)]
        yield from _hold(heads, [row for row in rows if len(row) == len(heads)])


def _read_cells(row: str) -> list[Cell]:
    return [(attributes, _read_text(inside)) for _, attributes, inside in CELL.findall(row)]


def _read_text(inside: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", "", ASIDE.sub("", inside))).split())


def _hold(heads: Sequence[Cell], rows: Sequence[Sequence[Cell]]) -> Iterator[str]:
    headings = [text for _, text in heads]
    numbers = find_number_columns(headings, [[text for _, text in row] for row in rows])
    for place, (attributes, heading) in enumerate(heads):
        told = {"numeric" in row[place][0] for row in rows}
        is_numeric = "header--numeric" in attributes
        if heading in numbers and not is_numeric:
            yield f"the head of “{heading}” is not to the right"
        if told - {is_numeric}:
            yield f"the cells of “{heading}” do not stand as their head does"

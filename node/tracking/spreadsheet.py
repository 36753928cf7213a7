"""Spreadsheets read as programs save them (Office Open XML, ECMA-376); `federation.spreadsheet` writes them.

A file is read with bounds on what it unpacks to, on the elements in it and on how wide a row is; a part that is read
twice counts twice. One that declares a document type is refused: ours need none, and bombs do.
"""

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from typing import Any
from xml.etree import ElementTree

MOST_BYTES = 64 * 1024 * 1024
"""The most that one file unpacks to."""

MOST_ELEMENTS = 2_000_000
"""The most elements that all its parts have together: a cell is two or three."""

MOST_COLUMNS = 100
"""The widest row that is read. The dataset's have ten at most; a cell far out stands for all the empty ones before."""

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_COLUMN = re.compile(r"([A-Z]{1,3})[0-9]{1,7}", re.ASCII)


class SpreadsheetUnreadable(Exception):
    """A file is no spreadsheet that is read here; the message says why and quotes nothing of it."""


def read_spreadsheet(data: bytes) -> dict[str, list[list[str]]]:
    """Return the sheets of a spreadsheet by name, each cell as a text. Raises `SpreadsheetUnreadable`.

    A day that a program keeps as a number is given as that number: whoever knows the column knows what it counts.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return dict(_read_sheets(_Parts(archive)))
    except (zipfile.BadZipFile, KeyError, ElementTree.ParseError, ValueError, RuntimeError, NotImplementedError):
        raise SpreadsheetUnreadable("this is no spreadsheet that can be read: save it as .xlsx, or as CSV") from None


class _Parts:
    """The parts of one file, and what may still be unpacked and read of it: a part read twice counts twice."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.names = frozenset(archive.namelist())
        self._archive, self._bytes, self.elements = archive, MOST_BYTES, MOST_ELEMENTS

    def parse(self, name: str) -> ElementTree.Element:
        """Read one part. Raises `SpreadsheetUnreadable` where there is more than is left."""
        with self._archive.open(name) as stream:
            data = stream.read(self._bytes + 1)
        self._bytes -= len(data)
        if self._bytes < 0:
            raise SpreadsheetUnreadable(f"this unpacks to more than {MOST_BYTES >> 20} MiB: split it")
        # In UTF-8 as the standard has it; another encoding could hide the declaration.
        if b"<!DOCTYPE" in data or b"\0" in data:
            raise SpreadsheetUnreadable("this is no plain spreadsheet: save it anew as .xlsx, or as CSV")
        parser = ElementTree.XMLParser(target=_Counting(self))  # noqa: S314 - bounded, and without a document type
        parser.feed(data)
        root: ElementTree.Element = parser.close()
        return root


class _Counting(ElementTree.TreeBuilder):
    """Makes a tree of a part, as long as there are elements left."""

    def __init__(self, parts: _Parts) -> None:
        super().__init__()
        self._parts = parts

    def start(self, tag: Any, attrs: Any, /) -> Any:
        self._parts.elements -= 1
        if self._parts.elements < 0:
            raise SpreadsheetUnreadable("there is far more in this than a dataset has: split it")
        return super().start(tag, attrs)


def _read_sheets(parts: _Parts) -> Iterator[tuple[str, list[list[str]]]]:
    links = {each.get("Id"): each.get("Target", "") for each in parts.parse("xl/_rels/workbook.xml.rels")}
    shared = _read_shared(parts)
    for sheet in parts.parse("xl/workbook.xml").iter(f"{_MAIN}sheet"):
        target = links[sheet.get(_RELATION)]
        path = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
        rows = parts.parse(path).iter(f"{_MAIN}row")
        yield sheet.get("name", ""), [_read_row(row, shared) for row in rows]


def _read_shared(parts: _Parts) -> list[str]:
    if "xl/sharedStrings.xml" not in parts.names:
        return []
    return [_text_in(each) for each in parts.parse("xl/sharedStrings.xml").iter(f"{_MAIN}si")]


def _text_in(element: ElementTree.Element) -> str:
    return "".join(each.text or "" for each in element.iter(f"{_MAIN}t"))


def _read_row(row: ElementTree.Element, shared: Sequence[str]) -> list[str]:
    cells: list[str] = []
    for cell in row.iter(f"{_MAIN}c"):
        at = _place_of(cell.get("r", ""), len(cells))
        if at >= MOST_COLUMNS:
            raise SpreadsheetUnreadable(f"a row is wider than {MOST_COLUMNS} columns: the dataset has fewer")
        cells += [""] * (at - len(cells))
        cells.append(_read_cell(cell, shared))
    return cells


def _place_of(reference: str, otherwise: int) -> int:
    found = _COLUMN.fullmatch(reference)
    if found is None:
        return otherwise
    place = 0
    for letter in found[1]:
        place = place * 26 + ord(letter) - 64
    return max(place - 1, otherwise)


def _read_cell(cell: ElementTree.Element, shared: Sequence[str]) -> str:
    value = cell.findtext(f"{_MAIN}v") or ""
    match cell.get("t"):
        case "s":
            return shared[int(value)]
        case "inlineStr":
            return _text_in(cell)
        case "b":
            return "yes" if value == "1" else "no"
        case _:
            # A whole number may have been kept as 5.0; everything else stays as it is.
            return value[:-2] if value.endswith(".0") else value

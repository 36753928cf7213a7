"""Spreadsheets read as programs save them (Office Open XML, ECMA-376); `federation.spreadsheet` writes them.

A file is read with bounds on what it unpacks to, and one that declares a document type is refused: ours need none, and
bombs do.
"""

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from xml.etree import ElementTree

MOST_BYTES = 64 * 1024 * 1024
"""The most that one file unpacks to."""

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
            _check_size(archive)
            return dict(_read_sheets(archive))
    except (zipfile.BadZipFile, KeyError, ElementTree.ParseError, ValueError, RuntimeError, NotImplementedError):
        raise SpreadsheetUnreadable("this is no spreadsheet that can be read: save it as .xlsx, or as CSV") from None


def _check_size(archive: zipfile.ZipFile) -> None:
    if sum(each.file_size for each in archive.infolist()) > MOST_BYTES:
        raise SpreadsheetUnreadable(f"this unpacks to more than {MOST_BYTES >> 20} MiB: split it")


def _parse(archive: zipfile.ZipFile, name: str) -> ElementTree.Element:
    with archive.open(name) as stream:
        data = stream.read(MOST_BYTES + 1)
    # In UTF-8 as the standard has it; another encoding could hide the declaration.
    if len(data) > MOST_BYTES or b"<!DOCTYPE" in data or b"\0" in data:
        raise SpreadsheetUnreadable("this is no plain spreadsheet: save it anew as .xlsx, or as CSV")
    return ElementTree.fromstring(data)  # noqa: S314 - bounded, and without a document type


def _read_sheets(archive: zipfile.ZipFile) -> Iterator[tuple[str, list[list[str]]]]:
    links = {each.get("Id"): each.get("Target", "") for each in _parse(archive, "xl/_rels/workbook.xml.rels")}
    shared = _read_shared(archive)
    for sheet in _parse(archive, "xl/workbook.xml").iter(f"{_MAIN}sheet"):
        target = links[sheet.get(_RELATION)]
        path = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
        rows = _parse(archive, path).iter(f"{_MAIN}row")
        yield sheet.get("name", ""), [_read_row(row, shared) for row in rows]


def _read_shared(archive: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in archive.namelist():
        return []
    return [_text_in(each) for each in _parse(archive, "xl/sharedStrings.xml").iter(f"{_MAIN}si")]


def _text_in(element: ElementTree.Element) -> str:
    return "".join(each.text or "" for each in element.iter(f"{_MAIN}t"))


def _read_row(row: ElementTree.Element, shared: Sequence[str]) -> list[str]:
    cells: list[str] = []
    for cell in row.iter(f"{_MAIN}c"):
        at = _place_of(cell.get("r", ""), len(cells))
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

"""Spreadsheet files (Office Open XML, ECMA-376): sheets of texts, written, and read as spreadsheet programs save them.

Every cell is written as a text, so that no program takes a term for a sum or drops a zero. A file is read with bounds
on what it unpacks to, and one that declares a document type is refused: ours need none, and bombs do.
"""

import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

Sheet = Sequence[Sequence[str]]

MOST_BYTES = 64 * 1024 * 1024
"""The most that one file unpacks to."""

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_COLUMN = re.compile(r"([A-Z]{1,3})[0-9]{1,7}", re.ASCII)
_TEXT_STYLE = (
    f'{_HEAD}<styleSheet xmlns="{_MAIN[1:-1]}"><fonts count="1"><font><sz val="11"/><name val="Arial"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '</fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="2">'
    '<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs></styleSheet>'
)
"""Style 1 is number format 49, text: what is typed into such a cell later is kept as it was typed."""


class SpreadsheetUnreadable(Exception):
    """A file is no spreadsheet that is read here; the message says why and quotes nothing of it."""


def write_spreadsheet(sheets: Mapping[str, Sheet]) -> bytes:
    """Return a spreadsheet of these sheets, every cell a text."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in _write_frame(tuple(sheets)).items():
            archive.writestr(name, text)
        for number, rows in enumerate(sheets.values(), start=1):
            archive.writestr(f"xl/worksheets/sheet{number}.xml", _write_sheet(rows))
    return out.getvalue()


def _write_frame(names: Sequence[str]) -> dict[str, str]:
    numbered = list(enumerate(names, start=1))
    parts = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_TYPES}.worksheet+xml"/>' for n, _ in numbered
    )
    listed = "".join(f'<sheet name={quoteattr(name)} sheetId="{n}" r:id="rId{n}"/>' for n, name in numbered)
    links = "".join(
        f'<Relationship Id="rId{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n, _ in numbered
    )
    style = f'<Relationship Id="rId{len(names) + 1}" Type="{_OFFICE}/styles" Target="styles.xml"/>'
    return {
        "[Content_Types].xml": f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPES}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_TYPES}.styles+xml"/>{parts}</Types>',
        "_rels/.rels": f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'{_HEAD}<workbook xmlns="{_MAIN[1:-1]}" xmlns:r="{_OFFICE}">'
        f"<sheets>{listed}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{links}{style}'
        "</Relationships>",
        "xl/styles.xml": _TEXT_STYLE,
    }


def _write_sheet(rows: Sheet) -> str:
    lines = "".join(
        f'<row r="{number}">{"".join(_write_cell(_name_column(at), number, text) for at, text in enumerate(row))}</row>'
        for number, row in enumerate(rows, start=1)
    )
    return f'{_HEAD}<worksheet xmlns="{_MAIN[1:-1]}"><sheetData>{lines}</sheetData></worksheet>'


def _write_cell(column: str, number: int, text: str) -> str:
    if not text:
        return f'<c r="{column}{number}" s="1"/>'
    return f'<c r="{column}{number}" s="1" t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>'


def _name_column(at: int) -> str:
    name = ""
    at += 1
    while at:
        at, letter = divmod(at - 1, 26)
        name = chr(65 + letter) + name
    return name


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

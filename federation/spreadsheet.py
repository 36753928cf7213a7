"""Spreadsheet files (Office Open XML, ECMA-376) written: sheets of texts and of figures, and nothing worked out.

A text is written as a text, so that no program takes a term for a sum, drops a zero or follows a formula that somebody
put into it. A figure is a number with exactly its own decimal places.
"""

import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from xml.sax.saxutils import escape, quoteattr

__all__ = ["MOST_PLACES", "Cell", "Sheet", "write_spreadsheet"]

Cell = str | int | Decimal
Sheet = Sequence[Sequence[Cell]]

MOST_PLACES = 9
"""Decimal places that a number format has here; further ones are in the file, and a program shows them when asked."""

WIDEST = 60
"""Characters that the widest column has room for."""

OLDEST = (1980, 1, 1, 0, 0, 0)
"""The time of every part: the same sheets give the same bytes."""

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_TEXT, _FIGURE = 1, 2
"""Style 1 is number format 49, text: what is typed into such a cell later is kept as it was typed. From style 2 on are
figures with no decimal place, one, two and so on."""
_FIRST_FORMAT = 164
"""The number of the first format that is a file's own."""


def write_spreadsheet(sheets: Mapping[str, Sheet]) -> bytes:
    """Return a spreadsheet of these sheets."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in _write_parts(sheets):
            archive.writestr(zipfile.ZipInfo(name, OLDEST), text, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _write_parts(sheets: Mapping[str, Sheet]) -> Iterator[tuple[str, str]]:
    yield from _write_frame(tuple(sheets)).items()
    yield "xl/styles.xml", _write_styles()
    for number, rows in enumerate(sheets.values(), start=1):
        yield f"xl/worksheets/sheet{number}.xml", _write_sheet(rows)


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
        "xl/workbook.xml": f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{links}{style}'
        "</Relationships>",
    }


def _write_styles() -> str:
    places = range(MOST_PLACES + 1)
    formats = "".join(
        f'<numFmt numFmtId="{_FIRST_FORMAT + each}" formatCode="0{"." if each else ""}{"0" * each}"/>'
        for each in places
    )
    numbers = [0, 49, *(_FIRST_FORMAT + each for each in places)]
    cells = "".join(
        f'<xf numFmtId="{number}" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
        for number in numbers
    )
    return (
        f'{_HEAD}<styleSheet xmlns="{_MAIN}"><numFmts count="{len(places)}">{formats}</numFmts>'
        '<fonts count="1"><font><sz val="11"/><name val="Arial"/></font></fonts>'
        '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/>'
        '</fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
        '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
        f'<cellXfs count="{len(numbers)}">{cells}</cellXfs></styleSheet>'
    )


def _write_sheet(rows: Sheet) -> str:
    lines = "".join(
        f'<row r="{number}">{"".join(_write_cell(_name_column(at), number, cell) for at, cell in enumerate(row))}</row>'
        for number, row in enumerate(rows, start=1)
    )
    return f'{_HEAD}<worksheet xmlns="{_MAIN}">{_write_widths(rows)}<sheetData>{lines}</sheetData></worksheet>'


def _write_widths(rows: Sheet) -> str:
    """Each column as wide as what stands in it, within bounds."""
    widths = [0] * max((len(row) for row in rows), default=0)
    for row in rows:
        for at, cell in enumerate(row):
            widths[at] = max(widths[at], len(str(cell)))
    columns = "".join(
        f'<col min="{at}" max="{at}" width="{min(width, WIDEST) + 2}" customWidth="1"/>'
        for at, width in enumerate(widths, start=1)
    )
    return f"<cols>{columns}</cols>" if columns else ""


def _write_cell(column: str, number: int, cell: Cell) -> str:
    place = f'r="{column}{number}"'
    if isinstance(cell, str):
        if not cell:
            return f'<c {place} s="{_TEXT}"/>'
        return f'<c {place} s="{_TEXT}" t="inlineStr"><is><t xml:space="preserve">{escape(cell)}</t></is></c>'
    decimals = -int(cell.as_tuple().exponent) if isinstance(cell, Decimal) else 0
    return f'<c {place} s="{_FIGURE + min(max(decimals, 0), MOST_PLACES)}"><v>{Decimal(cell):f}</v></c>'


def _name_column(at: int) -> str:
    name = ""
    at += 1
    while at:
        at, letter = divmod(at - 1, 26)
        name = chr(65 + letter) + name
    return name

"""Releases as spreadsheets: a sheet of figures, one of how to read them, and one of where they come from.

Figures are numbers; a symbol is a text in square brackets, as in the government's spreadsheets, so that no program adds
it up. Nothing in the file is a formula, whatever the asker wrote into a purpose.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from disclosure_control.models.release import ReleasedModel
from disclosure_control.release.showing import ShownTable
from disclosure_control.symbols import MEANINGS
from federation.exchange import ReleaseDocument
from federation.release_files.columns import FileColumn
from federation.release_files.provenance import tell_provenance
from federation.spreadsheet import Cell, Sheet, write_spreadsheet

__all__ = ["write_workbook"]

DATA, NOTES, PROVENANCE = "Data", "Symbols and notes", "Provenance"


def write_workbook(
    columns: Sequence[FileColumn], document: ReleaseDocument, shown: ShownTable | ReleasedModel
) -> bytes:
    """The spreadsheet of a release."""
    notes = list(shown.notes) if isinstance(shown, ReleasedModel) else [*shown.notes, shown.table.method]
    sheets: dict[str, Sheet] = {
        DATA: list(_write_rows(columns)),
        NOTES: [
            ("Symbol", "Meaning"),
            *((f"[{symbol.value}]", meaning) for symbol, meaning in MEANINGS.items()),
            ("", ""),
            ("Note", ""),
            *((note,) for note in notes),
        ],
        PROVENANCE: [("Of", "Is"), *tell_provenance(document)],
    }
    return write_spreadsheet(sheets)


def _write_rows(columns: Sequence[FileColumn]) -> Iterator[tuple[Cell, ...]]:
    """Yield the header and the rows; the symbols stand in the places of the figures that are not there."""
    printed = [(each, _symbols_beside(place, columns)) for place, each in enumerate(columns) if each.kind != "symbol"]
    yield tuple(column.name for column, _ in printed)
    for row in range(len(columns[0].items)):
        yield tuple(_write(column.items[row], symbols[row] if symbols else None) for column, symbols in printed)


def _symbols_beside(place: int, columns: Sequence[FileColumn]) -> Sequence[object]:
    """The symbols of a column of figures; of another, nothing."""
    after = columns[place + 1] if place + 1 < len(columns) else None
    return after.items if after is not None and after.kind == "symbol" else ()


def _write(item: str | int | Decimal | None, symbol: object) -> Cell:
    if item is not None:
        return item
    return f"[{symbol}]" if symbol else "[z]"

"""Tables in CSV files: the columns of categories and of figures that a command names, row by row as they stand."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from disclosure_control.suppression.hierarchy import TOTAL, Hierarchy, flat_hierarchy
from disclosure_control.suppression.lattice import Layout, TableUnusable
from disclosure_control.suppression.rules import UNBOUNDED
from disclosure_control.suppression.view import UNKNOWN, WITHHELD, Printed
from disclosure_control.symbols import Symbol

__all__ = ["TableFile", "read_table", "write_rows"]

NUMBER = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,6})?")
NO_NUMBER = "not a number, which has up to 12 digits, a point and up to 6 after it, and no comma"

_UNKNOWN = {Symbol.UNAVAILABLE, Symbol.NOT_APPLICABLE, Symbol.UNRELIABLE, Symbol.LOW}


@dataclass(frozen=True)
class TableFile:
    """A table as it stands in a file; `lines` are those in which its rows end."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]

    def categories(self, by: Sequence[str]) -> tuple[tuple[str, ...], ...]:
        """The categories of each row."""
        places = [self._place(column) for column in by]
        return tuple(tuple(row[place] for place in places) for row in self.rows)

    def layout(self, by: Sequence[str], trees: dict[str, Hierarchy]) -> Layout:
        """How the table is laid out by these columns. Raises `TableUnusable`."""
        if unknown := trees.keys() - set(by):
            raise TableUnusable(f"a tree is given for {', '.join(sorted(unknown))}, which the table is not by")
        rows = self.categories(by)
        columns = zip(*rows, strict=True)
        hierarchies = tuple(trees.get(name) or _flat(name, codes) for name, codes in zip(by, columns, strict=True))
        return Layout(tuple(by), hierarchies, rows)

    def check_named_once(self, names: Sequence[str]) -> None:
        """Check that no column is to serve twice: as a category it would print what is withheld as a figure.

        Raises `TableUnusable`.
        """
        if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
            raise TableUnusable(f"column {twice[0]} is named twice; each column is for one thing")

    def numbers(self, column: str) -> tuple[Decimal, ...]:
        """A column of figures, none of which is a symbol. Raises `TableUnusable`."""
        entries = self._entries(column)
        for where, entry in entries:
            if not NUMBER.fullmatch(entry):
                raise TableUnusable(f"{where}: {NO_NUMBER}; a table to protect has every figure, and none withheld")
        return tuple(Decimal(entry) for _, entry in entries)

    def counts(self, column: str) -> tuple[int, ...]:
        """A column of whole numbers. Raises `TableUnusable`."""
        return self.units(column, 0)

    def units(self, column: str, places: int) -> tuple[int, ...]:
        """A column of figures in units of the last of so many decimal places. Raises `TableUnusable`."""
        numbers = zip(self._entries(column), self.numbers(column), strict=True)
        return tuple(_count_units(where, number, places) for (where, _), number in numbers)

    def places(self, *columns: str) -> int:
        """With how many decimal places figures are written."""
        entries = [row[self._place(column)] for column in columns for row in self.rows]
        return max((len(each.partition(".")[2]) for each in entries if NUMBER.fullmatch(each)), default=0)

    def printed(self, column: str, places: int = 0) -> tuple[Printed, ...]:
        """A column as it is published: figures, in units of the last decimal place, and symbols."""
        return tuple(_read_entry(where, entry, places) for where, entry in self._entries(column))

    def _entries(self, column: str) -> list[tuple[str, str]]:
        """What stands in a column, each with where."""
        place = self._place(column)
        return [(f"line {line}, column {column}", row[place]) for line, row in zip(self.lines, self.rows, strict=True)]

    def _place(self, column: str) -> int:
        if column not in self.columns:
            raise TableUnusable(f"there is no column {column}; the columns are {', '.join(self.columns)}")
        if self.columns.count(column) > 1:
            raise TableUnusable(f"there are several columns {column}; give each a name of its own")
        return self.columns.index(column)


def read_table(text: str) -> TableFile:
    """The table in the text of a CSV file. Raises `TableUnusable`."""
    reader = csv.reader(io.StringIO(text), strict=True)
    try:
        (_, header), *numbered = [(reader.line_num, row) for row in reader if row]
    except (csv.Error, ValueError):
        raise TableUnusable("not a CSV file with a header") from None
    if len(header) == 1 and any(each in header[0] for each in ";\t"):
        raise TableUnusable("entries must be separated by commas, and the header has none")
    if not numbered:
        raise TableUnusable("there are no rows")
    for line, row in numbered:
        if len(row) != len(header):
            raise TableUnusable(f"line {line}: has {len(row)} entries, and the header {len(header)}")
    rows = tuple(tuple(each.strip() for each in row) for _, row in numbered)
    return TableFile(tuple(each.strip() for each in header), rows, tuple(line for line, _ in numbered))


def write_rows(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A CSV text."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def _flat(column: str, codes: Sequence[str]) -> Hierarchy:
    """The hierarchy of a column without a tree. Raises `TableUnusable` where a total is written otherwise than ours."""
    for code in codes:
        if code != TOTAL and code.casefold() == TOTAL.casefold():
            raise TableUnusable(f"column {column}: {code} is no total; write {TOTAL}, or say by a tree how it adds up")
    return flat_hierarchy(codes)


def _count_units(where: str, number: Decimal, places: int) -> int:
    """A number in units of the last of so many decimal places. Raises `TableUnusable`."""
    units = number.scaleb(places)
    if units != int(units):
        raise TableUnusable(f"{where}: not a whole number")
    if abs(units) >= UNBOUNDED:
        raise TableUnusable(f"{where}: there is room for 12 digits, those after the point among them; round the column")
    return int(units)


def _read_entry(where: str, entry: str, places: int) -> Printed:
    if NUMBER.fullmatch(entry):
        return _count_units(where, Decimal(entry), places)
    bare = entry.removeprefix("[").removesuffix("]")
    if bare == Symbol.CONFIDENTIAL:
        return WITHHELD
    if bare in _UNKNOWN:
        return UNKNOWN
    raise TableUnusable(f"{where}: neither a number nor a symbol ({', '.join(Symbol)})")

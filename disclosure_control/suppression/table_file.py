"""Tables in CSV files: the columns of categories and of figures that a command names, row by row as they stand."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from disclosure_control.suppression.hierarchy import TOTAL, Hierarchy, flat_hierarchy
from disclosure_control.suppression.lattice import Layout, TableUnusable
from disclosure_control.suppression.view import UNKNOWN, WITHHELD, Printed
from disclosure_control.symbols import Symbol

__all__ = ["TableFile", "read_table", "write_rows"]

NUMBER = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,6})?")
MOST_PLACES = 6

_UNKNOWN = {Symbol.UNAVAILABLE, Symbol.NOT_APPLICABLE, Symbol.UNRELIABLE, Symbol.LOW}


@dataclass(frozen=True)
class TableFile:
    """A table as it stands in a file."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

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
        place = self._place(column)
        for line, row in enumerate(self.rows, start=2):
            if not NUMBER.fullmatch(row[place]):
                raise TableUnusable(f"line {line}, column {column}: not a number; a table to protect has every figure")
        return tuple(Decimal(row[place]) for row in self.rows)

    def counts(self, column: str) -> tuple[int, ...]:
        """A column of whole numbers. Raises `TableUnusable`."""
        found = self.numbers(column)
        for line, number in enumerate(found, start=2):
            if number != int(number):
                raise TableUnusable(f"line {line}, column {column}: not a whole number")
        return tuple(map(int, found))

    def places(self, *columns: str) -> int:
        """With how many decimal places figures are written."""
        entries = [row[self._place(column)] for column in columns for row in self.rows]
        return max((len(each.partition(".")[2]) for each in entries if NUMBER.fullmatch(each)), default=0)

    def printed(self, column: str, places: int = 0) -> tuple[Printed, ...]:
        """A column as it is published: figures, in units of the last decimal place, and symbols."""
        place = self._place(column)
        return tuple(
            _read_entry(f"line {line}, column {column}", row[place], places)
            for line, row in enumerate(self.rows, start=2)
        )

    def _place(self, column: str) -> int:
        if self.columns.count(column) != 1:
            raise TableUnusable(f"there must be one column {column}; the columns are {', '.join(self.columns)}")
        return self.columns.index(column)


def read_table(text: str) -> TableFile:
    """The table in the text of a CSV file. Raises `TableUnusable`."""
    try:
        header, *rows = [row for row in csv.reader(io.StringIO(text), strict=True) if row]
    except (csv.Error, ValueError):
        raise TableUnusable("not a CSV file with a header") from None
    if len(header) == 1 and any(each in header[0] for each in ";\t"):
        raise TableUnusable("entries must be separated by commas, and the header has none")
    if not rows:
        raise TableUnusable("there are no rows")
    for line, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise TableUnusable(f"line {line}: has {len(row)} entries, and the header {len(header)}")
    return TableFile(tuple(each.strip() for each in header), tuple(tuple(each.strip() for each in row) for row in rows))


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


def _read_entry(where: str, entry: str, places: int) -> Printed:
    if NUMBER.fullmatch(entry):
        scaled = Decimal(entry).scaleb(places)
        if scaled != int(scaled):
            raise TableUnusable(f"{where}: not a whole number")
        return int(scaled)
    bare = entry.removeprefix("[").removesuffix("]")
    if bare == Symbol.CONFIDENTIAL:
        return WITHHELD
    if bare in _UNKNOWN:
        return UNKNOWN
    raise TableUnusable(f"{where}: neither a number nor a symbol ({', '.join(Symbol)})")

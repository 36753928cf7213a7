"""CSV files as local authority systems export them: one header line, LF between lines, UTF-8 unless said otherwise."""

import csv
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent
_MOST_KEPT = 20_000  # rows, across all files of a `Batches`


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]], *, encoding: str = "utf-8") -> None:
    """Write one table; every value is text already."""
    with path.open("w", encoding=encoding, newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def append_rows(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Add rows to a table, beginning it (and its folder) with the header line where there is none yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    begun = path.exists()
    with path.open("a", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        if not begun:
            writer.writerow(columns)
        writer.writerows(rows)


class Batches:
    """Rows for the files of several authorities, kept until `flush` adds them to those files.

    What a host's schools know of a child belongs into the files of the child's own authority: so one authority's
    schools write into many folders, a few rows at a time.
    """

    def __init__(self, directory: Path, folder: str, columns: Mapping[str, Sequence[str]]) -> None:
        self._directory, self._folder, self._columns = directory, folder, columns
        self._rows: dict[tuple[str, str], list[Sequence[str]]] = defaultdict(list)
        self._kept = 0

    def add(self, authority: str, table: str, row: Sequence[str]) -> None:
        """Keep one row for a table of an authority."""
        self._rows[authority, table].append(row)
        self._kept += 1
        if self._kept >= _MOST_KEPT:
            self.flush()

    def begin(self, authority: str) -> None:
        """Have every table of an authority written, even those that get no row."""
        for table in self._columns:
            self._rows[authority, table].extend(())

    def flush(self) -> None:
        """Add what is kept to the files, and keep nothing."""
        for (authority, table), rows in sorted(self._rows.items()):
            path = self._directory / authority / self._folder / f"{table}.csv"
            append_rows(path, self._columns[table], rows)
        self._rows.clear()
        self._kept = 0


@cache
def published_columns(file: str) -> Mapping[str, tuple[str, ...]]:
    """The columns of every table that a TOML file of this folder lists."""
    listed = tomllib.loads((_FOLDER / f"{file}.toml").read_text(encoding="utf-8"))
    return {table: tuple(columns) for table, columns in listed.items()}

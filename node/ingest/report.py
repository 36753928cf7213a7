"""The load report: what became of every row, by file and rule. It locates rows by number and never shows a value."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from node.ingest.rules import load_rules, rejecting_rules
from node.ingest.sources import InputFile
from node.ingest.tables import TableSummary

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MOST_LOCATORS = 20
_MOST_SHOWN = 5


class NothingUsable(Exception):
    """Not one row of a load could be used. No snapshot was made; `report` says why."""

    def __init__(self, report: LoadReport) -> None:
        super().__init__("no row of these files could be loaded; the report says why for each file")
        self.report = report


class RowsLost(Exception):
    """The rows of a file do not add up: a fault of this program, never of the file. Nothing is loaded."""


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of one file: every row that came in was loaded or reported.

    `rules` counts rows by the rule they break, those that load with a remark among them. `locators` has the first
    row numbers of each rule, as a spreadsheet shows them: the header is row 1.
    """

    path: str
    member: str | None
    table: str | None
    period: str | None
    rows_in: int
    rows_loaded: int
    rows_reported: int
    rules: Mapping[str, int]
    locators: Mapping[str, tuple[int, ...]]

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values for JSON."""
        return {
            "path": self.path,
            "member": self.member,
            "table": self.table,
            "period": self.period,
            "rows_in": self.rows_in,
            "rows_loaded": self.rows_loaded,
            "rows_reported": self.rows_reported,
            "rules": dict(self.rules),
            "locators": {rule: list(rows) for rule, rows in self.locators.items()},
        }


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What became of a load: its files, and the governed tables that were made. `snapshot` is None if none was."""

    snapshot: str | None
    files: tuple[FileReport, ...]
    tables: Mapping[str, TableSummary]

    @property
    def rows_loaded(self) -> int:
        """The rows loaded from all files."""
        return sum(each.rows_loaded for each in self.files)

    def with_snapshot(self, identifier: str, tables: Mapping[str, TableSummary]) -> LoadReport:
        """The same report once the snapshot it led to has its name."""
        return replace(self, snapshot=identifier, tables=tables)

    def to_json(self) -> str:
        """The report as JSON text."""
        return json.dumps(
            {
                "snapshot": self.snapshot,
                "files": [each.to_dict() for each in self.files],
                "tables": {
                    name: {
                        "rows": table.rows,
                        "null_columns": list(table.null_columns),
                        "outside_bounds": dict(table.outside),
                    }
                    for name, table in self.tables.items()
                },
            },
            indent=2,
        )

    def to_text(self) -> str:
        """The report for reading: files, what is wrong with them in plain words, and what was made of them."""
        return "\n".join([*_text_of_files(self.files), "", *_text_of_tables(self.tables), self._last_line()]) + "\n"

    def _last_line(self) -> str:
        return f"Snapshot {self.snapshot}" if self.snapshot else "Nothing was usable; no snapshot was made."


def report_files(connection: DuckDBPyConnection, files: Sequence[InputFile]) -> tuple[FileReport, ...]:
    """Report on every file after judgement.

    Rows in, rows loaded and rows reported are three separate counts. Raises `RowsLost` if they do not add up.
    """
    found = connection.execute(
        f"FROM findings SELECT file, rule, count(*), min(record, {MOST_LOCATORS}) GROUP BY file, rule"
    ).fetchall()
    rejected = connection.execute(
        "FROM findings SELECT file, count(DISTINCT record) WHERE list_contains($rules, rule) GROUP BY file",
        {"rules": list(rejecting_rules())},
    ).fetchall()
    counts = {(number, rule): (rows, tuple(first)) for number, rule, rows, first in found}
    reported = dict(rejected)
    loaded = _count_loaded(connection, files)
    return tuple(_report_file(each, counts, loaded.get(each.number, 0), reported.get(each.number, 0)) for each in files)


def _count_loaded(connection: DuckDBPyConnection, files: Iterable[InputFile]) -> dict[int, int]:
    readings = sorted({each.table.reading for each in files if each.table is not None})
    counted = [connection.execute(f"FROM {name} SELECT file, count(*) GROUP BY file").fetchall() for name in readings]
    return {number: rows for group in counted for number, rows in group}


def _report_file(
    each: InputFile, counts: Mapping[tuple[int, str], tuple[int, tuple[int, ...]]], loaded: int, reported: int
) -> FileReport:
    if each.fault is not None:
        first = tuple(range(2, min(each.rows, MOST_LOCATORS) + 2))
        counts, reported = {(each.number, each.fault): (each.rows, first)}, each.rows
    if each.rows != loaded + reported:
        raise RowsLost(f"{each.source.path}: {each.rows} rows came in, {loaded} were loaded, {reported} reported")
    broken = {rule: counts[each.number, rule] for rule in load_rules() if (each.number, rule) in counts}
    return FileReport(
        path=str(each.source.path),
        member=each.source.member,
        table=each.table.name if each.table is not None else None,
        period=", ".join(map(str, each.periods)) or None,
        rows_in=each.rows,
        rows_loaded=loaded,
        rows_reported=reported,
        rules={rule: rows for rule, (rows, _) in broken.items()},
        locators={rule: first for rule, (_, first) in broken.items()},
    )


def _text_of_files(files: Sequence[FileReport]) -> Iterator[str]:
    rules = load_rules()
    yield f"{'rows in':>9} {'loaded':>9} {'reported':>9}  file"
    for each in files:
        described = f"{each.table or 'not recognised'}{f', {each.period}' if each.period else ''}"
        within = f" > {each.member}" if each.member else ""
        yield f"{each.rows_in:>9,} {each.rows_loaded:>9,} {each.rows_reported:>9,}  {each.path}{within} ({described})"
        for name, rows in each.rules.items():
            kind = "not loaded" if rules[name].severity == "rejected" else "remark"
            yield f"{'':>31}{name}: {rows:,} {kind}. {rules[name].text}{_text_of_rows(each.locators[name], rows)}"


def _text_of_rows(first: Sequence[int], rows: int) -> str:
    if not first:
        return ""
    shown = ", ".join(map(str, first[:_MOST_SHOWN]))
    return f" Row{'s' if rows > 1 else ''} {shown}{' and others' if rows > _MOST_SHOWN else ''}."


def _text_of_tables(tables: Mapping[str, TableSummary]) -> Iterator[str]:
    for name, table in tables.items():
        yield f"{name}: {table.rows:,} rows."
        if table.null_columns:
            yield f"  Missing for every row, for lack of a source: {', '.join(table.null_columns)}."
        for column, rows in table.outside.items():
            yield f"  {column}: outside what is possible in {rows:,}, and brought inside or left missing there."

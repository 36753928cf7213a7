"""Reads one file into the workbench: fast where the file is regular, carefully where it is not.

The fast reader is DuckDB's, in strict mode. It is believed only when it loads exactly as many rows as the survey
counted; otherwise nothing of what it read is kept and the careful reader takes the file. So no row is ever dropped
by a parser, and a row's number is its place in the file.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from node.ingest.columns import raw_columns, value_columns
from node.ingest.formats import InputTable, recognise_header
from node.ingest.records import read_records
from node.ingest.sources import InputFile, Source
from node.ingest.survey import LONGEST_RECORD, Survey, survey_file

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_OPTIONS = "auto_detect = false, delim = ',', quote = '\"', escape = '\"', strict_mode = true, compression = 'none'"
_MOST_BYTES = 8 * LONGEST_RECORD
"""Bytes in the longest record that the careful reader rewrites: its characters take four at most."""


def read_source(connection: DuckDBPyConnection, number: int, source: Source, scratch: Path) -> InputFile:
    """Read a file's rows into the table its header names, and its faulty rows into the findings."""
    survey = survey_file(source.path)
    table = recognise_header(survey.header)
    fault = survey.fault or _fault_of_header(survey, table)
    if fault or table is None:
        return InputFile(number, source, None, survey.lines, fault)
    link = scratch / f"{number}.csv"  # A name of ours: DuckDB would take [ and * in the user's for wildcards.
    link.symlink_to(source.path.resolve())
    if survey.regular and _read_fast(connection, number, link, table, survey):
        return InputFile(number, source, table, survey.rows)
    return InputFile(number, source, table, _read_carefully(connection, number, link, table, survey))


def _fault_of_header(survey: Survey, table: InputTable | None) -> str | None:
    if table is None:
        return "unrecognised_file"
    names = [name.lower() for name in survey.header]
    return "repeated_column" if any(names.count(column.field) > 1 for column in table.columns) else None


def _read_fast(connection: DuckDBPyConnection, number: int, path: Path, table: InputTable, survey: Survey) -> bool:
    """Whether the fast reader loaded every row that the survey counted. If not, it leaves nothing behind."""
    import duckdb

    reader = _csv_reader({}, len(survey.header), header=True, longest=LONGEST_RECORD)
    numbered = f"(FROM {reader} SELECT row_number() OVER () + 1 AS record, *)"
    connection.begin()
    try:
        if _insert(connection, number, path, table, survey, numbered) == survey.rows:
            connection.commit()
            return True
    except duckdb.Error:  # Its text may quote the file. The careful reader will say what is wrong, and where.
        pass
    connection.rollback()
    return False


def _read_carefully(connection: DuckDBPyConnection, number: int, path: Path, table: InputTable, survey: Survey) -> int:
    """Read record by record; returns how many there are, good and faulty."""
    width = len(survey.header)
    rewritten = path.with_suffix(".records")
    rows = 0
    with rewritten.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        for record in read_records(path, width):
            writer.writerow((record.number, record.fault, *(record.fields or ("",) * width)))
            rows += 1
    numbering = {"record": "BIGINT", "fault": "VARCHAR"}
    reader = _csv_reader(numbering, width, header=False, longest=_MOST_BYTES)
    connection.execute(
        f"INSERT INTO findings FROM {reader} SELECT $file, record, fault WHERE fault IS NOT NULL",
        {"path": str(rewritten), "file": number},
    )
    _insert(connection, number, rewritten, table, survey, f"(FROM {reader} WHERE fault IS NULL)")
    return rows


def _csv_reader(before: Mapping[str, str], width: int, *, header: bool, longest: int) -> str:
    """SQL that reads the file $path strictly, as columns c0, c1, ... of text after those that come before."""
    columns = dict(before) | {f"c{place}": "VARCHAR" for place in range(width)}
    return f"read_csv($path, header = {header}, columns = {columns}, max_line_size = {longest}, {_OPTIONS})"


def _insert(
    connection: DuckDBPyConnection, number: int, path: Path, table: InputTable, survey: Survey, records: str
) -> int:
    """Insert numbered records as rows of their table; returns how many."""
    fingerprint = ", ".join(f"c{place}" for place in range(len(survey.header)))
    written = f"(FROM {records} SELECT record, hash({fingerprint}) AS fingerprint, {raw_columns(table, survey.header)})"
    done = connection.execute(
        f"INSERT INTO {table.reading} BY NAME FROM {written} "
        f"SELECT $file AS file, record, fingerprint, {value_columns(table, survey.header)}",
        {"path": str(path), "file": number},
    ).fetchone()
    return int(done[0]) if done else 0

"""Reads files into the workbench: fast where a file is regular, carefully where it is not.

The fast reader is DuckDB's, in strict mode. It is believed only when it loads exactly as many rows as the survey
counted; otherwise nothing of what it read is kept and the careful reader takes the file. So no row is ever dropped
by a parser, and a row's number is its place in the file.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from node.ingest.archives import is_archive, open_archive
from node.ingest.batches import value_fields
from node.ingest.columns import quoted, raw_columns, value_columns
from node.ingest.judgement import verdicts
from node.ingest.layout import Layout, recognise_header
from node.ingest.mapping import ColumnMapping, check_fit
from node.ingest.records import read_records
from node.ingest.sources import InputFile, Source
from node.ingest.survey import LONGEST_RECORD, Survey, rewrite_as_utf8, survey_file
from node.ingest.xml_files import KNOWN_ROOTS, find_root, split_xml

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_OPTIONS = "auto_detect = false, quote = '\"', escape = '\"', strict_mode = true, compression = 'none'"
_MOST_BYTES = 8 * LONGEST_RECORD
"""Bytes in the longest record that the careful reader rewrites: its characters take four at most."""


def read_sources(
    connection: DuckDBPyConnection,
    sources: Iterable[Source],
    scratch: Path,
    *,
    mappings: Iterable[ColumnMapping] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> list[InputFile]:
    """Read the rows of every source into the table that its header names, and its faulty rows into the findings.

    Archives and XML files come as several files. `mappings` are those that were asked for. Raises `LoadRefused`
    where one of them fits no file.
    """
    wanted = tuple(mappings)
    files: list[InputFile] = []
    headers = []
    for source in sources:
        progress(f"reading {source.path.name}")
        for part in _unwrap(source, scratch):
            file, survey = _read(connection, len(files), part, scratch, wanted)
            files.append(file)
            headers.append(survey.header)
    check_fit(wanted, [each.mapping for each in files], headers)
    return files


def _unwrap(source: Source, scratch: Path) -> Iterator[Source]:
    """The source itself, or what lies in it: the members of an archive, the tables of an XML file."""
    members = open_archive(source, _directory(scratch)) if is_archive(source.path) else (source,)
    for each in members:
        root = None if each.fault else find_root(each.file)
        if root is not None and root in KNOWN_ROOTS:
            yield from split_xml(each, root, _directory(scratch))
        else:
            yield each


def _directory(scratch: Path) -> Path:
    return Path(tempfile.mkdtemp(dir=scratch))


def _read(
    connection: DuckDBPyConnection, number: int, source: Source, scratch: Path, wanted: tuple[ColumnMapping, ...]
) -> tuple[InputFile, Survey]:
    if source.fault is not None:
        return InputFile(number, source, None, source.rows, source.fault), Survey()
    survey = survey_file(source.file)
    layout = recognise_header(survey.header, wanted)
    fault = survey.fault or _fault_of_header(layout)
    mapping = layout.mapping.name if layout and layout.mapping else None
    if fault or layout is None:
        return InputFile(number, source, None, survey.lines, fault, mapping=mapping), survey
    link = scratch / f"{number}.csv"  # A name of ours: DuckDB would take [ and * in the user's for wildcards.
    if survey.regular and not survey.is_utf8:
        rewrite_as_utf8(source.file, link)
    else:
        link.symlink_to(source.file.resolve())
    rows = survey.rows
    if not (survey.regular and _read_fast(connection, number, link, layout, survey)):
        rows = _read_carefully(connection, number, link, layout, survey)
    return InputFile(number, source, layout.table, rows, mapping=mapping), survey


def _fault_of_header(layout: Layout | None) -> str | None:
    if layout is None:
        return "unrecognised_file"
    return "repeated_column" if layout.repeats_a_column() else None


def _read_fast(connection: DuckDBPyConnection, number: int, path: Path, layout: Layout, survey: Survey) -> bool:
    """Whether the fast reader loaded every row that the survey counted. If not, it leaves nothing behind."""
    import duckdb

    reader = _csv_reader({}, len(survey.header), survey.delimiter, header=True, longest=LONGEST_RECORD)
    numbered = f"(FROM {reader} SELECT row_number() OVER () + 1 AS record, *)"
    connection.begin()
    try:
        if _insert(connection, number, path, layout, numbered) == survey.rows:
            connection.commit()
            return True
    except duckdb.Error:  # Its text may quote the file. The careful reader will say what is wrong, and where.
        pass
    connection.rollback()
    return False


def _read_carefully(connection: DuckDBPyConnection, number: int, path: Path, layout: Layout, survey: Survey) -> int:
    """Read record by record; returns how many there are, good and faulty."""
    width = len(survey.header)
    rewritten = path.with_suffix(".records")
    rows = 0
    with rewritten.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        for record in read_records(path, width, survey.delimiter):
            writer.writerow((record.number, record.fault, *(record.fields or ("",) * width)))
            rows += 1
    numbering = {"record": "BIGINT", "fault": "VARCHAR"}
    reader = _csv_reader(numbering, width, ",", header=False, longest=_MOST_BYTES)
    connection.execute(
        f"INSERT INTO findings FROM {reader} SELECT $file, record, fault WHERE fault IS NOT NULL",
        {"path": str(rewritten), "file": number},
    )
    _insert(connection, number, rewritten, layout, f"(FROM {reader} WHERE fault IS NULL)")
    return rows


def _csv_reader(before: Mapping[str, str], width: int, delimiter: str, *, header: bool, longest: int) -> str:
    """SQL that reads the file $path strictly, as columns c0, c1, ... of text after those that come before."""
    columns = dict(before) | {f"c{place}": "VARCHAR" for place in range(width)}
    form = f"delim = {quoted(delimiter)}, header = {header}, columns = {columns}, max_line_size = {longest}"
    return f"read_csv($path, {form}, {_OPTIONS})"


def _fingerprint(layout: Layout) -> str:
    """SQL of the hash by which rows of a table without a key are told to say the same: of every field of the file.

    A return says the same in its CSV and in its XML, which has no other fields than those that are read.
    """
    if layout.table.family == "ssda903":
        written = [column.written for column in layout.table.columns]
    else:
        written = [f"c{place}" for place in range(len(layout.header))]
    return "NULL" if layout.table.unique else f"hash({', '.join(written)})"


def _insert(connection: DuckDBPyConnection, number: int, path: Path, layout: Layout, records: str) -> int:
    """Insert numbered records as rows of their table, each with the rules it breaks by itself; returns how many."""
    table = layout.table
    written = f"(FROM {records} SELECT *, {raw_columns(layout)})"
    values = f"(FROM {written} SELECT *, {_fingerprint(layout)} AS fingerprint{value_columns(layout)})"
    dated = f", {table.period} AS period" if table.period else ""
    done = connection.execute(
        f"INSERT INTO {table.reading} BY NAME FROM {values} "
        f"SELECT $file AS file, record, fingerprint, {verdicts(table)} AS broken, {value_fields(table)}{dated}",
        {"path": str(path), "file": number},
    ).fetchone()
    return int(done[0]) if done else 0

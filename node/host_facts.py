"""The education facts that host authorities have told of our children: kept with their date, merged at the next build.

    state/hostfacts/<term>-<lookup>-<host>.parquet      one file for each answer, never changed, 0600

They hold pupil numbers, so they are vault files: the query engine is never given one. Where two hosts or two terms tell
of one child and academic year, the latest word counts.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from federation.claims import ClaimAnswer, EducationFacts
from federation.keys import sync_directory
from node.vault import read_vault

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

DIRECTORY = "hostfacts"
RELATION = "told_by_hosts"
"""What the facts are called in the SQL of the record."""

_FACT_TYPES: Mapping[str, str] = {
    "upn": "VARCHAR",
    "date_of_birth": "DATE",
    "school_urn": "INTEGER",
    "year_group": "VARCHAR",
    "entry_date": "DATE",
    "sen_provision": "VARCHAR",
    "sen_primary_need": "VARCHAR",
    "sen_unit_or_resourced": "BOOLEAN",
    "fsm_status": "VARCHAR",
    "english_additional_language": "BOOLEAN",
    "school_changes_in_year": "INTEGER",
    "sessions_possible": "INTEGER",
    "sessions_missed_authorised": "DECIMAL(12,2)",
    "sessions_missed_unauthorised": "DECIMAL(12,2)",
    "suspensions": "INTEGER",
    "suspension_days": "DECIMAL(12,2)",
    "permanently_excluded": "BOOLEAN",
}
COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "academic_year": "INTEGER",
        "term": "VARCHAR",
        "host_authority": "VARCHAR",
        "host_snapshot": "VARCHAR",
        "as_of": "TIMESTAMP",
        "received_at": "TIMESTAMP",
        **_FACT_TYPES,
    }
)
"""The columns of the files and their DuckDB types: where the facts come from and when, then the facts."""


def find_facts(directory: Path) -> tuple[Path, ...]:
    """The files of facts in a node's state directory."""
    return tuple(sorted((directory / DIRECTORY).glob("*.parquet")))


def store_facts(directory: Path, answer: ClaimAnswer, received_at: datetime) -> None:
    """Keep what a host's answer tells, whole or not at all. The same answer again takes its own place."""
    place = directory / DIRECTORY
    place.mkdir(mode=0o700, exist_ok=True)
    beside = place / f".{answer.lookup_id}-{answer.sender}.new"
    _write(beside, [_row(answer, facts, received_at) for facts in answer.children])
    beside.chmod(0o600)
    with beside.open("rb") as written:
        os.fsync(written.fileno())
    beside.replace(place / f"{answer.term}-{answer.lookup_id}-{answer.sender}.parquet")
    sync_directory(place)


def clear_unfinished(directory: Path, before: datetime) -> None:
    """Delete what a node that died while it kept an answer left behind before some moment: pupil numbers of no use."""
    for path in (directory / DIRECTORY).glob(".*.new"):
        if path.stat().st_mtime < before.timestamp():
            path.unlink()


def _row(answer: ClaimAnswer, facts: EducationFacts, received_at: datetime) -> list[object]:
    told = [int(answer.term[:6]), answer.term, answer.authority, answer.snapshot]
    # Moments in UTC, which the files keep without saying so.
    moments = [moment.replace(tzinfo=None) for moment in (answer.as_of, received_at)]
    return [*told, *moments, *(getattr(facts, name) for name in _FACT_TYPES)]


def _write(path: Path, rows: Sequence[Sequence[object]]) -> None:
    import duckdb

    with duckdb.connect(":memory:") as connection:
        _make_table(connection)
        marks = ", ".join("?" * len(COLUMNS))
        connection.executemany(f"INSERT INTO {RELATION} VALUES ({marks})", rows)  # noqa: S608 - marks and our own name
        connection.table(RELATION).write_parquet(str(path))


def read_told(directory: Path, academic_year: int) -> frozenset[str]:
    """The pupil numbers of the children that hosts have told of in an academic year."""
    files = find_facts(directory)
    sql = f"SELECT DISTINCT upn FROM {RELATION} WHERE academic_year = ?"  # noqa: S608 - a name of this file
    return frozenset(upn for (upn,) in read_vault({RELATION: files}, sql, [academic_year])) if files else frozenset()


def show_facts(connection: DuckDBPyConnection, files: Sequence[Path]) -> None:
    """Make the table of everything that hosts have told, for the record to be built with; empty where none has."""
    _make_table(connection)
    for path in files:
        connection.execute(f"INSERT INTO {RELATION} BY NAME FROM read_parquet($path)", {"path": str(path)})


def _make_table(connection: DuckDBPyConnection) -> None:
    columns = ", ".join(f"{name} {sql_type}" for name, sql_type in COLUMNS.items())
    connection.execute(f"CREATE TABLE {RELATION} ({columns})")

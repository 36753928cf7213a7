"""What the tracking records tell, as one more source of the record: tables of their facts, named by row token.

It is not loaded from files and is never kept beside a snapshot: every build takes it whole, as it stands then, so that
what was taken back is gone. Where the tracking record and a loaded file tell of the same, the tracking record counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Rows = Sequence[Sequence[Any]]
TrackedFacts = Mapping[str, Rows]

_WHOM = {"token": "VARCHAR", "academic_year": "INTEGER"}
TABLES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "tracked_reviews": {
            **_WHOM,
            "term": "VARCHAR",
            "meeting_date": "DATE",
            "completed_date": "DATE",
            "quality": "VARCHAR",
            "sdq_strategies": "BOOLEAN",
        },
        "tracked_targets": {**_WHOM, "term": "VARCHAR", "subject": "VARCHAR", "ambition": "VARCHAR"},
        "tracked_support": {
            **_WHOM,
            "kind": "VARCHAR",
            "target_subject": "VARCHAR",
            "start_date": "DATE",
            "end_date": "DATE",
            "cost": "DECIMAL(12,2)",
        },
        "tracked_admissions": {**_WHOM, "request_date": "DATE", "on_roll_date": "DATE"},
        "tracked_attendance": {
            **_WHOM,
            "possible": "INTEGER",
            "authorised": "INTEGER",
            "unauthorised": "INTEGER",
        },
    }
)
"""The tables and their columns, with DuckDB's types; `term` is autumn, spring or summer."""

NOTHING: TrackedFacts = MappingProxyType({})


def show_tracked(connection: DuckDBPyConnection, tracked: TrackedFacts) -> None:
    """Make every table, of the rows that there are."""
    for name, columns in TABLES.items():
        told = ", ".join(f"{column} {kind}" for column, kind in columns.items())
        connection.execute(f"CREATE TABLE {name} ({told})")
        rows = tracked.get(name, ())
        if rows:
            marks = ", ".join("?" * len(columns))
            connection.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)  # noqa: S608 - names of this file

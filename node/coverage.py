"""What a snapshot can answer: its rows, and which governed columns nothing that was loaded could fill."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from node.snapshots import Snapshot


@dataclass(frozen=True)
class TableCoverage:
    """One governed table: how many rows it has, and the columns that are missing (NULL) in every one of them."""

    rows: int
    empty_columns: tuple[str, ...]


def survey_snapshot(snapshot: Snapshot) -> Mapping[str, TableCoverage]:
    """Return the coverage of each governed table of a snapshot."""
    return {name: _survey_table(path) for name, path in snapshot.tables.items()}


def _survey_table(path: Path) -> TableCoverage:
    import duckdb

    with duckdb.connect(":memory:") as connection:
        connection.read_parquet(str(path)).create_view("surveyed")
        columns = [name for name, *_ in connection.execute("DESCRIBE surveyed").fetchall()]
        figures = ", ".join(["count(*)", *(f'count("{name}")' for name in columns)])
        counts = connection.execute(f"SELECT {figures} FROM surveyed").fetchone()  # noqa: S608 - names of our own columns
        assert counts is not None
        rows, *filled = counts
        missing = [name for name, count in zip(columns, filled, strict=True) if rows and not count]
        return TableCoverage(rows, tuple(missing))

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
        table = connection.read_parquet(str(path))
        figures = ", ".join(["count(*)", *(f'count("{name}")' for name in table.columns)])
        counts = table.aggregate(figures).fetchone()
        assert counts is not None
        rows, *filled = counts
        empty = [name for name, count in zip(table.columns, filled, strict=True) if not count]
        return TableCoverage(rows, tuple(empty))

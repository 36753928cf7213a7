"""Two snapshots compared: what changed in the governed tables, for how many children, and which files caused it.

Only counts leave: rows, shares and the names of files. A child is told from another by the row token, which stands for
the same child in every snapshot of a node, and is shown nowhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from node.quality.places import Places, name_file
from node.snapshots import STAGED, Snapshot, SnapshotStore
from query_engine.catalogue import GovernedTable, load_catalogue

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True, slots=True)
class ColumnChange:
    """The share of rows in which a column is missing, before and after; None where the table had no such column."""

    missing_before: float | None
    missing_after: float | None


@dataclass(frozen=True, slots=True)
class TableChange:
    """A governed table: its rows, those taken out and put in, and the columns whose missing share changed.

    A row of which any value changed counts as one taken out and one put in. `people` are those the table counts
    (children, or pupils), by academic year: added, removed, and changed in any row of that year.
    """

    rows_before: int
    rows_after: int
    rows_out: int
    rows_in: int
    people_added: int
    people_removed: int
    people_changed: int
    columns: Mapping[str, ColumnChange]


@dataclass(frozen=True, slots=True)
class Cause:
    """An input table and period whose rows were loaded anew, replaced or gone, and the files that did it."""

    table: str
    change: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed from one snapshot to another."""

    before: str
    after: str
    tables: Mapping[str, TableChange]
    causes: Sequence[Cause]

    def to_json(self) -> str:
        """The comparison as JSON text."""
        return json.dumps(asdict(self))

    def to_text(self) -> str:
        """The comparison for reading."""
        return "\n".join([f"From snapshot {self.before} to {self.after}", *self._lines()]) + "\n"

    def _lines(self) -> Iterator[str]:
        for (rows, became, files), periods in _gather_periods(self.causes).items():
            by = f" by {', '.join(files)}" if files else ""
            yield f"  rows of {rows} of {', '.join(periods)} {became}{by}"
        if not self.causes:
            yield "  no file changed: what differs comes of hosts' answers or of the definitions of the record"
        for name, table in self.tables.items():
            yield f"{name}: {table.rows_before:,} rows, now {table.rows_after:,}"
            if table.rows_out or table.rows_in:
                yield f"  rows: {table.rows_out:,} taken out, {table.rows_in:,} put in"
                yield (
                    f"  people and years: {table.people_added:,} added, {table.people_removed:,} removed, "
                    f"{table.people_changed:,} changed"
                )
            for column, change in table.columns.items():
                before, after = _percent(change.missing_before), _percent(change.missing_after)
                if before != after:
                    yield f"  {column}: missing in {before}, now {after}"


def _gather_periods(causes: Iterable[Cause]) -> Mapping[tuple[str, str, tuple[str, ...]], Sequence[str]]:
    """The periods of what changed in the same way by the same files: one file may hold a table's rows of many years."""
    gathered: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for cause in causes:
        table, _, period = cause.table.partition(" of ")
        gathered.setdefault((table, cause.change, cause.files), []).append(period)
    return gathered


def compare_snapshots(store: SnapshotStore, before: Snapshot, after: Snapshot) -> Comparison:
    """Compare two snapshots of one node."""
    catalogue = load_catalogue().tables
    shared = [name for name in after.tables if name in before.tables and name in catalogue]
    tables = {name: _compare(catalogue[name], before, after) for name in shared}
    return Comparison(before.id, after.id, tables, tuple(_find_causes(store, before, after)))


def _percent(share: float | None) -> str:
    return "no such column" if share is None else f"{share:.1%}"


def _compare(table: GovernedTable, before: Snapshot, after: Snapshot) -> TableChange:
    import duckdb

    with duckdb.connect(":memory:") as connection:
        for rows, snapshot in (("rows_before", before), ("rows_after", after)):
            connection.read_parquet(str(snapshot.tables[table.name])).create_view(rows)
        had, has = _missing(connection, "rows_before"), _missing(connection, "rows_after")
        shared = [name for name in has if name in had]
        rows_out, rows_in, added, removed, changed = _count_changes(connection, table, shared)
        return TableChange(
            rows_before=connection.table("rows_before").shape[0],
            rows_after=connection.table("rows_after").shape[0],
            rows_out=rows_out,
            rows_in=rows_in,
            people_added=added,
            people_removed=removed,
            people_changed=changed,
            columns={
                name: ColumnChange(had.get(name), has.get(name))
                for name in {**has, **had}
                if had.get(name) != has.get(name)
            },
        )


def _count_changes(connection: DuckDBPyConnection, table: GovernedTable, columns: Sequence[str]) -> tuple[int, ...]:
    """Rows out and in, and people added, removed and changed, by the columns that both snapshots have."""
    listed = ", ".join(f'"{name}"' for name in columns)
    who = f'"{table.child_key}", academic_year'
    (counted,) = connection.execute(f"""
        WITH taken AS (SELECT {listed} FROM rows_before EXCEPT ALL SELECT {listed} FROM rows_after),
        put AS (SELECT {listed} FROM rows_after EXCEPT ALL SELECT {listed} FROM rows_before),
        were AS (SELECT DISTINCT {who} FROM rows_before),
        are AS (SELECT DISTINCT {who} FROM rows_after),
        touched AS (SELECT {who} FROM taken UNION SELECT {who} FROM put)
        SELECT
            (SELECT count(*) FROM taken), (SELECT count(*) FROM put),
            (SELECT count(*) FROM (FROM are EXCEPT FROM were)), (SELECT count(*) FROM (FROM were EXCEPT FROM are)),
            (SELECT count(*) FROM (FROM touched INTERSECT FROM were INTERSECT FROM are))
    """).fetchall()  # noqa: S608 - columns of our own catalogue
    return tuple(counted)


def _missing(connection: DuckDBPyConnection, rows: str) -> dict[str, float]:
    """The share of rows in which each column is missing."""
    columns = [name for name, *_ in connection.execute(f"DESCRIBE {rows}").fetchall()]
    shares = ", ".join(f'round(1 - count("{name}") / nullif(count(*), 0), 4)' for name in columns)
    (counted,) = connection.execute(f"SELECT {shares} FROM {rows}").fetchall()  # noqa: S608 - our own columns
    return {name: float(share or 0) for name, share in zip(columns, counted, strict=True)}


def _find_causes(store: SnapshotStore, before: Snapshot, after: Snapshot) -> Iterator[Cause]:
    had, has = (_kept(snapshot) for snapshot in (before, after))
    files = {**Places(store, before).files, **Places(store, after).files}
    for held in sorted({**had, **has}):
        if had.get(held) == has.get(held):
            continue
        change = "new" if held not in had else "gone" if held not in has else "replaced or added to"
        names = tuple(name_file(entry) for entry in files.get(held, ())) if held in has else ()
        yield Cause(held.replace("-", " of ", 1), change, names)


def _kept(snapshot: Snapshot) -> dict[str, str]:
    """The hash of each kept file of input rows, by its name."""
    prefix = f"{STAGED}/"
    return {
        name.removeprefix(prefix).removesuffix(".parquet"): digest
        for name, digest in snapshot.hashes.items()
        if name.startswith(prefix)
    }

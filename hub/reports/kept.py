"""Releases as reports read them: which question each answers, and its table, each read once and kept at hand."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache

from audit.connection import Connection
from disclosure_control.margins.precision import Margin, Margins
from disclosure_control.models.reading import read_release
from disclosure_control.models.release import ReleasedModel
from disclosure_control.presets.preset import Preset, PresetInvalid
from disclosure_control.presets.shelf import PresetShelf
from disclosure_control.release.released import ReleasedTable
from disclosure_control.release.showing import show_table
from disclosure_control.rows.protected_table import Entry
from federation.exchange import QueryState, ReleaseDocument
from federation.manifest import Path
from federation.plans import derive_plan
from federation.recent import Recent
from federation.reports.measures import CHILDREN
from federation.reports.shares import Count
from federation.wire import MAX_BATCH_BYTES, decode_document
from hub.manifests import read_stored
from query_engine.refusal import QueryRefused

__all__ = ["KeptRelease", "KeptReleases", "list_released", "name_plans"]

MOST_QUERIES = 20_000
"""Queries of which it is kept what they ask."""

MOST_ROWS = 500_000
"""Rows of releases that are kept at hand."""


ANYTHING = (0, 10**9)
"""What a noised count can be where its margin cannot be worked out here."""


@dataclass(frozen=True)
class Asked:
    """What a query asks: by which path, about which academic year, and the plan."""

    path: Path
    academic_year: str
    plan_id: str


@dataclass(frozen=True)
class KeptRelease:
    """A released table or model, and what it takes to read it: its SQL, when it was released, its preset."""

    release_id: str
    query_id: str
    released_at: datetime
    sql: str
    table: ReleasedTable | ReleasedModel
    presets: PresetShelf

    @property
    def size(self) -> int:
        """How many rows it has."""
        return len(self.table.rows) if isinstance(self.table, ReleasedTable) else 1

    @property
    def source(self) -> str:
        """Where its figures come from, in words."""
        table = self.table
        asked = len(table.answered) + len(table.absent)
        noised = "with noise" if table.noise is not None else "protected by " + table.preset
        total = isinstance(table, ReleasedModel) or table.is_total
        of = f"a total over {len(table.answered)} of {asked} authorities" if total else "rows of each authority"
        return f"Release {self.release_id} of {self.released_at:%d %B %Y}, {of}, {noised}"

    @cached_property
    def preset(self) -> Preset | None:
        """The preset that protected it, where its rules are here."""
        try:
            return self.presets.find(self.table.preset, self.table.preset_version)
        except PresetInvalid:
            return None

    @cached_property
    def margins(self) -> Sequence[Margins]:
        """The margins of a noised table, row by row."""
        assert isinstance(self.table, ReleasedTable)
        return show_table(self.table, self.sql, whole=True, presets=self.presets).margins

    def read_count(self, row: int, entry: Entry) -> Count | None:
        """What is known of an entry in a row; None where it is withheld."""
        return self.print_count(row, entry) if isinstance(entry, int) else None

    def print_count(self, row: int, count: int) -> Count:
        """What is known of a count in a row: between what its noise, or its rounding, leaves it."""
        if self.table.noise is None:
            return Count(count, *self.preset.printed_range(count)) if self.preset else Count(count, count, count)
        margin = self.margins[row].get(CHILDREN)
        ends = (int(margin.low), int(margin.high)) if isinstance(margin, Margin) else ANYTHING
        return Count(count, *ends)


@dataclass(frozen=True, eq=False)
class KeptReleases:
    """What has been read of the hub's releases; none of it ever changes."""

    presets: PresetShelf
    _asked: Recent[str, Asked] = field(default_factory=lambda: Recent(MOST_QUERIES))
    _read: Recent[str, KeptRelease] = field(default_factory=lambda: Recent(MOST_ROWS, lambda each: each.size))

    def find_asked(self, connection: Connection, query_id: str) -> Asked:
        """Return what a query asks."""
        return self._asked.get(query_id, lambda: _read_asked(connection, query_id))

    def read(self, connection: Connection, query_id: str) -> KeptRelease:
        """Return a query's release."""
        return self._read.get(query_id, lambda: _read_kept(connection, query_id, self.presets))


def list_released(connection: Connection, asker: str, *, everybody: bool) -> Iterator[tuple[str, bool]]:
    """Yield the released queries of an asker, or of everybody, newest first, and whether each has been withdrawn."""
    rows = connection.execute(
        "SELECT queries.query_id AS query_id, endings.query_id IS NOT NULL AS withdrawn FROM queries "
        "JOIN releases ON releases.query_id = queries.query_id "
        "LEFT JOIN endings ON endings.query_id = queries.query_id "
        "WHERE state = ? AND (? OR asker = ?) ORDER BY drafted_at DESC, queries.query_id",
        (QueryState.RELEASED, everybody, asker),
    )
    for row in rows:
        yield row["query_id"], bool(row["withdrawn"])


@lru_cache(maxsize=4096)
def name_plans(sql: str, path: Path, keys: frozenset[int | None]) -> frozenset[str]:
    """Return the plans of a question by a path, with each number of record keys; none where it cannot go by it."""
    found = set()
    for each in keys:
        try:
            found.add(derive_plan(sql, path, each).plan_id)
        except QueryRefused:
            continue
    return frozenset(found)


def _read_asked(connection: Connection, query_id: str) -> Asked:
    row = connection.execute("SELECT envelope FROM queries WHERE query_id = ?", (query_id,)).fetchone()
    _, manifest = read_stored(bytes(row["envelope"]))
    return Asked(manifest.path, manifest.academic_year, manifest.plan_id)


def _read_kept(connection: Connection, query_id: str, presets: PresetShelf) -> KeptRelease:
    row = connection.execute("SELECT document FROM releases WHERE query_id = ?", (query_id,)).fetchone()
    document = decode_document(bytes(row["document"]), ReleaseDocument, limit=MAX_BATCH_BYTES)
    table = read_release(document.table)
    return KeptRelease(document.release_id, query_id, document.released_at, document.sql, table, presets)

"""Releases as reports read them: which question each answers, and its table, each read once and kept at hand."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from audit.connection import Connection
from disclosure_control.presets.shelf import PresetShelf
from federation.exchange import QueryState, ReleaseDocument
from federation.manifest import Path
from federation.recent import Recent
from federation.reports.released import KeptRelease, read_kept
from federation.wire import MAX_BATCH_BYTES, decode_document
from hub.manifests import read_stored

__all__ = ["Asked", "KeptReleases", "list_released"]

MOST_QUERIES = 20_000
"""Queries of which it is kept what they ask."""

MOST_ROWS = 500_000
"""Rows of releases that are kept at hand."""


@dataclass(frozen=True)
class Asked:
    """What a query asks: by which path, about which academic year, and the plan."""

    path: Path
    academic_year: str
    plan_id: str


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


def _read_asked(connection: Connection, query_id: str) -> Asked:
    row = connection.execute("SELECT envelope FROM queries WHERE query_id = ?", (query_id,)).fetchone()
    _, manifest = read_stored(bytes(row["envelope"]))
    return Asked(manifest.path, manifest.academic_year, manifest.plan_id)


def _read_kept(connection: Connection, query_id: str, presets: PresetShelf) -> KeptRelease:
    row = connection.execute("SELECT document FROM releases WHERE query_id = ?", (query_id,)).fetchone()
    return read_kept(decode_document(bytes(row["document"]), ReleaseDocument, limit=MAX_BATCH_BYTES), presets)

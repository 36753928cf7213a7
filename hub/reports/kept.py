"""Releases as reports read them: each table with its margins, read once and kept at hand."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from audit.connection import Connection
from disclosure_control.presets.shelf import PresetShelf
from federation.exchange import QueryState, ReleaseDocument
from federation.recent import Recent
from federation.reports.released import KeptRelease, read_kept
from federation.wire import MAX_BATCH_BYTES, decode_document

__all__ = ["KeptReleases", "list_released"]

MOST_ROWS = 500_000
"""Rows of releases that are kept at hand."""


@dataclass(frozen=True, eq=False)
class KeptReleases:
    """What has been read of the hub's releases; none of it ever changes."""

    presets: PresetShelf
    _read: Recent[str, KeptRelease] = field(default_factory=lambda: Recent(MOST_ROWS, lambda each: each.size))

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


def _read_kept(connection: Connection, query_id: str, presets: PresetShelf) -> KeptRelease:
    row = connection.execute("SELECT document FROM releases WHERE query_id = ?", (query_id,)).fetchone()
    return read_kept(decode_document(bytes(row["document"]), ReleaseDocument, limit=MAX_BATCH_BYTES), presets)

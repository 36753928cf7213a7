"""What left this node before: its own rows of one snapshot, beside which further rows are protected.

What counts is what was signed, whether or not the hub released it: what has left is out of our hands.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping

from disclosure_control.linked.companions import Published
from disclosure_control.presets import Preset
from disclosure_control.row_protection import Neighbours, imply_counts
from disclosure_control.tables import ProtectedTable, read_protected
from federation.envelope import read_envelope
from federation.manifest import REPLY_TYPE, Manifest, Outcome, Path, Reply
from federation.plans import derive_plan
from federation.wire import decode_document
from node.service import Node
from query_engine.planning.plan import QueryPlan
from query_engine.tables import RawTable

__all__ = ["find_neighbours", "find_repeated", "keep_implied", "record_sql"]

Implied = Mapping[tuple[int, str], int]
"""By row and label the children behind a figure that is no count."""


def record_sql(connection: sqlite3.Connection, digest: str, manifest: Manifest) -> None:
    """Keep what was asked, in the caller's transaction: of a reply it is known then what its figures are of."""
    if manifest.path is Path.PER_AUTHORITY:
        connection.execute("INSERT OR IGNORE INTO rows_asked VALUES (?, ?, '[]')", (digest, manifest.sql))


def keep_implied(node: Node, digest: str, raw: RawTable, preset: Preset) -> None:
    """Keep how many children are behind the figures that are no counts, rounded as they would be if they were shown."""
    implied = [[*place, count] for place, count in imply_counts(raw, preset).items()]
    with node.database.transaction() as connection:
        connection.execute("UPDATE rows_asked SET implied = ? WHERE digest = ?", (json.dumps(implied), digest))


def find_neighbours(node: Node, plan: QueryPlan, snapshot: str, preset: Preset) -> Neighbours:
    """The tables about the same that have left, oldest first, and the secret by which ties are broken."""
    earlier = (
        Published(reply.query_id, asked, read_protected(reply.table, asked, preset).rows, implied=implied)
        for asked, reply, implied in _answered(node, snapshot, preset)
        if asked.table == plan.table
    )
    return Neighbours(tuple(earlier), node.party.keys.row_secret)


def find_repeated(node: Node, plan: QueryPlan, snapshot: str, preset: Preset) -> ProtectedTable | None:
    """The table that answered the same question before: who asks again is told nothing else."""
    for asked, reply, _ in _answered(node, snapshot, preset):
        if asked.plan_id == plan.plan_id and asked.outputs == plan.outputs:
            return read_protected(reply.table, plan, preset)
    return None


def _answered(node: Node, snapshot: str, preset: Preset) -> Iterator[tuple[QueryPlan, Reply, Implied]]:
    rows = node.database.connection.execute(
        "SELECT sql, implied, reply FROM manifests JOIN rows_asked USING (digest) "
        "WHERE snapshot = ? AND preset = ? AND reply IS NOT NULL ORDER BY reserved_at, digest",
        (snapshot, preset.name),
    ).fetchall()
    for row in rows:
        reply = decode_document(read_envelope(row["reply"], REPLY_TYPE).body, Reply)
        if reply.outcome is Outcome.ANSWERED:
            implied = {(place, label): count for place, label, count in json.loads(row["implied"])}
            yield derive_plan(row["sql"], Path.PER_AUTHORITY), reply, implied

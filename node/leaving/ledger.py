"""The queries that came here, for our own people to read: each in the exact bytes that were approved, with its state.

Only what passed lines 1 to 5 of the checklist is kept, so nobody can fill this with what two organisations never
approved. It is written beside the ledger and the log, and nothing is decided by it.
"""

from dataclasses import dataclass
from enum import StrEnum

from audit.connection import Connection, Row
from federation.database import stamp
from federation.envelope import Envelope, read_envelope, write_envelope
from federation.manifest import MANIFEST_TYPE, Manifest, read_manifest
from node.approved import Approved
from node.refusal import Refused
from node.service import Node

MOST_LISTED = 200
"""How many queries a list holds at most, the newest."""


class Standing(StrEnum):
    """What became of a query here: in a word and a sentence, and the colour in which pages say so."""

    meaning: str
    colour: str

    def __new__(cls, value: str, meaning: str, colour: str) -> "Standing":
        """Make a standing that is its own word."""
        standing = str.__new__(cls, value)
        standing._value_, standing.meaning, standing.colour = value, meaning, colour
        return standing

    ANSWERED = "answered", "our figures left, protected or masked as its path says", "green"
    REFUSED = "refused", "nothing of ours left, for the reason that this node signed", "red"
    HELD = "held", "it waits for one of our officers, and nothing of ours has left", "yellow"
    EXPIRED = "expired", "its time is up, and nothing of ours left", "grey"
    UNDER_WAY = "under way", "this node is about to answer it, and nothing has left yet", "grey"


@dataclass(frozen=True)
class ComeQuery:
    """One query that came here, and where it stands; `code` and `text` are of the refusal."""

    digest: str
    envelope: Envelope
    manifest: Manifest
    came_at: str
    standing: Standing
    code: str
    text: str


def note_come(node: Node, approved: Approved, envelope: Envelope) -> None:
    """Keep a query that came here with its approvals, once."""
    connection = node.database.connection
    if connection.execute("SELECT 1 FROM queries_come WHERE digest = ?", (approved.digest,)).fetchone():
        return
    manifest, now = approved.manifest, stamp(node.clock())
    row = (approved.digest, manifest.query_id, now, stamp(manifest.expires_at), write_envelope(envelope))
    with node.database.transaction() as writing:
        writing.execute(
            "INSERT OR IGNORE INTO queries_come (digest, query_id, came_at, expires_at, envelope) "
            "VALUES (?, ?, ?, ?, ?)",
            row,
        )


def note_refused(connection: Connection, digest: str, refused: Refused) -> bool:
    """Keep why a query was refused, inside the caller's transaction, unless it was answered before.

    Returns whether that is new: the same may be handed out any number of times.
    """
    noted = connection.execute(
        "UPDATE queries_come SET code = ?, text = ? WHERE digest = ? AND NOT (code = ? AND text = ?) "
        "AND NOT EXISTS (SELECT 1 FROM manifests WHERE manifests.digest = queries_come.digest AND reply IS NOT NULL)",
        (refused.code, refused.text, digest, refused.code, refused.text),
    )
    return noted.rowcount == 1


_FOUND = """SELECT come.*,
    EXISTS (SELECT 1 FROM manifests WHERE manifests.digest = come.digest AND reply IS NOT NULL) AS replied,
    EXISTS (SELECT 1 FROM sum_attempts WHERE manifest_digest = come.digest AND contribution IS NOT NULL) AS added,
    EXISTS (SELECT 1 FROM held_queries WHERE held_queries.digest = come.digest AND decided_at = '') AS waits
    FROM queries_come AS come"""


def list_come(node: Node) -> tuple[ComeQuery, ...]:
    """Return the queries that came here, newest first."""
    rows = node.database.connection.execute(
        f"{_FOUND} ORDER BY came_at DESC, query_id LIMIT ?",
        (MOST_LISTED,),
    )
    return tuple(_read_row(node, row) for row in rows)


def find_come(node: Node, query_id: str) -> ComeQuery | None:
    """Return the query of an id, the newest where the hub gave it to two, or None where none came."""
    row = node.database.connection.execute(
        f"{_FOUND} WHERE query_id = ? ORDER BY came_at DESC LIMIT 1",
        (query_id,),
    ).fetchone()
    return None if row is None else _read_row(node, row)


def _read_row(node: Node, row: Row) -> ComeQuery:
    envelope = read_envelope(bytes(row["envelope"]), MANIFEST_TYPE)
    standing = _name_standing(row, stamp(node.clock()))
    return ComeQuery(
        row["digest"], envelope, read_manifest(envelope), row["came_at"], standing, row["code"], row["text"]
    )


def _name_standing(row: Row, now: str) -> Standing:
    if row["added"] or (row["replied"] and not row["code"]):
        return Standing.ANSWERED
    if row["waits"] and row["expires_at"] > now:
        return Standing.HELD
    if row["code"]:
        return Standing.REFUSED
    return Standing.EXPIRED if row["expires_at"] <= now else Standing.UNDER_WAY

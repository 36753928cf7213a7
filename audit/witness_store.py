"""What a witness has signed, and what witnesses have signed of this party's own log, in the party's database.

Everything here runs in a transaction of the caller's, so that a cosignature is on disk before it leaves, and of two
threads that answer offers at once the second sees what the first has signed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

from audit.checkpoint import Checkpoint, Signer, VerifierKey, parse_checkpoint, split_note
from audit.connection import Connection
from audit.cosignature import add_cosignature, cosign, read_cosignatures, verify_cosignature
from audit.event import format_time
from audit.log import read_checkpoint
from audit.tables import select
from audit.witness import DISPUTES, Offer, Refusal, WitnessRefused, judge_offer

SCHEMA = Path(__file__).with_name("witness.sql")

LONGEST_ROUND = timedelta(minutes=5)
"""How long witnesses that are away are waited for before all are asked about a newer checkpoint."""

MOST_EVIDENCE = 16
"""How many pairs of notes are kept of one log: the first is enough, and nobody can fill our disk with more."""


@dataclass(frozen=True)
class Evidence:
    """Two notes of one log that a witness found at odds."""

    origin: str
    reason: Refusal
    kept: str
    offered: str
    seen_at: str


@dataclass(frozen=True)
class Cosigned:
    """A checkpoint of our own log with the cosignatures that came back so far."""

    size: int
    note: str
    cosignatures: int
    offered_at: str


# --- As a witness of others ------------------------------------------------------------------------------------------


def read_witnessed(connection: Connection, origin: str) -> tuple[Checkpoint | None, str]:
    """Return the last checkpoint of a log that was signed here, and the cosignature; None and nothing before that."""
    rows = select(connection, "SELECT note, cosignature FROM audit_witnessed WHERE origin = ?", origin)
    for note, line in rows:
        return parse_checkpoint(split_note(bytes(note))[0]), bytes(line).decode()
    return None, ""


def list_witnessed(connection: Connection) -> dict[str, int]:
    """Return the size up to which each log was signed here, by origin."""
    return dict(select(connection, "SELECT origin, size FROM audit_witnessed ORDER BY origin"))


def answer_offer(
    connection: Connection, offer: Offer, origin: str, public_key: bytes, signer: Signer, now: datetime
) -> str:
    """Return this witness's cosignature of what a log offers, having kept it, inside the caller's transaction.

    A checkpoint that was signed already gets the very line that it got. Raises WitnessRefused, and keeps nothing then:
    `keep_evidence` is for the caller, who has an entry to log with it.
    """
    kept, line = read_witnessed(connection, origin)
    offered = judge_offer(kept, offer, origin, public_key)
    if offered == kept:
        return line
    line = cosign(offered, signer, int(now.timestamp()))
    connection.execute(
        "INSERT INTO audit_witnessed (origin, size, note, cosignature) VALUES (?, ?, ?, ?) ON CONFLICT (origin) "
        "DO UPDATE SET size = excluded.size, note = excluded.note, cosignature = excluded.cosignature",
        (origin, offered.size, offer.note.encode(), line.encode()),
    )
    return line


def keep_evidence(
    connection: Connection, offer: Offer, origin: str, refused: WitnessRefused, now: datetime
) -> Evidence | None:
    """Keep the note signed before and the one refused now, inside the caller's transaction; return them if new.

    What is no dispute, or is known, or comes after many others, is not kept, and None is returned.
    """
    if refused.reason not in DISPUTES:
        return None
    kept = next(select(connection, "SELECT note FROM audit_witnessed WHERE origin = ?", origin))[0]
    known = next(select(connection, "SELECT count(*) FROM audit_evidence WHERE origin = ?", origin))[0]
    if known >= MOST_EVIDENCE:
        return None
    evidence = Evidence(origin, refused.reason, bytes(kept).decode(), offer.note, format_time(now))
    written = connection.execute(
        "INSERT INTO audit_evidence (origin, digest, reason, kept, offered, seen_at) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT DO NOTHING",
        (origin, _name_pair(evidence), refused.reason.value, kept, offer.note.encode(), evidence.seen_at),
    )
    return evidence if written.rowcount == 1 else None


def _name_pair(evidence: Evidence) -> str:
    return sha256(f"{evidence.kept}\0{evidence.offered}".encode()).hexdigest()


def read_evidence(connection: Connection) -> Iterator[Evidence]:
    """Yield the disputes that this witness has seen, oldest first."""
    rows = select(connection, "SELECT origin, reason, kept, offered, seen_at FROM audit_evidence ORDER BY seen_at")
    for origin, reason, kept, offered, seen_at in rows:
        yield Evidence(origin, Refusal(reason), bytes(kept).decode(), bytes(offered).decode(), seen_at)


# --- The witnesses of our own log ------------------------------------------------------------------------------------


def find_round(connection: Connection, quorum: int, now: datetime) -> Cosigned:
    """Return the checkpoint that witnesses are asked about, in the caller's transaction.

    It is one at a time, so that their cosignatures come together on it: when `quorum` have signed, or some are away for
    long, the newest is next.
    """
    current = newest_round(connection)
    if current and current.cosignatures < quorum and current.offered_at >= format_time(now - LONGEST_ROUND):
        return current
    return _open_round(connection, quorum, now)


def _open_round(connection: Connection, quorum: int, now: datetime) -> Cosigned:
    complete = newest_cosigned(connection, quorum)
    if complete is not None:
        # What a later tree proves of an entry is no less than what an earlier one did.
        connection.execute("DELETE FROM audit_cosigned WHERE size < ?", (complete.size,))
    newest = read_checkpoint(connection)
    connection.execute(
        "INSERT INTO audit_cosigned (size, note, cosignatures, offered_at) VALUES (?, ?, 0, ?) ON CONFLICT DO NOTHING",
        (newest.size, newest.note, format_time(now)),
    )
    opened = newest_round(connection)
    assert opened is not None
    return opened


def newest_round(connection: Connection) -> Cosigned | None:
    """Return the checkpoint that witnesses are asked about now, if there is one."""
    return _read_one(connection, "ORDER BY size DESC LIMIT 1")


def newest_cosigned(connection: Connection, quorum: int) -> Cosigned | None:
    """Return the newest checkpoint that at least `quorum` witnesses have cosigned."""
    return _read_one(connection, "WHERE cosignatures >= ? ORDER BY size DESC LIMIT 1", quorum)


def best_cosigned(connection: Connection, beyond: int) -> Cosigned | None:
    """Return the checkpoint of more than `beyond` entries that most witnesses have cosigned, if any has."""
    which = "WHERE size > ? AND cosignatures > 0 ORDER BY cosignatures DESC, size DESC LIMIT 1"
    return _read_one(connection, which, beyond)


def add_to_round(connection: Connection, size: int, line: str, witness: VerifierKey) -> bool:
    """Add a witness's cosignature to the checkpoint of a size; tell whether it is a new one.

    A checkpoint that nobody was asked about takes none. Raises CheckpointError where the line does not hold.
    """
    asked = _read_one(connection, "WHERE size = ?", size)
    if asked is None:
        return False
    verify_cosignature(line, parse_checkpoint(split_note(asked.note)[0]), witness)
    if witness.name in read_cosignatures(asked.note, [witness]):
        return False
    note = add_cosignature(asked.note, line)
    connection.execute(
        "UPDATE audit_cosigned SET note = ?, cosignatures = cosignatures + 1 WHERE size = ?", (note.encode(), size)
    )
    return True


def _read_one(connection: Connection, which: str, *values: int) -> Cosigned | None:
    statement = f"SELECT size, note, cosignatures, offered_at FROM audit_cosigned {which}"  # noqa: S608 - our own words
    for size, note, cosignatures, offered_at in select(connection, statement, *values):
        return Cosigned(size, bytes(note).decode(), cosignatures, offered_at)
    return None

"""Attempts (S1): one try at opening one approved manifest, in a slot used for nothing else, as the hub keeps it.

An attempt and everything that came in for it are kept, reveals apart, so that a hub that was stopped goes on where it
was. `hub.sums.beginning` makes attempts, and `hub.sums.gathering` reads back what came in for one.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

import msgspec

from audit.connection import Connection, Row
from federation.envelope import Envelope, Signature, seal_envelope
from federation.manifest import Manifest
from federation.secure_sum.facts import name_abort
from federation.secure_sum.messages import ABORT_TYPE, ATTEMPT_TYPE, Attempt, SumRoster, SurvivorSet
from federation.secure_sum.signing import read_payload
from federation.wire import decode_document, encode_document
from hub.dispatch import withdraw
from hub.service import Hub
from hub.sums.rosters import find_roster


class AttemptState(StrEnum):
    """The life of an attempt at the hub."""

    OPEN = "open"
    """Contributions, signatures or reveals are awaited."""
    ABORTING = "aborting"
    """It cannot succeed; nodes are asked to promise that it is over, so that there can be another."""
    FAILED = "failed"
    OPENED = "opened"


class ArrivalKind(StrEnum):
    """What came in from a node for an attempt."""

    CONTRIBUTION = "contribution"
    REFUSAL = "refusal"
    SIGNATURE = "signature"
    REVEAL = "reveal"
    """Sealed: see `hub.sums.memory`."""
    ABORT = "abort"


@dataclass(frozen=True)
class StoredAttempt:
    """An attempt as the hub keeps it."""

    digest: str
    number: int
    roster: SumRoster
    state: AttemptState
    started_at: datetime
    attempt: Attempt
    signed: Envelope
    """The attempt as the hub signed it."""
    survivors: SurvivorSet | None

    @property
    def place(self) -> tuple[str, int]:
        """By which it is known: the manifest's digest and the attempt's number."""
        return self.digest, self.number

    @property
    def reference(self) -> str:
        """What every delivery for it says that it is about."""
        return refer_to(*self.place)


def refer_to(digest: str, number: int) -> str:
    """Return what deliveries for an attempt say that they are about."""
    return f"{digest}/{number}"


def find_attempt(hub: Hub, digest: str) -> StoredAttempt | None:
    """Return the newest attempt at a manifest."""
    row = last_row(hub.database.connection, digest)
    return None if row is None else _read_attempt(hub, row)


def last_row(connection: Connection, digest: str) -> Row | None:
    """Return the newest attempt at a manifest as it is stored, inside the caller's transaction."""
    row: Row | None = connection.execute(
        "SELECT * FROM sum_attempts WHERE digest = ? ORDER BY number DESC LIMIT 1", (digest,)
    ).fetchone()
    return row


def _read_attempt(hub: Hub, row: Row) -> StoredAttempt:
    envelope, attempt = _read_signed(bytes(row["attempt"]))
    return StoredAttempt(
        digest=row["digest"],
        number=row["number"],
        roster=find_roster(hub, row["roster"]),
        state=AttemptState(row["state"]),
        started_at=datetime.fromisoformat(row["started_at"]),
        attempt=attempt,
        signed=envelope,
        survivors=None if row["survivors"] is None else decode_document(row["survivors"], SurvivorSet),
    )


@lru_cache(maxsize=64)
def _read_signed(data: bytes) -> tuple[Envelope, Attempt]:
    """Read an attempt as the hub signed it; once, since everything that comes in for it asks."""
    envelope = decode_document(data, Envelope)
    return envelope, read_payload(envelope, ATTEMPT_TYPE, Attempt)


def move_attempt(connection: Connection, attempt: StoredAttempt, after: AttemptState) -> bool:
    """Move an attempt on from the state it was found in, inside the caller's transaction; say whether it was in it.

    What was asked of nodes for it is withdrawn: nobody need reveal what is not needed any more.
    """
    moved = connection.execute(
        "UPDATE sum_attempts SET state = ? WHERE digest = ? AND number = ? AND state = ?",
        (after, *attempt.place, attempt.state),
    )
    if moved.rowcount == 1:
        withdraw(connection, attempt.reference)
    return bool(moved.rowcount == 1)


def name_survivors_once(hub: Hub, attempt: StoredAttempt, survivors: SurvivorSet) -> bool:
    """Keep the one smaller set that an attempt may be opened for; False where another process has named another."""
    data = encode_document(survivors)
    with hub.database.transaction() as connection:
        connection.execute(
            "UPDATE sum_attempts SET survivors = ? WHERE digest = ? AND number = ? AND survivors IS NULL",
            (data, *attempt.place),
        )
        (kept,) = connection.execute(
            "SELECT survivors FROM sum_attempts WHERE digest = ? AND number = ?", attempt.place
        ).fetchone()
    return bool(kept == data)


def find_aborts(connection: Connection, attempt: StoredAttempt) -> Envelope | None:
    """Return t aborts of the attempt before one, each verified when it came in; None where its time was up first."""
    before, threshold = attempt.number - 1, attempt.roster.threshold
    rows = connection.execute(
        "SELECT attempt, body FROM sum_arrivals JOIN sum_attempts USING (digest, number) "
        "WHERE digest = ? AND number = ? AND kind = ? ORDER BY node LIMIT ?",
        (attempt.digest, before, ArrivalKind.ABORT, threshold),
    ).fetchall()
    if len(rows) < threshold:
        return None
    first = read_payload(decode_document(rows[0]["attempt"], Envelope), ATTEMPT_TYPE, Attempt)
    signatures = tuple(decode_document(row["body"], Signature) for row in rows)
    return msgspec.structs.replace(seal_envelope(encode_document(name_abort(first)), ABORT_TYPE), signatures=signatures)


def find_template(connection: Connection, manifest: Manifest) -> Envelope | None:
    """Return the signed template that a manifest is a run of."""
    if not manifest.template:
        return None
    row = connection.execute("SELECT envelope FROM templates WHERE digest = ?", (manifest.template,)).fetchone()
    return None if row is None else decode_document(row["envelope"], Envelope)

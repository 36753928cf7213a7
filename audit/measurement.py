"""Measuring a log: durable appends one by one and in batches, proofs from a large log, and verifying it whole.

The entries of the large log are opaque: bytes of which nobody asks what they say, as a verifier does not. Everything
runs on one core, in a database in the directory that is given, and every commit is synced to its disk.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice, repeat
from pathlib import Path
from random import Random

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.checkpoint import Checkpoint, sign_checkpoint
from audit.entry import SALT_SIZE
from audit.event import Action, AuditEvent
from audit.log import AuditLog, inclusion_proof
from audit.merkle import Frontier, hash_leaf, verify_inclusion
from audit.tables import insert_entries
from audit.verifier import verify_log

BATCH = 10_000
"""Entries that one transaction appends where they are appended in batches."""

PROOFS = 1_000
"""Proofs that are made from the large log, at random entries."""

ORIGIN = "hub"
OPAQUE = b"an entry of which nobody asks what it says"
START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)

Row = dict[str, str | int | float]


class SeedSigner:
    """Signs the checkpoints of logs that are made to be measured."""

    name = ORIGIN

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(bytes(32))
        self.public_key = self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes, /) -> bytes:
        """Return a signature."""
        return self._key.sign(message)


def measure_appends(directory: Path, entries: int, *, batch: int) -> Row:
    """Append so many events durably, `batch` to a transaction."""
    work = "append" if batch == 1 else "batch"
    log, waiting = AuditLog(ORIGIN, SeedSigner()), iter([_make_event(number) for number in range(entries)])
    with _open(directory / f"{work}.sqlite", log) as connection:
        clock = _start()
        while events := tuple(islice(waiting, batch)):
            connection.execute("BEGIN IMMEDIATE")
            log.append(connection, *events)
            connection.execute("COMMIT")
        return _row(work, entries, clock())


def _make_event(number: int) -> AuditEvent:
    """An event as lookups have them."""
    return AuditEvent(
        at=START + timedelta(seconds=number),
        actor="vsh@la-301",
        action=Action.LOOKUP_ASKED,
        acting_for="la-301",
        purpose="Termly review of the plan",
        subject=f"{number:032x}",
        relationship="home",
        fields=("attendance_rate", "school_urn"),
        policy_version="0123456789abcdef",
        reference=f"L-{number:032x}",
        details={"rows": 1},
    )


def measure_large_log(directory: Path, entries: int) -> Iterator[Row]:
    """Make a log of opaque entries; measure proofs of random entries from it, and verifying it whole."""
    signer = SeedSigner()
    with _open(directory / "large.sqlite", AuditLog(ORIGIN, signer)) as connection:
        root = _fill(connection, entries, signer)
        # Of the first and the last entry a verifier tells the times: those two are events.
        indices, leaf = Random(7).choices(range(1, entries - 1), k=PROOFS), hash_leaf(bytes(SALT_SIZE) + OPAQUE)  # noqa: S311
        clock = _start()
        proofs = [inclusion_proof(connection, index, entries) for index in indices]
        yield _row("proof", PROOFS, clock())
        for index, proof in zip(indices, proofs, strict=True):
            verify_inclusion(index, entries, leaf, root, proof)
        clock = _start()
        verify_log(connection, ORIGIN, signer.public_key)
        yield _row("verify", entries, clock())


def _fill(connection: sqlite3.Connection, entries: int, signer: SeedSigner) -> bytes:
    """Write entries as the log does, but for what they say; return the root."""
    tree, salt, event = Frontier(), bytes(SALT_SIZE), _make_event(0).to_bytes()
    connection.execute("BEGIN IMMEDIATE")
    for first in range(0, entries, BATCH):
        indices = range(first, min(first + BATCH, entries))
        bodies = [event if index in (0, entries - 1) else OPAQUE for index in indices]
        hashes = tree.extend(hash_leaf(salt + body) for body in bodies)
        insert_entries(connection, zip(indices, repeat(salt), bodies, hashes, strict=False))
    note = sign_checkpoint(Checkpoint(ORIGIN, entries, tree.root()), signer).encode()
    connection.execute("INSERT INTO audit_checkpoints (size, note) VALUES (?, ?)", (entries, note))
    connection.execute("UPDATE audit_head SET size = ?", (entries,))
    connection.execute("COMMIT")
    return tree.root()


@contextmanager
def _open(path: Path, log: AuditLog) -> Iterator[sqlite3.Connection]:
    """Make a database as a party has it, with an empty log in it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA cache_size = -8192")
        connection.execute("BEGIN IMMEDIATE")
        log.create(connection)
        connection.execute("COMMIT")
        yield connection


def _start() -> Callable[[], tuple[float, float]]:
    begun, used = time.perf_counter(), time.process_time()
    return lambda: (time.perf_counter() - begun, time.process_time() - used)


def _row(work: str, entries: int, taken: tuple[float, float]) -> Row:
    seconds, cpu = taken
    return {
        "tool": "circe",
        "work": work,
        "entries": entries,
        "seconds": round(seconds, 4),
        "per_second": round(entries / seconds, 1),
        "cpu_seconds": round(cpu, 4),
        "per_cpu_second": round(entries / max(cpu, 1e-9), 1),
    }

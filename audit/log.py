"""The audit log of one party, in the party's own database (audit/tables.py has the tables).

An append joins the transaction of the act that it records: both are kept, or neither. Callers open it in a way that
makes writers wait for one another, processes as well as threads: BEGIN IMMEDIATE in SQLite, a lock of their own in
PostgreSQL. Under a plain BEGIN two writers may read the same head, and the later one fails. Nothing here begins,
commits or rolls back a transaction that it writes in.

Every entry keeps the hashes of the complete subtrees that it finishes. So the peaks of the tree, and any proof, are a
few reads by key, and nothing stored is ever changed but the head.
"""

import heapq
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from operator import attrgetter
from pathlib import Path

from audit.checkpoint import Checkpoint, CheckpointError, Signer, check_name, sign_checkpoint, verify_checkpoint
from audit.connection import Connection
from audit.entry import SALT_SIZE, Entry, EntryRow, SignedCheckpoint, hash_entry
from audit.event import Action, AuditEvent, format_time
from audit.merkle import (
    HASH_SIZE,
    Frontier,
    ProofError,
    Subtrees,
    list_peaks,
    prove_consistency,
    prove_inclusion,
)
from audit.tables import add_later_indexes, create_tables, dialect_of, has_log, insert_entries, select, stream


class LogError(Exception):
    """The log cannot be made or extended as asked; nothing was written."""


class LogUnreadable(Exception):
    """There is no audit log where one was looked for, or it cannot be read."""


# --- Reading -------------------------------------------------------------------------------------------------------


def open_log(path: Path) -> Connection:
    """Open a database for reading alone. Raises LogUnreadable if it holds no log or cannot be read."""
    try:
        with ExitStack() as on_failure:
            connection = on_failure.enter_context(closing(sqlite3.connect(_locate(path), uri=True)))
            if has_log(connection):
                on_failure.pop_all()
                return connection
    except (OSError, sqlite3.Error) as error:
        raise LogUnreadable(f"{path} cannot be read as an SQLite database ({error})") from None
    raise LogUnreadable(f"{path} has no audit log in it")


def _locate(path: Path) -> str:
    """Name a database to SQLite so that reading it leaves no trace.

    A plain reader of a WAL database that nobody has open would leave -wal and -shm files behind, owned by whoever
    reads and then in the way of whoever writes. Such a database is read as it lies.
    """
    with path.open("rb") as file:
        header = file.read(20)  # bytes 18 and 19 of SQLite's format are 2 when writes go by way of a WAL
    asleep = header[18:] == b"\x02\x02" and not path.with_name(f"{path.name}-wal").exists()
    return f"{path.resolve().as_uri()}?mode=ro{'&immutable=1' if asleep else ''}"


def find_oddities(connection: Connection) -> list[str]:
    """Return the names of what stands in the database for the log and is not as its schema has it.

    A view in place of a table, a search column with a life of its own, or a trigger could show a reader something else
    than what is verified.
    """
    return dialect_of(connection).find_oddities(connection)


def read_head(connection: Connection) -> tuple[str, int]:
    """Return the log's origin and size. Raises LogUnreadable if there is no log."""
    if not has_log(connection):
        raise LogUnreadable("this database has no audit log in it: create it first")
    origin, size = next(select(connection, dialect_of(connection).head))
    return origin.decode(errors="replace"), size


def read_checkpoint(connection: Connection) -> SignedCheckpoint:
    """Return the newest checkpoint. Raises LogUnreadable if there is none."""
    for row in select(connection, f"{dialect_of(connection).checkpoint} ORDER BY size DESC LIMIT 1"):
        return SignedCheckpoint(*row)
    raise LogUnreadable("the audit log in this database has no checkpoint")


def read_entries(
    connection: Connection,
    *,
    action: Action | None = None,
    actor: str | None = None,
    subject: str | None = None,
    reference: str | None = None,
    index: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int | None = None,
) -> Iterator[Entry]:
    """Search the log, newest entry first; what is not given does not matter. `since` is inclusive, `until` not."""
    wanted = {
        "action = ?": action,
        "actor = ?": actor,
        "subject = ?": subject,
        "reference = ?": reference,
        "idx = ?": index,
        "at >= ?": format_time(since) if since else None,
        "at < ?": format_time(until) if until else None,
    }
    asked = {clause: value for clause, value in wanted.items() if value is not None}
    where = " AND ".join(["TRUE", *asked])
    dialect = dialect_of(connection)
    query = f"{dialect.entry} WHERE {where} ORDER BY idx DESC LIMIT ?"
    try:
        for row in select(connection, query, *asked.values(), dialect.no_limit if limit is None else limit):
            yield Entry(*row)
    except connection.DatabaseError as error:
        raise LogUnreadable(f"the audit log cannot be searched ({error}): verify it") from None


def read_history(connection: Connection) -> Iterator[Entry | SignedCheckpoint]:
    """Read everything in the order it came about, each checkpoint after the last entry that it covers."""
    entries = (Entry(*row) for row in read_entry_rows(connection))
    return heapq.merge(entries, read_checkpoints(connection), key=attrgetter("size"))


def read_entry_rows(connection: Connection) -> Iterator[EntryRow]:
    """Read every entry as it is stored, oldest first."""
    return stream(connection, f"{dialect_of(connection).entry} ORDER BY idx")


def read_checkpoints(connection: Connection) -> Iterator[SignedCheckpoint]:
    """Read every checkpoint, oldest first."""
    rows = stream(connection, f"{dialect_of(connection).checkpoint} ORDER BY size")
    return (SignedCheckpoint(*row) for row in rows)


@contextmanager
def one_view(connection: Connection) -> Iterator[None]:
    """See one state of the log, however many reads it takes and whoever writes meanwhile."""
    if connection.in_transaction:
        yield
        return
    connection.execute(dialect_of(connection).view)
    try:
        yield
    finally:
        connection.rollback()


def inclusion_proof(connection: Connection, index: int, size: int) -> list[bytes]:
    """Prove that the entry is in the log as it was at that size. Raises ProofError if it was not."""
    _check_reached(connection, size)
    return prove_inclusion(index, size, _subtrees(connection))


def consistency_proof(connection: Connection, size1: int, size2: int) -> list[bytes]:
    """Prove that the log at size2 continues the log at size1. Raises ProofError unless 0 < size1 <= size2."""
    _check_reached(connection, size2)
    return prove_consistency(size1, size2, _subtrees(connection))


def _check_reached(connection: Connection, size: int) -> None:
    if size > read_head(connection)[1]:
        raise ProofError(f"the log has not reached {size} entries")


def _subtrees(connection: Connection) -> Subtrees:
    """Read the hash of a complete subtree from the entry that finished it."""

    def read(level: int, position: int) -> bytes:
        last = ((position + 1) << level) - 1
        where = HASH_SIZE * level + 1
        rows = select(connection, "SELECT substr(hashes, ?, 32) FROM audit_entries WHERE idx = ?", where, last)
        return b"".join(digest for (digest,) in rows)

    return read


def _read_tree(connection: Connection, size: int) -> Frontier:
    """Read the tree of a size: each of its peaks from the entry that finished it, all in one statement."""
    if not size:
        return Frontier()
    levels = {((position + 1) << level) - 1: level for level, position in list_peaks(size)}
    places = ", ".join("?" * len(levels))
    rows = select(
        connection,
        f"SELECT idx, hashes FROM audit_entries WHERE idx IN ({places})",  # noqa: S608 - placeholders alone
        *levels,
    )
    found = {last: hashes[HASH_SIZE * levels[last] :][:HASH_SIZE] for last, hashes in rows}
    # What is missing makes another root than the one that was signed.
    return Frontier(size, [found.get(last, b"") for last in levels])


# --- Writing -------------------------------------------------------------------------------------------------------


class AuditLog:
    """The writing end of a log, for the one who can sign for it.

    `origin` is the name of the log in every checkpoint, and the signer's key is named after it. Raises
    CheckpointError if they differ or the name is no origin.
    """

    entries = staticmethod(read_entries)
    inclusion_proof = staticmethod(inclusion_proof)
    consistency_proof = staticmethod(consistency_proof)

    def __init__(self, origin: str, signer: Signer) -> None:
        check_name(origin)
        if signer.name != origin:
            raise CheckpointError("the signer is not named after the origin of the log")
        self.origin = origin
        self._signer = signer
        self._ours: tuple[bytes, Checkpoint] | None = None

    def create(self, connection: Connection) -> None:
        """Make the tables and sign the empty log, in the caller's transaction; a log that is there stays as it is.

        Raises LogError outside a transaction, or if the log that is there has another origin.
        """
        _check_transaction(connection)
        if has_log(connection):
            self._read_size(connection)
            add_later_indexes(connection)
            return
        create_tables(connection)
        connection.execute("INSERT INTO audit_head (id, origin, size) VALUES (1, ?, 0)", (self.origin,))
        _insert_checkpoint(connection, 0, self._sign(Frontier()))

    def append(self, connection: Connection, *events: AuditEvent) -> int:
        """Add events, in order, under one new checkpoint; return the index of the first.

        Raises LogError outside a transaction, if another writer was quicker, or if what is stored is not what this
        log signed last; EventInvalid if an event is too long. All of it before anything is written.
        """
        _check_transaction(connection)
        size = self._read_size(connection)
        if not events:
            return size
        tree = _read_tree(connection, size)
        self._check_signed(connection, tree)
        rows = _make_rows(tree, events)
        note = self._sign(tree)
        _move_head(connection, size, tree.size)
        insert_entries(connection, rows)
        _insert_checkpoint(connection, tree.size, note)
        return size

    def latest_checkpoint(self, connection: Connection) -> str:
        """Return the note of the newest checkpoint. Raises LogUnreadable if the log was not created."""
        return read_checkpoint(connection).note.decode()

    def _read_size(self, connection: Connection) -> int:
        origin, size = read_head(connection)
        if origin != self.origin:
            raise LogError("this database holds the log of another origin")
        return size

    def _check_signed(self, connection: Connection, tree: Frontier) -> None:
        """Check the tree against our last signature, for to sign on top of an edit would make the edit good."""
        signed = self._read_signed(read_checkpoint(connection).note)
        if (signed.size, signed.root) != (tree.size, tree.root()):
            raise LogError("the log is not what its last checkpoint signed: verify the log")

    def _read_signed(self, note: bytes) -> Checkpoint:
        """Read what a note of ours says; the very note that was signed here last need not be verified once more."""
        ours = self._ours
        if ours is not None and ours[0] == note:
            return ours[1]
        try:
            return verify_checkpoint(note, self.origin, self._signer.public_key)
        except CheckpointError as error:
            raise LogError(f"the last checkpoint is not ours ({error}): verify the log") from None

    def _sign(self, tree: Frontier) -> str:
        checkpoint = Checkpoint(self.origin, tree.size, tree.root())
        note = sign_checkpoint(checkpoint, self._signer)
        self._ours = note.encode(), checkpoint
        return note


def _check_transaction(connection: Connection) -> None:
    if not connection.in_transaction:
        raise LogError("no transaction is open: begin one before the act that the entry records")


def _make_rows(tree: Frontier, events: Sequence[AuditEvent]) -> Iterator[EntryRow]:
    """Return the rows of events, each with a salt of its own, and let the tree grow by them."""
    first, bodies = tree.size, [event.to_bytes() for event in events]
    drawn = secrets.token_bytes(SALT_SIZE * len(events))
    salts = [drawn[place : place + SALT_SIZE] for place in range(0, len(drawn), SALT_SIZE)]
    hashes = tree.extend(map(hash_entry, salts, bodies))
    return zip(range(first, tree.size), salts, bodies, hashes, strict=True)


def _move_head(connection: Connection, old: int, new: int) -> None:
    # The head moves by compare-and-set: of two writers who read the same size, only one finds it still there, whatever
    # the isolation of their transactions. So no two signed trees of this log share a size and differ.
    moved = connection.execute("UPDATE audit_head SET size = ? WHERE id = 1 AND size = ?", (new, old)).rowcount
    if moved != 1:
        raise LogError("another writer extended the log first: roll back and try again")


def _insert_checkpoint(connection: Connection, size: int, note: str) -> None:
    connection.execute("INSERT INTO audit_checkpoints (size, note) VALUES (?, ?)", (size, note.encode()))

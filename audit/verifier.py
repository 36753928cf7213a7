"""The verifier: recomputes a whole log from its entries and believes only the log's public key.

In one pass over entries and checkpoints, in order:

1. entries are numbered 0, 1, 2 ... without a hole;
2. each salt and body give the stored leaf hash, and the tree grown from the leaves gives every other stored hash;
3. each checkpoint is signed by the log's key, for the size it is filed under, and sizes rise;
4. the root of the tree at that size is the root that was signed;
5. the last checkpoint covers the last entry;
6. the log's own count of its entries, and its origin, agree;
7. in a database, the tables are those of the schema and nothing hangs on them, so that a search shows what is verified;
8. of an entry whose body was deleted when its time was over, the hash is there, and a later entry of the log says that
   just these bodies were deleted (audit/deletions.py);
9. a checkpoint that was kept elsewhere, where one is given, is of this log: it reaches that size, with that root.

What this cannot see by itself: a log cut back to an earlier state, entries and checkpoints together, is a true log of
that moment. Whoever kept a later checkpoint (a witness, another party, a release that quotes one) can tell: step 9. Nor
can it see what its owner never recorded, or a past rewritten with the owner's key that nobody witnessed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import chain
from pathlib import Path

from audit.checkpoint import Checkpoint, CheckpointError, verify_checkpoint
from audit.connection import Connection
from audit.deletions import Deletions
from audit.entry import SALT_SIZE, Entry, EntryRow, SignedCheckpoint, read_mark
from audit.event import EventInvalid, parse_event
from audit.export import ExportInvalid, read_header, read_records
from audit.log import LogUnreadable, find_oddities, one_view, read_checkpoints, read_entry_rows, read_head
from audit.merkle import HASH_SIZE, MAX_SIZE, Frontier


class LogBroken(Exception):
    """The log is not whole: `entry` is the first entry that it no longer vouches for, `reason` says why."""

    def __init__(self, entry: int, reason: str) -> None:
        super().__init__(f"entry {entry}: {reason}")
        self.entry = entry
        self.reason = reason


@dataclass(frozen=True)
class LogSummary:
    """A log that was found whole.

    `first` and `last` are the times of its first and last entry, None if empty or deleted; of `deleted` entries the
    hash alone is left.
    """

    origin: str
    entries: int
    root: bytes
    checkpoints: int
    first: datetime | None
    last: datetime | None
    deleted: int = 0


def verify_log(connection: Connection, origin: str, public_key: bytes, kept: Checkpoint | None = None) -> LogSummary:
    """Verify a log in its database, as it is at this moment, and that it still is what was `kept` of it elsewhere.

    Raises LogBroken at the first thing wrong, LogUnreadable if there is no log to verify.
    """
    replay = _Replay(origin, public_key, kept)
    try:
        with one_view(connection):
            head = read_head(connection)
            if odd := find_oddities(connection):
                raise LogBroken(0, f"{', '.join(odd)}: not as the log's schema has it")
            replay.add_all(read_entry_rows(connection), read_checkpoints(connection))
    except connection.OperationalError as error:
        raise LogUnreadable(f"the audit log cannot be read ({error})") from None
    except connection.DatabaseError:
        raise LogBroken(replay.size, "the database file is damaged from here on") from None
    return replay.finish(*head)


def verify_export(path: Path, origin: str, public_key: bytes, kept: Checkpoint | None = None) -> LogSummary:
    """Verify an exported log. Raises LogBroken at the first thing wrong, LogUnreadable if it is no export."""
    replay = _Replay(origin, public_key, kept)
    try:
        with path.open("rb") as file:
            head = read_header(file)
            replay.add_each(read_records(file))
    except OSError as error:
        raise LogUnreadable(f"{path} cannot be read ({error.strerror})") from None
    except ExportInvalid as error:
        raise LogBroken(replay.size, str(error)) from None
    return replay.finish(*head)


class _Replay:
    """A tree grown anew from what the log holds, and how much of it the checkpoints seen so far vouch for."""

    def __init__(self, origin: str, public_key: bytes, kept: Checkpoint | None) -> None:
        self._origin = origin
        self._public_key = public_key
        self._kept = kept
        self._tree = Frontier()
        self._checkpoints = 0
        self._vouched = 0
        self._first: EntryRow | None = None
        self._last: EntryRow | None = None
        self._deletions = Deletions()

    @property
    def size(self) -> int:
        return self._tree.size

    def add_all(self, rows: Iterator[EntryRow], checkpoints: Iterable[SignedCheckpoint]) -> None:
        """Add everything in the order it came about, each checkpoint after the last entry that it covers."""
        for stored in checkpoints:
            rows = self._add_entries(rows, stored.size)
            self._add_checkpoint(stored)
        self._add_entries(rows, MAX_SIZE)

    def add_each(self, records: Iterable[Entry | SignedCheckpoint]) -> None:
        """Add the records of a file, in their order."""
        for record in records:
            if isinstance(record, Entry):
                row = (record.index, record.salt, record.body, record.hashes)
                self._add_entries(iter([row]), MAX_SIZE)
            else:
                self._add_checkpoint(record)

    def _add_entries(self, rows: Iterator[EntryRow], end: int) -> Iterator[EntryRow]:
        """Add the entries up to the size of the next checkpoint; return those that are left."""
        if self._kept is not None and self.size < self._kept.size < end:
            rows = self._add_entries(rows, self._kept.size)
        tree, peaks, size = self._tree, self._tree.peaks, self._tree.size
        deletions, open_deletions = self._deletions, self._deletions.open
        row = None
        # Millions of entries go through this loop: it is `Frontier.extend` of one leaf, and `hash_entry`, written out.
        for row in rows:
            index, salt, body, hashes = row
            if index != size or index >= end:
                break
            if body.startswith(b'{"d') and deletions.take_in(row):
                grown = last = hashes[:HASH_SIZE]
            else:
                grown = last = sha256(b"\x00" + salt + body).digest()
            if open_deletions and (fault := deletions.find_fault(row)):
                raise LogBroken(index, fault)
            carry = size
            while carry & 1:
                last = sha256(b"\x01" + peaks.pop() + last).digest()
                grown += last
                carry >>= 1
            if grown != hashes or len(salt) != SALT_SIZE:
                raise LogBroken(index, _tell_difference(salt, hashes, grown))
            peaks.append(last)
            tree.size = size = index + 1
            if index == 0:
                self._first = row
            self._last = row
        else:
            row = None
        if row is not None and row[0] < end:
            raise LogBroken(size, f"it is missing: entry {row[0]} is in its place")
        self._check_kept()
        return rows if row is None else chain([row], rows)

    def _check_kept(self) -> None:
        if self._kept is not None and self._kept.size == self.size and self._kept.root != self._tree.root():
            raise LogBroken(0, f"the log up to entry {self.size - 1} is not what was kept of it elsewhere")

    def _add_checkpoint(self, stored: SignedCheckpoint) -> None:
        try:
            checkpoint = verify_checkpoint(stored.note, self._origin, self._public_key)
        except CheckpointError as error:
            raise LogBroken(self._vouched, f"the checkpoint of size {stored.size} does not hold: {error}") from None
        if checkpoint.size != stored.size:
            raise LogBroken(self._vouched, f"a checkpoint of size {checkpoint.size} is filed under {stored.size}")
        if checkpoint.size > self.size:
            raise LogBroken(self.size, f"it is missing: a checkpoint covers {checkpoint.size} entries")
        if checkpoint.size < self.size or (self._checkpoints and checkpoint.size == self._vouched):
            raise LogBroken(self._vouched, f"the checkpoint of size {checkpoint.size} is out of order")
        if checkpoint.root != self._tree.root():
            raise LogBroken(self._vouched, f"from here to entry {self.size - 1} is not what was signed")
        self._checkpoints += 1
        self._vouched = checkpoint.size

    def finish(self, origin: str, size: int) -> LogSummary:
        if origin != self._origin:
            raise LogBroken(0, "the log names another origin than its key")
        if not self._checkpoints:
            raise LogBroken(0, "the log has no checkpoint")
        if self._vouched != self.size:
            raise LogBroken(self._vouched, "no checkpoint covers it")
        if size != self.size:
            raise LogBroken(min(size, self.size), f"the log says that it has {size} entries, but it has {self.size}")
        if self._deletions.open:
            raise LogBroken(self._deletions.first_unlogged(), "its body was taken away, and no entry says that it was")
        if self._kept is not None and self._kept.size > self.size:
            raise LogBroken(self.size, f"it is missing: a checkpoint kept elsewhere covers {self._kept.size} entries")
        return LogSummary(
            origin=origin,
            entries=size,
            root=self._tree.root(),
            checkpoints=self._checkpoints,
            first=_read_time(self._first),
            last=_read_time(self._last),
            deleted=self._deletions.entries,
        )


def _tell_difference(salt: bytes, hashes: bytes, grown: bytes) -> str:
    """Say what is wrong with an entry whose hashes are not those that grew from it."""
    if len(salt) != SALT_SIZE or not hashes.startswith(grown[:HASH_SIZE]):
        return "its salt, body or hash was changed: they do not fit together"
    return "its hashes do not follow from the entries up to it"


def _read_time(row: EntryRow | None) -> datetime | None:
    if row is None or read_mark(row[2]) is not None:
        return None
    try:
        return parse_event(row[2]).at
    except EventInvalid as error:
        raise LogBroken(row[0], f"it is not an event: {error}") from None

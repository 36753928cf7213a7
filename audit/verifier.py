"""The verifier: recomputes a whole log from its entries and believes only the log's public key.

In one pass over entries and checkpoints, in order:

1. entries are numbered 0, 1, 2 ... without a hole;
2. each salt and body give the stored leaf hash, and the tree grown from the leaves gives every other stored hash;
3. each checkpoint is signed by the log's key, for the size it is filed under, and sizes rise;
4. the root of the tree at that size is the root that was signed;
5. the last checkpoint covers the last entry;
6. the log's own count of its entries, and its origin, agree;
7. in a database, the tables are those of the schema and nothing hangs on them, so that a search shows what is verified;
8. a checkpoint that was kept elsewhere, where one is given, is of this log: it reaches that size, with that root.

What this cannot see by itself: a log cut back to an earlier state, entries and checkpoints together, is a true log of
that moment. Whoever kept a later checkpoint (a witness, another party, a release that quotes one) can tell: step 8. Nor
can it see what its owner never recorded, or a past rewritten with the owner's key that nobody witnessed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from audit.checkpoint import Checkpoint, CheckpointError, verify_checkpoint
from audit.connection import Connection
from audit.entry import SALT_SIZE, Entry, SignedCheckpoint, hash_entry
from audit.event import EventInvalid
from audit.export import ExportInvalid, read_header, read_records
from audit.log import LogUnreadable, find_oddities, one_view, read_head, read_history
from audit.merkle import Frontier


class LogBroken(Exception):
    """The log is not whole: `entry` is the first entry that it no longer vouches for, `reason` says why."""

    def __init__(self, entry: int, reason: str) -> None:
        super().__init__(f"entry {entry}: {reason}")
        self.entry = entry
        self.reason = reason


@dataclass(frozen=True)
class LogSummary:
    """A log that was found whole. `first` and `last` are the times of its first and last entry, None if empty."""

    origin: str
    entries: int
    root: bytes
    checkpoints: int
    first: datetime | None
    last: datetime | None


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
            replay.add_all(read_history(connection))
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
            replay.add_all(read_records(file))
    except OSError as error:
        raise LogUnreadable(f"{path} cannot be read ({error.strerror})") from None
    except ExportInvalid as error:
        raise LogBroken(replay.size, str(error)) from None
    return replay.finish(*head)


class _Replay:
    """A tree grown anew from what the log holds, and how much of it the checkpoints seen so far vouch for."""

    def __init__(self, origin: str, public_key: bytes, kept: Checkpoint | None) -> None:
        self._kept = kept
        self._origin = origin
        self._public_key = public_key
        self._tree = Frontier()
        self._checkpoints = 0
        self._vouched = 0
        self._first: Entry | None = None
        self._last: Entry | None = None

    @property
    def size(self) -> int:
        return self._tree.size

    def add_all(self, records: Iterable[Entry | SignedCheckpoint]) -> None:
        for record in records:
            if isinstance(record, Entry):
                self._add_entry(record)
            else:
                self._add_checkpoint(record)

    def _add_entry(self, entry: Entry) -> None:
        if entry.index != self.size:
            raise LogBroken(self.size, f"it is missing: entry {entry.index} is in its place")
        leaf_hash = hash_entry(entry.salt, entry.body)
        if len(entry.salt) != SALT_SIZE or leaf_hash != entry.leaf_hash:
            raise LogBroken(self.size, "its salt, body or hash was changed: they do not fit together")
        if b"".join(self._tree.append(leaf_hash)) != entry.hashes:
            raise LogBroken(entry.index, "its hashes do not follow from the entries up to it")
        self._first = self._first or entry
        self._last = entry
        self._check_kept()

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
        if self._kept is not None and self._kept.size > self.size:
            raise LogBroken(self.size, f"it is missing: a checkpoint kept elsewhere covers {self._kept.size} entries")
        return LogSummary(
            origin=origin,
            entries=size,
            root=self._tree.root(),
            checkpoints=self._checkpoints,
            first=_read_time(self._first),
            last=_read_time(self._last),
        )


def _read_time(entry: Entry | None) -> datetime | None:
    if entry is None:
        return None
    try:
        return entry.to_event().at
    except EventInvalid as error:
        raise LogBroken(entry.index, f"it is not an event: {error}") from None

"""What a log holds: entries and signed checkpoints, as they are stored and exported.

An entry is a salt and the body of an event; its leaf hash covers both. Without the random salt, whoever holds hashes
(a witness, the reader of a proof) could confirm a guess at a short entry.

Where the time of a body is over, both are deleted and the hash stays, so every proof goes on holding. In the place of
the body stands the number of the entry that logs its deletion, {"deleted_by":1742}, and in that of the salt there are
zeros: with the salt, a guess at what was deleted could be confirmed.
"""

import re
from dataclasses import dataclass

from audit.event import AuditEvent, parse_event
from audit.merkle import HASH_SIZE, hash_leaf

EntryRow = tuple[int, bytes, bytes, bytes]
"""An entry as it is stored: index, salt, body and hashes. Whoever reads a whole log makes no objects of millions."""

SALT_SIZE = 16
"""The random bytes before the body of an entry."""

NO_SALT = bytes(SALT_SIZE)
"""What stands for a salt that was deleted with its body."""

_DELETED = re.compile(rb'\{"deleted_by":(0|[1-9][0-9]{0,15})\}')


@dataclass(frozen=True)
class Entry:
    """One entry: `hashes` are its leaf hash, then those of the subtrees that it finishes, smallest first."""

    index: int
    salt: bytes
    body: bytes
    hashes: bytes

    @property
    def size(self) -> int:
        """The size of the log just after this entry."""
        return self.index + 1

    @property
    def leaf_hash(self) -> bytes:
        """The hash that stands for the entry in proofs."""
        return self.hashes[:HASH_SIZE]

    @property
    def deleted_by(self) -> int | None:
        """The entry that logs the deletion of this one's body; None where the body is there."""
        return read_mark(self.body)

    def to_event(self) -> AuditEvent:
        """Read the event. Raises EventInvalid if the body is none."""
        return parse_event(self.body)


@dataclass(frozen=True)
class SignedCheckpoint:
    """A checkpoint: the size that it is filed under, and the signed note."""

    size: int
    note: bytes


def write_mark(deleted_by: int) -> bytes:
    """Return what stands in the place of a body that was deleted, as that entry logs it."""
    return b'{"deleted_by":%d}' % deleted_by


def read_mark(body: bytes) -> int | None:
    """Return the entry that logs the deletion of a body, or None for whatever is not such a mark."""
    found = _DELETED.fullmatch(body)
    return int(found[1]) if found else None


def hash_entry(salt: bytes, body: bytes) -> bytes:
    """Return the leaf hash of an entry."""
    return hash_leaf(salt + body)

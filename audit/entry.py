"""What a log holds: entries and signed checkpoints, as they are stored and exported.

An entry is a salt and the body of an event; its leaf hash covers both. Without the random salt, whoever holds hashes
(a witness, the reader of a proof) could confirm a guess at a short entry.
"""

from dataclasses import dataclass

from audit.event import AuditEvent, parse_event
from audit.merkle import HASH_SIZE, hash_leaf

EntryRow = tuple[int, bytes, bytes, bytes]
"""An entry as it is stored: index, salt, body and hashes. Whoever reads a whole log makes no objects of millions."""

SALT_SIZE = 16
"""The random bytes before the body of an entry."""


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

    def to_event(self) -> AuditEvent:
        """Read the event. Raises EventInvalid if the body is none."""
        return parse_event(self.body)


@dataclass(frozen=True)
class SignedCheckpoint:
    """A checkpoint: the size that it is filed under, and the signed note."""

    size: int
    note: bytes


def hash_entry(salt: bytes, body: bytes) -> bytes:
    """Return the leaf hash of an entry."""
    return hash_leaf(salt + body)

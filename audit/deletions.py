"""Deletions of bodies, each logged as one entry: what it says, and whether what is missing is just what it says.

    {"action":"audit.deleted", ... "details":{"bodies":"9f2c...","entries":1200,"first":17,"last":4031}}

`bodies` is SHA-256 over the leaf hashes of the entries whose bodies were deleted, in their order; `first` and `last`
are the numbers of two of them. The entry is written in the transaction that deletes. So nobody can take a body away
without a signed entry that names it, nor stretch such an entry to a body that it does not name.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from audit.entry import NO_SALT, EntryRow, read_mark
from audit.event import Action, Detail, EventInvalid, parse_event
from audit.merkle import HASH_SIZE

if TYPE_CHECKING:
    from hashlib import _Hash


def describe_deletion(leaves: Iterable[tuple[int, bytes]]) -> dict[str, Detail]:
    """Return the details of the entry that logs the deletion of these: each one's number and leaf hash, in order."""
    deletion = _Deletion()
    for index, leaf in leaves:
        deletion.add(index, leaf)
    return deletion.details()


@dataclass
class _Deletion:
    """What one entry is to have logged, as far as the log has been read."""

    entries: int = 0
    first: int = -1
    last: int = -1
    bodies: "_Hash" = field(default_factory=sha256)

    def add(self, index: int, leaf: bytes) -> None:
        self.first = index if self.entries == 0 else self.first
        self.last = index
        self.entries += 1
        self.bodies.update(leaf)

    def details(self) -> dict[str, Detail]:
        return {
            "entries": self.entries,
            "first": self.first,
            "last": self.last,
            "bodies": self.bodies.hexdigest(),
        }


class Deletions:
    """What is missing from a log as it is read in order, by the entry that has to say so; `open` are those to come."""

    def __init__(self) -> None:
        self.entries = 0
        self.open: dict[int, _Deletion] = {}

    def take_in(self, row: EntryRow) -> bool:
        """Note an entry whose body is deleted, and return whether it is one: its hash is all that is left of it."""
        index, salt, body, hashes = row
        deleted_by = read_mark(body)
        # A mark that points backwards, or leaves the salt, is none: the entry is broken then.
        if deleted_by is None or deleted_by <= index or salt != NO_SALT or len(hashes) < HASH_SIZE:
            return False
        self.open.setdefault(deleted_by, _Deletion()).add(index, hashes[:HASH_SIZE])
        self.entries += 1
        return True

    def find_fault(self, row: EntryRow) -> str:
        """Return what is wrong with an entry that has to log a deletion; nothing for a true one, and for any other."""
        deletion = self.open.pop(row[0], None)
        if deletion is None:
            return ""
        try:
            event = parse_event(row[2])
        except EventInvalid:
            event = None
        if event is None or event.action is not Action.AUDIT_DELETED:
            return f"bodies from entry {deletion.first} on were taken away, and it does not log a deletion"
        if {name: event.details.get(name) for name in deletion.details()} != deletion.details():
            return f"it logs the deletion of other bodies than are missing from entry {deletion.first} on"
        return ""

    def first_unlogged(self) -> int:
        """Return the first entry whose body is missing without a later entry that says so."""
        return min(deletion.first for deletion in self.open.values())

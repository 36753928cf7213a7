"""What a party witnesses, and who witnesses it, as its people read it on the command line and on a page."""

from dataclasses import dataclass

from audit.checkpoint import split_note
from audit.connection import Connection
from audit.log import LogUnreadable, read_head
from audit.tables import has_tables
from audit.witness_store import Evidence, list_witnessed, newest_cosigned, read_evidence

MEANINGS = {
    "smaller": "it showed fewer entries than had been signed",
    "split": "it signed two different histories of one length",
    "unproven": "nothing shows that it continues what had been signed",
}
"""What each kind of dispute means, in words."""


@dataclass(frozen=True)
class Witnesses:
    """How far the log of a party is witnessed: `size` of `entries` by as many as are named; 0 where by nobody."""

    entries: int
    size: int
    names: tuple[str, ...]
    disputes: tuple[Evidence, ...]


def read_witnesses(connection: Connection, quorum: int = 1) -> Witnesses:
    """Return how far the log is witnessed by at least `quorum`, and what this party disputes of others.

    Raises LogUnreadable where the database is of a party that keeps nothing of witnesses.
    """
    if not has_tables(connection, ("audit_cosigned", "audit_evidence")):
        raise LogUnreadable("this party keeps nothing of witnesses yet: nodes and hubs do, once they have run")
    found, disputes = newest_cosigned(connection, quorum), tuple(read_evidence(connection))
    origin, entries = read_head(connection)
    if found is None:
        return Witnesses(entries, 0, (), disputes)
    names = {name for name, _ in split_note(found.note)[1]} - {origin}
    return Witnesses(entries, found.size, tuple(sorted(names)), disputes)


def list_witnessing(connection: Connection) -> list[str]:
    """Return a line on our own log, and one for each log that was signed here."""
    own = read_witnesses(connection)
    by = f" by {', '.join(own.names)}" if own.names else ""
    first = f"own log: {own.size} of {own.entries} entries witnessed{by}\n"
    return [first, *(f"signed {origin}: {size} entries\n" for origin, size in list_witnessed(connection).items())]


def list_disputes(connection: Connection, *, with_notes: bool) -> list[str]:
    """Return a line for each dispute, with its two notes where they are wanted."""
    lines = []
    for each in read_evidence(connection):
        lines.append(f"disputed {each.origin}: {MEANINGS[each.reason]} ({each.reason}), seen {each.seen_at}\n")
        if with_notes:
            lines.append(f"\nsigned before:\n\n{each.kept}\nshown then:\n\n{each.offered}\n")
    return lines

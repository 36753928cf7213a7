"""Retention: destroying snapshots that are no longer needed, with every destruction in the log.

The newest are kept, and whatever their age the current one and any that an unanswered manifest has reserved. The intent
is logged before a snapshot is touched and the outcome after, so a node that is stopped in between leaves a trace, and
the next run records what came of it.

A copy of it on a PostgreSQL server goes first, and where that cannot be reached, nothing does.

A snapshot is unlinked, not overwritten: rows that a later snapshot still holds stay with that one, and a disk that is
given away has to be encrypted or wiped.
"""

from dataclasses import dataclass
from pathlib import Path

from audit.event import Action, Outcome
from audit.log import read_entries
from federation.state import StateError
from node.engines import forget_snapshot
from node.service import Node, open_node


@dataclass(frozen=True)
class Retired:
    """What became of the snapshots: those destroyed, and those past their number that had to be kept."""

    destroyed: tuple[str, ...]
    kept: tuple[str, ...]


def retire_snapshots(directory: Path, keep: int) -> Retired:
    """Destroy all snapshots of the node in `directory` but the newest `keep`. Raises `StateError` for less than one."""
    if keep < 1:
        raise StateError("a node keeps one snapshot at least: give --keep 1 or more")
    node = open_node(directory)
    with node.store.holding():
        _record_unfinished(node)
        old = [snapshot.id for snapshot in node.store.all()][:-keep]
        done = [identifier for identifier in old if _destroy(node, identifier)]
    return Retired(tuple(done), tuple(each for each in old if each not in done))


def _destroy(node: Node, identifier: str) -> bool:
    """Destroy one snapshot, unless it is current or reserved; whether it was.

    New questions reserve the current snapshot alone, so one that nobody has reserved by now never will be.
    """
    current = node.store.current()
    with node.database.transaction() as connection:
        if (current is not None and current.id == identifier) or identifier in _reserved(node):
            return False
        node.database.log.append(
            connection,
            node.event(Action.SNAPSHOT_DESTROYED, node.party.member_id, identifier, outcome=Outcome.INTENDED),
        )
    forget_snapshot(node, identifier)
    node.store.destroy(identifier)
    node.record(node.event(Action.SNAPSHOT_DESTROYED, node.party.member_id, identifier))
    return True


def _reserved(node: Node) -> frozenset[str]:
    """The snapshots that manifests in the ledger wait for."""
    rows = node.database.connection.execute("SELECT DISTINCT snapshot FROM manifests WHERE reply IS NULL")
    return frozenset(row["snapshot"] for row in rows)


def _record_unfinished(node: Node) -> None:
    """Log the outcome of what an earlier run began and could not log: the snapshot is gone, or it is still here."""
    here = {snapshot.id for snapshot in node.store.all()}
    for identifier in _unfinished(node):
        outcome = Outcome.FAILED if identifier in here else Outcome.DONE
        node.record(node.event(Action.SNAPSHOT_DESTROYED, node.party.member_id, identifier, outcome=outcome))


def _unfinished(node: Node) -> list[str]:
    """The snapshots whose latest entry of destruction is an intent."""
    latest: dict[str, Outcome] = {}
    for entry in read_entries(node.database.connection, action=Action.SNAPSHOT_DESTROYED):  # Newest first.
        event = entry.to_event()
        latest.setdefault(event.reference, event.outcome)
    return [reference for reference, outcome in latest.items() if outcome is Outcome.INTENDED]

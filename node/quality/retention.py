"""Retention: destroying snapshots that are no longer needed, and what was told for them, with every step in the log.

The newest are kept, and whatever their age the current one and any that an unanswered manifest has reserved. What hosts
have told goes with the last snapshot that was built from it. The intent is logged before a thing is touched and the
outcome after, so a node that is stopped in between leaves a trace, and the next run records what came of it.

A copy of it on a PostgreSQL server goes first, and where that cannot be reached, nothing does.

A snapshot is unlinked, not overwritten: rows that a later snapshot still holds stay with that one, and a disk that is
given away has to be encrypted or wiped.
"""

from dataclasses import dataclass
from pathlib import Path

from audit.event import Action, Outcome
from federation.state import StateError
from node.engines import forget_snapshot
from node.quality.answer_retention import retire_answers
from node.quality.destruction import make_entry, record_unfinished
from node.service import Node, open_node


@dataclass(frozen=True)
class Retired:
    """What became of the snapshots: those destroyed, and those past their number that had to be kept.

    `answers` are the hosts' answers that were destroyed with them.
    """

    destroyed: tuple[str, ...]
    kept: tuple[str, ...]
    answers: tuple[str, ...] = ()


def retire_snapshots(directory: Path, keep: int, years: int | None = None) -> Retired:
    """Destroy all snapshots of the node in `directory` but the newest `keep`, and what hosts told for them.

    `years` also ends what hosts told of academic years before the newest so many. Raises `StateError` where no snapshot
    would be kept.
    """
    if keep < 1:
        raise StateError("a node keeps one snapshot at least: give --keep 1 or more")
    node = open_node(directory)
    with node.store.holding():
        record_unfinished(node, Action.SNAPSHOT_DESTROYED, {snapshot.id for snapshot in node.store.all()})
        old = [snapshot.id for snapshot in node.store.all()][:-keep]
        done = [identifier for identifier in old if _destroy(node, identifier)]
        answers = retire_answers(node, years)
    return Retired(tuple(done), tuple(each for each in old if each not in done), answers)


def _destroy(node: Node, identifier: str) -> bool:
    """Destroy one snapshot, unless it is current or reserved; whether it was.

    New questions reserve the current snapshot alone, so one that nobody has reserved by now never will be.
    """
    current = node.store.current()
    with node.database.transaction() as connection:
        if (current is not None and current.id == identifier) or identifier in _reserved(node):
            return False
        intended = make_entry(node, Action.SNAPSHOT_DESTROYED, identifier, Outcome.INTENDED)
        node.database.log.append(connection, intended)
    forget_snapshot(node, identifier)
    node.store.destroy(identifier)
    node.record(make_entry(node, Action.SNAPSHOT_DESTROYED, identifier, Outcome.DONE))
    return True


def _reserved(node: Node) -> frozenset[str]:
    """The snapshots that manifests in the ledger wait for."""
    rows = node.database.connection.execute("SELECT DISTINCT snapshot FROM manifests WHERE reply IS NULL")
    return frozenset(row["snapshot"] for row in rows)

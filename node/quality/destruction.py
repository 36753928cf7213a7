"""Destruction leaves a trace: the intent is in the log before a thing is touched, and the outcome after.

A node that is stopped in between has an intent without an outcome, and the next run records what came of it.
"""

from collections.abc import Collection

from audit.event import Action, AuditEvent, Outcome
from audit.log import read_entries
from node.service import Node


def make_entry(node: Node, action: Action, reference: str, outcome: Outcome) -> AuditEvent:
    """An entry about the destruction of what `reference` names."""
    return node.event(action, node.party.member_id, reference, outcome=outcome)


def record_unfinished(node: Node, action: Action, here: Collection[str]) -> None:
    """Log the outcome of what an earlier run began and could not log: the thing is gone, or it is still `here`."""
    for reference in _unfinished(node, action):
        outcome = Outcome.FAILED if reference in here else Outcome.DONE
        node.record(make_entry(node, action, reference, outcome))


def _unfinished(node: Node, action: Action) -> list[str]:
    """What the latest entry about is an intent."""
    latest: dict[str, Outcome] = {}
    for entry in read_entries(node.database.connection, action=action):  # Newest first.
        event = entry.to_event()
        latest.setdefault(event.reference, event.outcome)
    return [reference for reference, outcome in latest.items() if outcome is Outcome.INTENDED]

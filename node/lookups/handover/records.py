"""What each end's log has of a hand-over: whose record, by our own token, which groups, to whom, and how it went."""

import sqlite3

from audit.event import Action, AuditEvent, Detail, Outcome
from federation.handovers import HandoverOffer
from node.people import Person
from node.service import Node
from policies.names import Relation

_ACTIONS = {
    "offered": Action.HANDOVER_OFFERED,
    "received": Action.HANDOVER_RECEIVED,
    "collected": Action.HANDOVER_COLLECTED,
    "step_refused": Action.HANDOVER_REFUSED,
}
"""What is done, by the action that the log has for it; everything else decides a hand-over."""


def record(
    node: Node,
    connection: sqlite3.Connection,
    offer: HandoverOffer,
    what: str,
    *,
    given: bool,
    child: str = "",
    person: Person | None = None,
    outcome: Outcome = Outcome.DONE,
    **details: Detail,
) -> None:
    """Log a step of a hand-over that we gave, or that came to us, inside the caller's transaction."""
    event = handover_event(node, offer, what, given=given, child=child, person=person, outcome=outcome, **details)
    node.database.log.append(connection, event)


def handover_event(
    node: Node,
    offer: HandoverOffer,
    what: str,
    *,
    given: bool,
    child: str = "",
    person: Person | None = None,
    outcome: Outcome = Outcome.DONE,
    **details: Detail,
) -> AuditEvent:
    """Return the entry of a step. Raises `EventInvalid` for a purpose that no log may keep."""
    other = offer.authority if given else offer.home
    return node.event(
        _ACTIONS.get(what, Action.HANDOVER_DECIDED),
        f"{person.id} ({person.role})" if person else node.party.member_id if given else offer.sender,
        offer.handover_id,
        outcome=outcome,
        acting_for=node.authority if given or person else offer.home,
        purpose=offer.purpose,
        subject=node.party.keys.log_token(child or name_child(offer)),
        relationship=Relation.HOME if given or offer.occasion == "new_home" else Relation.HOST,
        fields=tuple(sorted(offer.groups)),
        policy_version=node.policy().version,
        what=what,
        occasion=offer.occasion.value,
        other=other,
        **details,
    )


def name_child(offer: HandoverOffer) -> str:
    """What another authority's child is named after in our log: the same as in lookups."""
    return f"{offer.home}/{offer.child.upn or offer.child.number}"

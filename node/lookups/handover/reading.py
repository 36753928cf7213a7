"""Reading the copy of what was handed over to us: as our own policy permits it, logged, and never changed."""

from dataclasses import dataclass

from audit.event import Action, Outcome
from federation.handovers import Occasion
from federation.state import StateError
from node.lookups.file_fields import FILE_FIELDS, fields_of
from node.lookups.handover.deciding import check_receiver, read_copy, read_history
from node.lookups.handover.records import name_child
from node.lookups.handover.shelf import Handover, State, clear, find_come
from node.lookups.pace import record_asked
from node.people import Person
from node.service import Node
from node.tracking.flags import Watch
from node.tracking.known import KnownChild
from node.tracking.record import TrackingRecord
from node.tracking.summary import ChildSummary, summarise
from policies.names import Action as PolicyAction
from policies.names import FieldGroup, Relation, Role


@dataclass(frozen=True, repr=False)
class Shown:
    """What a head sees of an offer that came: its state, and of an accepted one the copy for as long as it is kept."""

    come: Handover
    fields: tuple[tuple[str, str | None], ...] = ()
    summary: ChildSummary | None = None
    contact: str = ""


def show_come(node: Node, person: Person, handover_id: str) -> Shown:
    """Show one offer that came to us, once that is logged, with its copy if there is one.

    Raises `AccessDenied`, `StateError` for one that is none, and `TooManyLookups`.
    """
    clear(node)
    come = find_come(node, handover_id)
    if come is None:
        raise StateError("there is no such offer here: start again from the list")
    check_receiver(node, person, come.offer.occasion)
    _sign_for(node, person, come)
    return Shown(come) if come.state is not State.ACCEPTED or come.pack is None else _show_copy(node, person, come)


def _show_copy(node: Node, person: Person, come: Handover) -> Shown:
    pack = read_copy(come)
    assert pack is not None
    relation = Relation.HOME if come.offer.occasion is Occasion.NEW_HOME else Relation.HOST
    readable = node.policy().permitted_groups(Role(person.role), relation, PolicyAction.READ)
    seen = readable & frozenset(come.offer.groups)
    told = fields_of(seen)
    fields = tuple((name, getattr(pack.file, name)) for name in FILE_FIELDS if name in told)
    entries = tuple(read_history(pack))
    record = TrackingRecord(entries, len(entries)).seen_by(seen)
    child = KnownChild(
        token="", number=come.offer.child.number, readable=seen | {FieldGroup.IDENTITY}, writable=frozenset()
    )
    watch = Watch(node.clock().date(), float(node.rules().tracking.acceleration))
    return Shown(come, fields, summarise(record, child, (), watch), pack.contact)


def _sign_for(node: Node, person: Person, come: Handover) -> None:
    """Log that somebody reads an offer or its copy, before it is shown."""
    event = node.event(
        Action.CHILDREN_LISTED,
        f"{person.id} ({person.role})",
        come.offer.handover_id,
        outcome=Outcome.DONE,
        acting_for=node.authority,
        purpose=come.offer.purpose,
        subject=node.party.keys.log_token(come.child or name_child(come.offer)),
        relationship=Relation.HOME if come.offer.occasion is Occasion.NEW_HOME else Relation.HOST,
        fields=tuple(sorted(come.offer.groups)) if come.pack else ("identity",),
        policy_version=node.policy().version,
        listing="handed_over",
    )
    record_asked(node, person, event)

"""What another authority offers us: accepted or declined by our head, collected, and set down.

     1  the head may change our children's records (or, of a child who is only educated here, read them)
     2  a child who comes into our care is found among ours, or entered under the number that we give; the head has seen
        the record as it stands
     3  the pack is collected, and is the very one whose digest their head signed
     4  it is set down as history, with the state and the log, in one transaction: nothing that is there is changed
     5  the other node is told; where that fails it is told again later

Of a child who is only educated here nothing is set down: a copy is kept, read, and never updated.
"""

from dataclasses import dataclass

from audit.event import AuditEvent, Outcome
from federation.handover_packs import PackUnusable, open_answer_pack, read_pack
from federation.handovers import DeclineReason, HandedEntry, HandoverOffer, HandoverPack, Occasion, Step
from federation.lookups import LookupFailed, LookupOutcome
from federation.sealing import SealError
from federation.state import StateError
from node.ingest.tokens import row_token
from node.lookups.asking import Carrier
from node.lookups.handover.calling import call
from node.lookups.handover.records import handover_event, name_child
from node.lookups.handover.shelf import GONE, Handover, State, clear, find_come, list_come, note_decided, note_told
from node.people import Person
from node.service import Node
from node.tracking.dataset import SHEETS
from node.tracking.facts import FactInvalid
from node.tracking.kinds import read_fact
from node.tracking.newcomers import (
    Newcomer,
    check_newcomer,
    find_loaded,
    keep_newcomer,
    list_newcomers,
    read_newcomer,
)
from node.tracking.record import Entry
from node.tracking.store import add_history, read_record
from policies.access_policy import AccessRequest
from policies.names import Action, FieldGroup, Relation


@dataclass(frozen=True, repr=False)
class Place:
    """Where a pack is set down: row token, the record's version, and whom to enter where nobody is there."""

    token: str
    version: int
    newcomer: Newcomer | None = None


def check_receiver(node: Node, person: Person, occasion: Occasion) -> None:
    """Raise `AccessDenied` unless somebody is the head who may take such a record over."""
    policy = node.policy()
    policy.check(AccessRequest(person.role, Relation.HOME, Action.EXPORT, FieldGroup.IDENTITY))
    if occasion is Occasion.NEW_HOME:
        policy.check(AccessRequest(person.role, Relation.HOME, Action.UPDATE, FieldGroup.PLAN_PEP))
    else:
        policy.check(AccessRequest(person.role, Relation.HOST, Action.READ, FieldGroup.PLAN_PEP))


def find_place(node: Node, offer: HandoverOffer, number: str = "") -> Place | None:
    """Where the record of an offered child is set down here; None where we have nobody, and no number is given.

    The child is ours by pupil number and day of birth; or by the number that our head gives, and day of birth.
    """
    snapshot = node.store.current()
    if snapshot is None:
        raise StateError("nothing is loaded yet: the node's administrator loads the return files")
    born, upn, number = offer.child.date_of_birth, offer.child.upn, number.strip()
    for token, each in list_newcomers(node).items():
        if each.date_of_birth == born and (each.number == number or (upn and each.upn == upn)):
            return _place(node, token)
    found = find_loaded(snapshot, number, upn or None, born)
    if found is not None and found[1] != born:
        raise StateError("the child whom we know by that number was born on another day than the one who is offered")
    if found is not None:
        return _place(node, found[0])
    return _enter(node, offer, number) if number else None


def find_place_for(node: Node, handover_id: str, number: str = "") -> Place | None:
    """The same for an offer that waits; None for a child who is only educated here. Raises `StateError`."""
    come = find_waiting(node, handover_id)
    return find_place(node, come.offer, number) if come.offer.occasion is Occasion.NEW_HOME else None


def _enter(node: Node, offer: HandoverOffer, number: str) -> Place:
    """Whom to enter: in our care from today on, as far as we know; our own return will say since when."""
    told = {"number": number, "date_of_birth": offer.child.date_of_birth.isoformat(), "upn": offer.child.upn}
    newcomer = read_newcomer({**told, "name": offer.child.name, "care_start": node.clock().date().isoformat()})
    check_newcomer(node, newcomer)
    token = row_token(node.party.keys.row_secret, newcomer.number)
    return Place(token, read_record(node.database.connection, token).version, newcomer)


def _place(node: Node, token: str) -> Place:
    return Place(token, read_record(node.database.connection, token).version)


def accept(
    node: Node, hub: Carrier, person: Person, handover_id: str, place: Place | None, *, patience: int
) -> Handover:
    """Collect an offered record and set it down upon the version that the head saw, or keep a copy of it.

    Raises `AccessDenied`; `StateError` where it is over, cannot be collected, or is not what was offered; and
    `RecordMoved`. Nothing is changed then, and it can be tried again.
    """
    clear(node)
    come = find_waiting(node, handover_id)
    offer = come.offer
    check_receiver(node, person, offer.occasion)  # 1
    if offer.occasion is Occasion.NEW_HOME and place is None:  # 2
        raise StateError("this child is not among ours: give the number by which we know them")
    packed, pack = _collect(node, hub, offer, patience)  # 3
    history, place = read_history(pack), place if offer.occasion is Occasion.NEW_HOME else None
    event = _decided(node, offer, person, place, State.ACCEPTED)
    with node.database.transaction() as connection:  # 4
        note_decided(connection, node, come, State.ACCEPTED, person, child=place.token if place else "", pack=packed)
        if place and place.newcomer:
            keep_newcomer(connection, node, person, place.newcomer)
        if place:
            add_history(connection, place.token, place.version, history, node.clock())
        node.database.log.append(connection, event)
    tell_others(node, hub, patience=patience)  # 5
    return _find(node, handover_id)


def decline(node: Node, hub: Carrier, person: Person, handover_id: str, reason: str, *, patience: int) -> Handover:
    """Do not accept an offered record, for a reason that the other head is told. Raises as `accept`."""
    clear(node)
    come = find_waiting(node, handover_id)
    check_receiver(node, person, come.offer.occasion)
    if reason not in frozenset(DeclineReason):
        raise StateError(f"say why: {', '.join(DeclineReason)}")
    event = _decided(node, come.offer, person, None, State.DECLINED, reason)
    with node.database.transaction() as connection:
        note_decided(connection, node, come, State.DECLINED, person, code=reason)
        node.database.log.append(connection, event)
    tell_others(node, hub, patience=patience)
    return _find(node, handover_id)


def tell_others(node: Node, hub: Carrier, *, patience: int) -> int:
    """Tell every node that offered us a record what became of it, unless it was told; return how many are left."""
    steps = {State.ACCEPTED: Step.ACCEPT, State.DECLINED: Step.DECLINE}
    left = 0
    for each in list_come(node):
        if each.told or each.state not in steps:
            continue
        try:
            call(node, hub, each.offer.sender, steps[each.state], each.offer, patience, code=each.code)
        except (LookupFailed, SealError):
            left += 1
            continue
        # Whatever it answers, it has heard: where the offer is over there, saying it once more changes nothing.
        with node.database.transaction() as connection:
            note_told(connection, each.offer.handover_id)
    return left


def read_copy(come: Handover) -> HandoverPack | None:
    """The pack of an accepted hand-over, for as long as its copy is kept."""
    return None if come.pack is None else read_pack(come.pack, come.offer)


def find_waiting(node: Node, handover_id: str) -> Handover:
    """Return an offer that waits for our head. Raises `StateError`."""
    come = find_come(node, handover_id)
    if come is None or come.state is not State.WAITING:
        raise StateError(GONE)
    return come


def _find(node: Node, handover_id: str) -> Handover:
    come = find_come(node, handover_id)
    assert come is not None
    return come


def _collect(node: Node, hub: Carrier, offer: HandoverOffer, patience: int) -> tuple[bytes, HandoverPack]:
    try:
        answer = call(node, hub, offer.sender, Step.COLLECT, offer, patience)
        if answer.outcome is not LookupOutcome.ANSWERED:
            raise StateError(f"{offer.sender} does not give the record: {answer.text}")
        return open_answer_pack(answer, offer)
    except (LookupFailed, SealError) as error:
        raise StateError(f"{offer.sender} {error}: try again later") from None
    except PackUnusable as unusable:
        raise StateError(f"nothing was set down: {unusable}") from None


def read_history(pack: HandoverPack) -> list[Entry]:
    """The entries of a pack, read by the rules of our own forms. Raises `StateError` for one that breaks them."""
    try:
        return [_read_entry(pack, each) for each in pack.entries]
    except (FactInvalid, KeyError):
        raise StateError("nothing was set down: the record has entries that cannot be read; call who sent it") from None


def _read_entry(pack: HandoverPack, entry: HandedEntry) -> Entry:
    made_by = entry.authority or pack.home
    return Entry(
        version=0,
        at=entry.made_at,
        by=f"authority {made_by}",
        role=entry.role,
        reason=entry.reason,
        fact=read_fact(SHEETS[entry.kind], entry.fact),
        told_by=made_by,
        made_at=entry.made_at,
    )


def _decided(
    node: Node, offer: HandoverOffer, person: Person, place: Place | None, state: State, code: str = ""
) -> AuditEvent:
    child = place.token if place and offer.occasion is Occasion.NEW_HOME else name_child(offer)
    outcome = Outcome.DONE if state is State.ACCEPTED else Outcome.REFUSED
    return handover_event(
        node, offer, state, given=False, child=child, person=person, outcome=outcome, code=code, entries=offer.entries
    )

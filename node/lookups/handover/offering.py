"""Offering a record: written, signed by our head, sent to one authority's node; and taken back before it is collected.

1  the head may take the record out of Circe, and the child is in our care now
2  offer and pack are written and kept; the pack is frozen, so that what is signed is what goes
3  the head signs the offer's exact bytes, within five minutes, by passkey or by key file
4  it is logged, with the child by our own token, before it leaves
5  the other node confirms that it has it, or says why not; as long as it does not, it can be sent again
"""

import secrets
from dataclasses import dataclass

from audit.event import EventInvalid, Outcome
from federation.approvals import challenge_of
from federation.countersigning import sign_by_key, sign_by_passkey
from federation.envelope import Envelope, EnvelopeError
from federation.handover_packs import PackUnusable, digest_pack, write_pack
from federation.handovers import (
    HandoverOffer,
    HandoverPack,
    Occasion,
    Step,
    draft_offer,
    read_offer,
    verify_offer,
)
from federation.lookups import LookupFailed, LookupOutcome
from federation.register import Member
from federation.sealing import SealError
from federation.state import Party, StateError
from federation.webauthn import Assertion
from node.lookups.asking import Carrier, list_addressed
from node.lookups.handover.calling import call
from node.lookups.handover.packing import check_giver, choose_groups, find_our_child, make_pack
from node.lookups.handover.records import handover_event, record
from node.lookups.handover.shelf import (
    DRAFT_GOOD_FOR,
    GIVEN,
    GOOD_FOR,
    Handover,
    State,
    clear,
    find_given,
    keep_draft,
    keep_signed,
    move,
)
from node.lookups.signers import find_signer
from node.people import Person
from node.service import Node

_OCCASIONS = {occasion.value: occasion for occasion in Occasion}

NO_DRAFT = "the offer waited too long for its signature, or was sent already: write it again"


@dataclass(frozen=True, repr=False)
class Written:
    """An offer that is written and not signed: what it says, what a passkey has to answer, and for which domain."""

    offer: HandoverOffer
    challenge: bytes
    relying_party: str


@dataclass(frozen=True, repr=False)
class Wish:
    """What a head wants to hand over: whose record, to which authority, why, and which groups stay."""

    child: str
    authority: str
    occasion: str
    purpose: str
    withheld: tuple[str, ...] = ()


def write_offer(node: Node, person: Person, wish: Wish) -> Written:
    """Write offer and pack, and keep both until the offer is signed.

    Raises `AccessDenied`, and `StateError` for a child who is not in our care, an authority without a node, a person
    whom the register does not have, an occasion that is none, and a reason that is missing or that no log may keep.
    """
    check_giver(node, person)  # 1
    occasion = _OCCASIONS.get(wish.occasion)
    if occasion is None:
        raise StateError(f"say why the record is handed over: {', '.join(Occasion)}")
    groups = choose_groups(node, person, occasion, wish.withheld)
    head, (other,) = find_signer(node, person), _find_other(node, wish.authority)
    ours = find_our_child(node, person, wish.child, frozenset(groups))
    pack = make_pack(node, f"P-{secrets.token_hex(16)}", ours, frozenset(groups))  # 2
    packed = _pack(pack)
    offer = HandoverOffer(
        handover_id=pack.handover_id,
        occasion=occasion,
        home=node.authority,
        sender=node.party.member_id,
        receiver=other.id,
        authority=wish.authority,
        person=person.id,
        role=str(person.role),
        child=ours.child,
        groups=groups,
        entries=len(pack.entries),
        pack_digest=digest_pack(packed),
        purpose=wish.purpose.strip(),
        offered_at=pack.made_at,
        expires_at=pack.made_at + GOOD_FOR,
    )
    _check_told(node, offer, ours.token)
    drafted = draft_offer(offer)
    with node.database.transaction() as connection:
        keep_draft(connection, ours.token, offer, drafted, packed)
    return Written(offer, challenge_of(drafted), head.passkeys[0].domain if head.passkeys else "")


def _find_other(node: Node, authority: str) -> list[Member]:
    """The one node of another authority. Raises `StateError` where there is none."""
    if not authority or authority == node.authority:
        raise StateError("give the three figures of the authority that the child goes to, which is not our own")
    return list_addressed(node, authority)


def _pack(pack: HandoverPack) -> bytes:
    try:
        return write_pack(pack)
    except PackUnusable as too_long:
        raise StateError(str(too_long)) from None


def _check_told(node: Node, offer: HandoverOffer, child: str) -> None:
    """Raise `StateError` for an offer that its reader would not take, or that no log may keep."""
    try:
        read_offer(draft_offer(offer))
        handover_event(node, offer, "offered", given=True, child=child)
    except EnvelopeError:
        raise StateError("say in a line why the record is handed over: it is logged at both ends") from None
    except EventInvalid as error:
        raise StateError(f"the reason cannot be logged: {error}") from None


def sign_with_passkey(node: Node, person: Person, handover_id: str, credential: bytes, answer: Assertion) -> None:
    """Sign a written offer with the head's passkey. Raises `StateError`, and nothing is sent."""
    drafted = _find_draft(node, person, handover_id).envelope
    member = find_signer(node, person)
    _keep(node, person, handover_id, sign_by_passkey(drafted, member.id, credential, answer, node.party.keys))


def sign_with_key(node: Node, person: Person, handover_id: str, head: Party) -> None:
    """Sign a written offer with the head's own key file. Raises `StateError`, and nothing is sent."""
    drafted = _find_draft(node, person, handover_id).envelope
    _keep(node, person, handover_id, sign_by_key(drafted, head.keys, node.party.keys))


def _find_draft(node: Node, person: Person, handover_id: str) -> Handover:
    found = find_given(node, handover_id)
    fresh = found is not None and found.offer.offered_at + DRAFT_GOOD_FOR > node.clock()
    if found is None or not fresh or (found.state, found.offer.person) != (State.DRAFTED, person.id):
        raise StateError(NO_DRAFT)
    return found


def _keep(node: Node, person: Person, handover_id: str, signed: Envelope) -> None:
    """Verify a signed offer as the other node will, and keep and log it: both, or neither."""
    check_giver(node, person)  # 3
    found = _find_draft(node, person, handover_id)
    try:
        verify_offer(
            signed, found.offer, node.register().find(node.party.member_id, node.clock()), find_signer(node, person)
        )
    except EnvelopeError as refused:
        raise StateError(f"nothing was sent: {refused}") from None
    with node.database.transaction() as connection:  # 4
        if not move(connection, node, GIVEN, handover_id, State.OFFERED):
            raise StateError(NO_DRAFT)
        keep_signed(connection, handover_id, signed)
        event = handover_event(
            node,
            found.offer,
            "offered",
            given=True,
            child=found.child,
            person=person,
            outcome=Outcome.INTENDED,
            entries=found.offer.entries,
        )
        node.database.log.append(connection, event)


def find_to_send(node: Node, person: Person, handover_id: str) -> Handover:
    """Return a signed offer that the other node has not confirmed. Raises `AccessDenied` and `StateError`."""
    check_giver(node, person)
    clear(node)
    found = find_given(node, handover_id)
    if found is None or found.state is not State.OFFERED:
        raise StateError("there is no such offer to be sent")
    return found


def send_offer(node: Node, hub: Carrier, person: Person, handover_id: str, *, patience: int) -> Handover:
    """Send a signed offer to the node that it is for, once more if need be, and return where it stands then.

    Raises `StateError` where there is no such offer, or it is over, and where the other node cannot be reached.
    """
    found = find_to_send(node, person, handover_id)
    try:
        answer = call(node, hub, found.offer.receiver, Step.OFFER, found.offer, patience, offer=found.envelope)  # 5
    except (LookupFailed, SealError) as error:
        raise StateError(f"{found.offer.receiver} {error}: send it again later") from None
    refused = answer.outcome is not LookupOutcome.ANSWERED
    state = State.REFUSED if refused else State.RECEIVED
    with node.database.transaction() as connection:
        # By now the other end may have gone further: what it said last stands.
        if move(connection, node, GIVEN, handover_id, state, answer.code) and refused:
            record(node, connection, found.offer, "refused", given=True, child=found.child, code=answer.code)
    now = find_given(node, handover_id)
    assert now is not None
    return now


def withdraw_offer(node: Node, person: Person, handover_id: str) -> None:
    """Take an offer back that nobody has collected. Raises `AccessDenied` and `StateError`."""
    check_giver(node, person)
    found = find_given(node, handover_id)
    with node.database.transaction() as connection:
        if found is None or not move(connection, node, GIVEN, handover_id, State.WITHDRAWN):
            raise StateError("there is no such offer that waits: it may have been collected, or be over")
        record(node, connection, found.offer, "withdrawn", given=True, child=found.child, person=person)

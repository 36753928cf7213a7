"""Answering a step of a hand-over, at either end.

     1  the step is signed by the node that it comes from, for the authority that node serves, now, and is new
     2  an offer: our rules take offers, its head and its node have signed it, it is for us, of a child of that
        authority, and not over; that authority has not too many waiting here; then it waits for our head
     3  any other step: it comes from the node to which the record was offered, and from no other
     4  to collect: the offer is not over, the pack is there, and our policy still lets it go
     5  accepted or declined: noted once, and the pack is deleted

Of a hand-over that is another's no more is told than of none. The same step again gets the same answer.
"""

from audit.event import Action, AuditEvent, EventInvalid, Outcome
from federation.countersigning import name_member
from federation.envelope import EnvelopeError
from federation.handover_packs import encode_pack
from federation.handovers import (
    HANDOVER_ANSWER_TYPE,
    HANDOVER_TYPE,
    HandoverAnswer,
    HandoverOffer,
    HandoverRequest,
    Step,
    read_offer,
    verify_offer,
)
from federation.register import CLOCK_SKEW, Member, RegisterError
from federation.sealing import SealedRecords
from node.lookups.answer_head import head_answer
from node.lookups.handover.packing import permitted_to_go
from node.lookups.handover.records import handover_event, record
from node.lookups.handover.shelf import (
    GIVEN,
    OVER,
    Handover,
    State,
    clear,
    count_waiting,
    find_come,
    find_given,
    keep_come,
    move,
)
from node.lookups.sealed_pages import NOT_LOGGABLE, OpenedPage, check_origin, read_request, seal_message, take_in
from node.refusal import Refused
from node.service import Node
from policies.names import Role

MOST_WAITING = 100
"""How many offers of one authority wait here at a time."""

UNKNOWN = Refused("handover_unknown", "there is no such record that was offered to you")
OVERDUE = Refused("handover_over", "this offer is over: ask the authority that made it for another")
WRONG_SIGNATURE = Refused("offer_refused", "the offer is not signed by the head in whose name it is made")
NOT_FOR_US = Refused("offer_misplaced", "the offer is not for this authority, or not of the one that sends it")
CHANGED = Refused("offer_differs", "another offer has come under this number")


def answer_handover(node: Node, page: OpenedPage, pages: int) -> SealedRecords:
    """Return the sealed answer to a step. Raises `LookupFailed` when it cannot be read."""
    request = read_request(node, page, HandoverRequest, HANDOVER_TYPE)
    try:
        check_origin(node, request, page.sender)  # 1
        with node.database.transaction() as connection:
            take_in(connection, request.lookup_id, page.sender.id, node.clock())
        clear(node)
        answer = _take_offer(node, request, page.sender) if request.step is Step.OFFER else _answer(node, request)
    except Refused as refused:
        node.record(_refusal(node, request, refused))
        answer = _compose(node, request, refused)
    return seal_message(node, answer, HANDOVER_ANSWER_TYPE, page.sender, pages)


def _take_offer(node: Node, request: HandoverRequest, sender: Member) -> HandoverAnswer:
    """Keep an offer for our head. Raises `Refused`."""
    offer = _check_offer(node, request, sender)  # 2
    with node.database.transaction() as connection:
        known = find_come(node, offer.handover_id)
        if known is not None:
            if known.envelope != request.offer:
                raise CHANGED.anew()
            return _compose(node, request)
        if count_waiting(connection, sender.id) >= MOST_WAITING:
            raise Refused("too_many_waiting", f"{MOST_WAITING} offers of yours wait here: call the virtual school")
        assert request.offer is not None
        keep_come(connection, node, offer, request.offer)
        record(node, connection, offer, "received", given=False, entries=offer.entries)
    return _compose(node, request)


def _check_offer(node: Node, request: HandoverRequest, sender: Member) -> HandoverOffer:
    if not node.rules().lookups.handovers:
        raise Refused("handovers_barred", "this authority takes no records over in this way: call its virtual school")
    assert request.offer is not None
    try:
        offer = read_offer(request.offer)
        head = node.register().find(name_member(offer.person, sender.organisation), node.clock())
        verify_offer(request.offer, offer, sender, head)
    except (EnvelopeError, RegisterError):
        raise WRONG_SIGNATURE.anew() from None
    placed = (offer.handover_id, offer.home, offer.receiver, offer.authority)
    if placed != (request.handover_id, request.authority, node.party.member_id, node.authority):
        raise NOT_FOR_US.anew()
    if not offer.offered_at <= node.clock() + CLOCK_SKEW or offer.expires_at <= node.clock():
        raise OVERDUE.anew()
    try:
        handover_event(node, offer, "received", given=False)
    except EventInvalid:
        raise NOT_LOGGABLE.anew() from None
    return offer


def _answer(node: Node, request: HandoverRequest) -> HandoverAnswer:
    found = find_given(node, request.handover_id)
    if found is None or (found.offer.receiver, found.offer.authority) != (request.sender, request.authority):  # 3
        raise UNKNOWN.anew()
    if request.step is Step.COLLECT:
        return _hand_out(node, request, found)
    state = State.ACCEPTED if request.step is Step.ACCEPT else State.DECLINED
    with node.database.transaction() as connection:  # 5
        if move(connection, node, GIVEN, request.handover_id, state, request.code):
            outcome, code = Outcome.DONE if state is State.ACCEPTED else Outcome.REFUSED, request.code
            record(node, connection, found.offer, state, given=True, child=found.child, outcome=outcome, code=code)
        elif found.state is not state:
            raise OVERDUE.anew()
    return _compose(node, request)


def _hand_out(node: Node, request: HandoverRequest, found: Handover) -> HandoverAnswer:
    """Give the pack: logged before it leaves, and as often as it is asked for until it is over."""
    if found.pack is None or found.state in OVER or found.state is State.DRAFTED:  # 4
        raise OVERDUE.anew()
    if not set(found.offer.groups) <= permitted_to_go(node, Role(found.offer.role), found.offer.occasion):
        raise Refused("policy_denied", "our policy does not let the record go any more: call the virtual school")
    with node.database.transaction() as connection:
        if not move(connection, node, GIVEN, request.handover_id, State.COLLECTED):
            raise OVERDUE.anew()
        record(node, connection, found.offer, "collected", given=True, child=found.child)
    return _compose(node, request, pack=encode_pack(found.pack))


def _refusal(node: Node, request: HandoverRequest, refused: Refused) -> AuditEvent:
    """The entry of a step that is refused: of a child it knows nothing, since who sends it may have no right to."""
    return node.event(
        Action.HANDOVER_REFUSED,
        request.sender,
        request.handover_id,
        outcome=Outcome.REFUSED,
        acting_for=request.authority,
        step=request.step.value,
        code=refused.code,
    )


def _compose(node: Node, request: HandoverRequest, refused: Refused | None = None, *, pack: str = "") -> HandoverAnswer:
    return HandoverAnswer(**head_answer(node, request.lookup_id, request.sender, refused), pack=pack)

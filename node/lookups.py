"""Answering a lookup: another authority asks after the children in our care who are educated in its area.

The request must be sealed to us, signed by the asking node, new, and made for an authority that node serves. Then our
own policy and rules decide, over our own rows; and whatever the outcome, one sealed page of the same size goes back and
our log says who asked, why, after which children and which fields left.
"""

from collections.abc import Sequence

from audit.event import Action, AuditEvent, Detail, EventInvalid, Outcome
from federation.claims import CLAIM_TYPE
from federation.envelope import EnvelopeError
from federation.exchange import Delivery
from federation.lookups import (
    ANSWER_TYPE,
    REQUEST_TYPE,
    ChildRecord,
    LookupAnswer,
    LookupFailed,
    LookupOutcome,
    LookupRequest,
    sign_message,
)
from federation.register import Member, RegisterError
from federation.sealing import Direction, SealContext, SealedRecords, SealError, seal_records
from federation.state import StateError
from federation.wire import whole_seconds
from node.checklist import Refused
from node.deliveries import check_origin, find_answer, keep_answer, open_page, read_request, take_in
from node.hosting import answer_claim
from node.records import find_hosted_children, permitted_fields
from node.service import Node
from policies.access_policy import AccessDenied
from policies.names import Action as PolicyAction
from policies.names import Relation

MOST_CHILDREN = 180
"""How many records an answer holds at most: with every field at its longest they fill a page."""


def answer_lookup(node: Node, delivery: Delivery) -> SealedRecords | None:
    """Return the sealed answer to a delivered page, or None when it is no request that could be answered.

    The same page again gets the same answer again, and is neither looked up nor logged twice.
    """
    kept = find_answer(node, delivery)
    if kept is not None:
        return kept
    sealed = _answer_page(node, delivery)
    if sealed is not None:
        keep_answer(node, delivery, sealed)
    return sealed


def _answer_page(node: Node, delivery: Delivery) -> SealedRecords | None:
    """Answer a page; a host-facts claim is told from a lookup only by what is inside the seal."""
    try:
        page = open_page(node, delivery)
        request = None if page.kind == CLAIM_TYPE else read_request(node, page, LookupRequest, REQUEST_TYPE)
    except (EnvelopeError, LookupFailed, SealError, RegisterError, StateError):
        node.record(_event(node, Action.LOOKUP_REFUSED, None, outcome=Outcome.REFUSED, code="unreadable"))
        return None
    return answer_claim(node, page) if request is None else _answer_request(node, request, page.sender)


def _answer_request(node: Node, request: LookupRequest, sender: Member) -> SealedRecords:
    try:
        check_request(node, request, sender)
        answer, events = gather_answer(node, request)
    except Refused as refused:
        answer = compose_answer(node, request, refused=refused)
        events = [_event(node, Action.LOOKUP_REFUSED, request, outcome=Outcome.REFUSED, code=refused.code)]
    except EventInvalid:
        unfit = Refused("not_loggable", "the purpose cannot be logged here: leave out whatever names a child")
        answer = compose_answer(node, request, refused=unfit)
        events = [_event(node, Action.LOOKUP_REFUSED, None, outcome=Outcome.REFUSED, code=unfit.code)]
    node.record(*events)
    return seal_answer(node, answer, sender)


def check_request(node: Node, request: LookupRequest, sender: Member) -> None:
    """Raise `Refused` unless a node asks for an authority it serves, now, for the first time."""
    check_origin(node, request, sender)
    if not node.rules().lookups.placed_here:
        raise Refused("lookups_barred", "this authority answers no such lookups: call its virtual school")
    with node.database.transaction() as connection:
        take_in(connection, request.lookup_id, sender.id, node.clock())


def gather_answer(node: Node, request: LookupRequest) -> tuple[LookupAnswer, list[AuditEvent]]:
    """Return the permitted fields of the permitted children, and the log entries that say so. Raises `Refused`."""
    try:
        policy = node.policy()
        row_filter = policy.row_filter(request.role, PolicyAction.READ, request.authority)
    except AccessDenied as denied:
        raise Refused("policy_denied", denied.text) from None
    snapshot = node.store.current()
    if snapshot is None:
        raise Refused("snapshot_absent", "this node has loaded no data")
    fields = permitted_fields(row_filter, Relation.HOST)
    if not fields:
        raise Refused("policy_denied", f"this authority lets no {request.role} of a host authority read its children")
    matched = find_hosted_children(snapshot, row_filter)
    found = matched[:MOST_CHILDREN]
    answer = compose_answer(
        node,
        request,
        children=[child.record for child in found],
        complete=len(found) == len(matched),
        fields=fields,
        policy_version=policy.version,
        snapshot=snapshot.id,
    )
    events = [
        _event(
            node,
            Action.LOOKUP_ANSWERED,
            request,
            subject=node.party.keys.log_token(child.token),
            relationship=Relation.HOST,
            fields=fields,
            policy_version=policy.version,
        )
        for child in found
    ]
    return answer, events or [_event(node, Action.LOOKUP_ANSWERED, request, children=0)]


def compose_answer(
    node: Node,
    request: LookupRequest,
    *,
    refused: Refused | None = None,
    children: Sequence[ChildRecord] = (),
    complete: bool = True,
    fields: tuple[str, ...] = (),
    policy_version: str = "",
    snapshot: str = "",
) -> LookupAnswer:
    """Return an answer or a refusal; both have the same members."""
    return LookupAnswer(
        lookup_id=request.lookup_id,
        sender=node.party.member_id,
        receiver=request.sender,
        authority=node.authority,
        outcome=LookupOutcome.REFUSED if refused else LookupOutcome.ANSWERED,
        code=refused.code if refused else "",
        text=refused.text if refused else "",
        policy_version=policy_version,
        snapshot=snapshot,
        as_of=whole_seconds(node.clock()),
        complete=complete,
        contact=node.rules().lookups.contact,
        fields=fields,
        children=tuple(children),
    )


def seal_answer(node: Node, answer: LookupAnswer, receiver: Member) -> SealedRecords:
    """Sign and seal an answer. Children that a page has no room for are left out, and the answer says so."""
    context = SealContext(answer.lookup_id, node.party.member_id, receiver.id, Direction.ANSWER)
    content = sign_message(answer, ANSWER_TYPE, node.party.keys)
    return seal_records(content, context, receiver.public_sealing_key)


def _event(
    node: Node,
    action: Action,
    request: LookupRequest | None,
    *,
    outcome: Outcome = Outcome.DONE,
    subject: str = "",
    relationship: str = "",
    fields: tuple[str, ...] = (),
    policy_version: str = "",
    **details: Detail,
) -> AuditEvent:
    """Return a log entry about a lookup; of one that could not be read, only that it came."""
    return node.event(
        action,
        f"{request.person} ({request.role})" if request else node.party.member_id,
        request.lookup_id if request else "",
        outcome=outcome,
        acting_for=request.authority if request else "",
        purpose=request.purpose if request else "",
        subject=subject,
        relationship=relationship,
        fields=fields,
        policy_version=policy_version,
        **details,
    )

"""Answering a lookup: another authority asks after the children in our care who are educated in its area.

The request must be sealed to us, signed by the asking node, new, and made for an authority that node serves. Then our
own policy and rules decide, over our own rows; and whatever the outcome, an answer of as many sealed pages goes back.
Our log says who asked, why, after which children and which fields left.
"""

import sqlite3
from collections.abc import Sequence

import msgspec

from audit.event import Action, AuditEvent, Detail, EventInvalid, Outcome
from audit.log import read_entries
from audit.proof import prove_entry
from federation.claims import CLAIM_TYPE
from federation.delegations import NOTICE_TYPE
from federation.disclosures import DISCLOSURES_TYPE
from federation.emergencies import EMERGENCY_TYPE
from federation.envelope import Envelope, EnvelopeError
from federation.exchange import Delivery
from federation.handovers import HANDOVER_TYPE
from federation.lookups import (
    ANSWER_TYPE,
    REQUEST_TYPE,
    SEEKING,
    ChildFile,
    ChildRecord,
    LookupAnswer,
    LookupFailed,
    LookupKind,
    LookupRequest,
)
from federation.register import Member, RegisterError
from federation.sealing import SealedRecords, SealError
from federation.state import StateError
from node.disclosures.answering import answer_disclosures
from node.hosting import answer_claim
from node.lookups.answer_head import head_answer
from node.lookups.answer_pages import pages_of
from node.lookups.delegation.receiving import answer_notice
from node.lookups.emergencies import check_emergency, notice_emergency
from node.lookups.file_fields import fields_of
from node.lookups.gathering import gather
from node.lookups.handover.answering import answer_handover
from node.lookups.holding import HELD, Held, check_decided, hold_request
from node.lookups.sealed_pages import (
    NOT_LOGGABLE,
    OpenedPage,
    check_origin,
    check_place,
    check_unseen,
    find_answer,
    keep_answer,
    open_page,
    read_request,
    remember,
    seal_message,
    take_in,
)
from node.lookups.search_counts import count_search
from node.refusal import Refused
from node.rules import Decision
from node.service import Node
from node.snapshots import Snapshot
from node.unapproved import count_unapproved
from policies.names import FieldGroup

UNREADABLE = Refused("unreadable", "the request did not arrive as it was sent: ask again")
TOO_LONG = Refused("answer_too_long", "the answer is longer than any may be: call the virtual school")


def warm_up(node: Node) -> None:
    """Do once what the first lookup would have to do else, which takes longer than a tick: open snapshot and policy."""
    pages_of(node.store.current(), node.authority)
    node.policy()


def answer_lookup(node: Node, delivery: Delivery) -> SealedRecords | None:
    """Return the sealed answer to a delivered page, or None when it names no member that could be answered.

    Whatever is in the page, the answer has as many pages. The same page again gets the same answer again, and is
    neither looked up nor logged twice: the answer is kept in the transaction that logs it.
    """
    kept = find_answer(node, delivery)
    if kept is not None:
        return kept
    try:
        sender = node.register().find(delivery.sender, node.clock())
        check_place(node, delivery, sender)
    except (RegisterError, StateError, SealError):
        _record_unreadable(node)
        return None
    return _answer_page(node, delivery, sender)


def _answer_page(node: Node, delivery: Delivery, sender: Member) -> SealedRecords:
    """Answer a page; what it asks is told from a lookup only by what is inside the seal."""
    snapshot = node.store.current()
    pages = pages_of(snapshot, node.authority)
    try:
        page = open_page(node, delivery, sender)
        if page.kind in OTHER_KINDS:
            sealed = _answer_other(node, page, snapshot, pages)
            with node.database.transaction() as connection:
                keep_answer(connection, delivery, sealed, node.clock())
            return sealed
        return _answer_request(node, delivery, page, snapshot, pages)
    except (EnvelopeError, LookupFailed, SealError):
        unreadable = _unreadable_event(node)
        answer = compose_answer(node, delivery.lookup_id, sender, UNREADABLE)
        sealed = seal_message(node, answer, ANSWER_TYPE, sender, pages)
        with node.database.transaction() as connection:
            is_logged = count_unapproved(connection, node.clock())
            _note_answer(node, connection, delivery, sealed, [unreadable] if is_logged else [])
        return sealed


OTHER_KINDS = frozenset({CLAIM_TYPE, DISCLOSURES_TYPE, HANDOVER_TYPE, NOTICE_TYPE})
"""What comes in pages like a lookup's, and is none."""


def _answer_other(node: Node, page: OpenedPage, snapshot: Snapshot | None, pages: int) -> SealedRecords:
    if page.kind == CLAIM_TYPE:
        return answer_claim(node, page, snapshot, pages)
    if page.kind == DISCLOSURES_TYPE:
        return answer_disclosures(node, page, pages)
    if page.kind == NOTICE_TYPE:
        return answer_notice(node, page, pages)
    return answer_handover(node, page, pages)


def _answer_request(
    node: Node, delivery: Delivery, page: OpenedPage, snapshot: Snapshot | None, pages: int
) -> SealedRecords:
    """Answer a lookup: seal what may leave, record it, and give it to be sent. Raises `LookupFailed`."""
    by_passkey = page.kind == EMERGENCY_TYPE
    request = read_request(node, page, LookupRequest, EMERGENCY_TYPE if by_passkey else REQUEST_TYPE)
    if by_passkey and request.kind is not LookupKind.EMERGENCY:
        raise LookupFailed("a request that is no emergency came as one")
    try:
        _event(node, Action.LOOKUP_REFUSED, request)  # First of all: what cannot be logged is not even refused by name.
        withheld = check_request(node, request, page)
        answer, events = gather_answer(node, request, page.sender, snapshot, withheld)
        with node.database.transaction() as connection:
            take_in(connection, request.lookup_id, page.sender.id, node.clock())
            _tell_officer(node, connection, request, "answered")
            proof = log_and_prove(node, connection, events)
            proven = msgspec.structs.replace(answer, proof=proof)
            sealed = seal_message(node, proven, ANSWER_TYPE, page.sender, pages)
            keep_answer(connection, delivery, sealed, node.clock())
    except Held:
        return _hold(node, delivery, page, request, pages)
    except (Refused, SealError, EventInvalid) as error:
        refused = _explain(error)
        named = None if isinstance(error, EventInvalid) else request
        events = [_event(node, Action.LOOKUP_REFUSED, named, outcome=Outcome.REFUSED, code=refused.code)]
        answer = compose_answer(node, request.lookup_id, page.sender, refused)
        sealed = seal_message(node, answer, ANSWER_TYPE, page.sender, pages)
        with node.database.transaction() as connection:
            remember(connection, request.lookup_id, page.sender.id, node.clock())
            if named is not None:
                _tell_officer(node, connection, request, f"refused ({refused.code})")
            _note_answer(node, connection, delivery, sealed, events)
    return sealed


def _hold(node: Node, delivery: Delivery, page: OpenedPage, request: LookupRequest, pages: int) -> SealedRecords:
    """Keep a request for our officers, and answer that it is held."""
    answer = compose_answer(node, request.lookup_id, page.sender, HELD, held=True)
    sealed = seal_message(node, answer, ANSWER_TYPE, page.sender, pages)
    event = _event(node, Action.LOOKUP_HELD, request, outcome=Outcome.HELD, kind=request.kind.value)
    with node.database.transaction() as connection:
        take_in(connection, request.lookup_id, page.sender.id, node.clock())
        hold_request(connection, request, node.clock())
        _tell_officer(node, connection, request, "held")
        _note_answer(node, connection, delivery, sealed, [event])
    return sealed


def _tell_officer(node: Node, connection: sqlite3.Connection, request: LookupRequest, outcome: str) -> None:
    """Give our officer notice of an emergency, whatever came of it; other lookups are in the log alone."""
    if request.kind is LookupKind.EMERGENCY:
        notice_emergency(connection, node.clock(), request, outcome)


def log_and_prove(node: Node, connection: sqlite3.Connection, events: Sequence[AuditEvent]) -> str:
    """Log an answer inside the caller's transaction, and return the proof of its last entry, for whoever asked."""
    last = node.database.log.append(connection, *events) + len(events) - 1
    (entry,) = read_entries(connection, index=last)
    return prove_entry(connection, entry).to_text()


def _note_answer(
    node: Node, connection: sqlite3.Connection, delivery: Delivery, sealed: SealedRecords, events: Sequence[AuditEvent]
) -> None:
    """Log an answer, and keep it to be sent: both, or neither, before anything leaves."""
    node.database.log.append(connection, *events)
    keep_answer(connection, delivery, sealed, node.clock())


def _explain(error: Exception) -> Refused:
    if isinstance(error, Refused):
        return error
    return TOO_LONG if isinstance(error, SealError) else NOT_LOGGABLE


def check_request(node: Node, request: LookupRequest, page: OpenedPage) -> frozenset[FieldGroup]:
    """Return the groups of fields that one of our officers withheld from this request; none, unless it was held.

    Raises `Refused` unless a node asks for an authority it serves, now, for the first time, what our rules let it ask
    and not too often; and `Held` where an officer has yet to decide.
    """
    check_origin(node, request, page.sender)
    check_unseen(node, request.lookup_id, page.sender)
    decision = node.rules().lookups.decision(request.kind, request.role)
    if decision is Decision.REFUSE:
        raise Refused("lookups_barred", "this authority answers no such lookups: call its virtual school")
    if request.kind is LookupKind.EMERGENCY:
        check_emergency(node, request, page)
    if request.kind in SEEKING:
        count_search(node, request)
    return check_decided(node, request) if decision is Decision.HOLD else frozenset()


def gather_answer(
    node: Node,
    request: LookupRequest,
    sender: Member,
    snapshot: Snapshot | None,
    withheld: frozenset[FieldGroup] = frozenset(),
) -> tuple[LookupAnswer, list[AuditEvent]]:
    """Return the permitted fields of the permitted children, and the log entries that say so. Raises `Refused`."""
    found = gather(node, request, snapshot).without(fields_of(withheld))
    answer = compose_answer(
        node,
        request.lookup_id,
        sender,
        children=found.children,
        files=found.files,
        delegations=found.delegations,
        fields=found.fields,
        policy_version=found.policy_version,
        snapshot=snapshot.id if snapshot else "",
    )
    events = [
        _event(
            node,
            Action.LOOKUP_ANSWERED,
            request,
            subject=node.party.keys.log_token(token),
            relationship=found.relation,
            fields=found.fields,
            policy_version=found.policy_version,
        )
        for token in found.tokens
    ]
    return answer, events or [_event(node, Action.LOOKUP_ANSWERED, request, kind=request.kind.value, children=0)]


def compose_answer(
    node: Node,
    lookup_id: str,
    receiver: Member,
    said: Refused | None = None,
    *,
    held: bool = False,
    children: Sequence[ChildRecord] = (),
    files: Sequence[ChildFile] = (),
    delegations: Sequence[Envelope] = (),
    fields: tuple[str, ...] = (),
    policy_version: str = "",
    snapshot: str = "",
) -> LookupAnswer:
    """Return an answer, a refusal, or word that the request is held; all have the same members."""
    return LookupAnswer(
        **head_answer(node, lookup_id, receiver.id, said, held=held),
        policy_version=policy_version,
        snapshot=snapshot,
        fields=fields,
        children=tuple(children),
        files=tuple(files),
        delegations=tuple(delegations),
    )


def _record_unreadable(node: Node) -> None:
    with node.database.transaction() as connection:
        if count_unapproved(connection, node.clock()):
            node.database.log.append(connection, _unreadable_event(node))


def _unreadable_event(node: Node) -> AuditEvent:
    return _event(node, Action.LOOKUP_REFUSED, None, outcome=Outcome.REFUSED, code=UNREADABLE.code)


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

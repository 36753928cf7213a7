"""Answering a home authority's officer: what our own log has of one child of theirs, under lookups that both know of.

    1  a node asks, now, for the authority that it serves, and for the first time
    2  the officer signed a mandate for this child, this reason and us
    3  our own policy lets an officer of the home authority gather it
    4  of each lookup, the entries are told that are about this child and say that the asker is its home

An entry is the asker's to have where they told us of the child (we asked, as host, as whom it was named to, in an
emergency), or asked us about a child of their own. What another authority did with ours they learn from nobody here.
"""

import logging
from collections.abc import Iterator

from audit.event import Action, AuditEvent, Detail, EventInvalid, Outcome, format_time
from audit.listing import EntryUnreadable
from audit.log import LogUnreadable
from audit.search import Search, find_entries
from federation.countersigning import name_member
from federation.disclosures import (
    DISCLOSED_TYPE,
    DISCLOSURES_TYPE,
    Disclosed,
    DisclosuresAnswer,
    DisclosuresRequest,
    MandateRefused,
    verify_mandate,
)
from federation.register import Member, RegisterError
from federation.sealing import SealedRecords, SealError
from node.disclosures.marks import Marks, is_about_safety, is_held_back, name_marked, read_marks
from node.disclosures.tokens import list_tokens
from node.lookups.answer_head import head_answer
from node.lookups.sealed_pages import OpenedPage, check_origin, check_unseen, read_request, seal_message, take_in
from node.refusal import Refused
from node.service import Node
from policies.access_policy import AccessDenied, AccessRequest
from policies.names import Action as PolicyAction
from policies.names import FieldGroup, Relation

log = logging.getLogger("circe.node")

MANDATE_REFUSED = Refused("mandate_refused", "the officer's mandate does not hold: sign another, and ask again")
UNREADABLE = Refused("failed", "our log could not be searched: call our information governance officer")
TOO_LONG = Refused("answer_too_long", "what our log has is longer than an answer may be: call our officer")
NOT_LOGGABLE = Refused("not_loggable", "the reason cannot be logged here: leave out whatever names a child")


def answer_disclosures(node: Node, page: OpenedPage, pages: int) -> SealedRecords:
    """Return the sealed answer to a request, of as many pages as any. Raises `LookupFailed` for what is none."""
    request = read_request(node, page, DisclosuresRequest, DISCLOSURES_TYPE)
    try:
        _event(node, request)  # First of all: what cannot be logged is not even refused by name.
        policy_version = check_request(node, request, page.sender)
        entries = tuple(find_disclosed(node, request))
        answer = _compose(node, request, entries)
        sealed = seal_message(node, answer, DISCLOSED_TYPE, page.sender, pages)
        event = _event(
            node, request, policy_version=policy_version, references=len(request.references), told=len(entries)
        )
        with node.database.transaction() as connection:
            take_in(connection, request.lookup_id, page.sender.id, node.clock())
            node.database.log.append(connection, event)
    except (Refused, SealError, EventInvalid) as error:
        refused = error if isinstance(error, Refused) else TOO_LONG if isinstance(error, SealError) else NOT_LOGGABLE
        named = None if isinstance(error, EventInvalid) else request
        node.record(_event(node, named, outcome=Outcome.REFUSED, code=refused.code))
        sealed = seal_message(node, _compose(node, request, (), refused), DISCLOSED_TYPE, page.sender, pages)
    return sealed


def check_request(node: Node, request: DisclosuresRequest, sender: Member) -> str:
    """Tick off the first three, and return the version of the policy that was asked. Raises `Refused`."""
    check_origin(node, request, sender)  # 1
    check_unseen(node, request.lookup_id, sender)
    try:
        officer = node.register().find(name_member(request.person, sender.organisation), node.clock())
        verify_mandate(request, officer, sender)  # 2
    except (RegisterError, MandateRefused):
        raise MANDATE_REFUSED.anew() from None
    policy = node.policy()
    try:
        policy.check(AccessRequest(request.role, Relation.HOME, PolicyAction.AUDIT, FieldGroup.AUDIT_LOG))  # 3
    except AccessDenied as denied:
        raise Refused("policy_denied", denied.text) from None
    return policy.version


def find_disclosed(node: Node, request: DisclosuresRequest) -> Iterator[Disclosed]:
    """Yield what our log has, lookup by lookup. Raises `Refused` where it cannot be read."""
    subjects = list_tokens(node, request.numbers)
    try:
        marks = read_marks(node.database.connection)
        for reference in request.references:
            found = find_entries(node.database.connection, Search(reference=reference, subjects=subjects))
            for entry in found:
                if entry.deleted_by is None and is_theirs(event := entry.to_event(), request.authority):  # 4
                    yield _tell(node, entry.index, event, marks)
    except (LogUnreadable, EntryUnreadable, EventInvalid) as error:
        log.log(logging.ERROR, "%s: disclosures cannot be read: %s", node.party.member_id, type(error).__name__)
        raise UNREADABLE.anew() from None


def is_theirs(event: AuditEvent, authority: str) -> bool:
    """Whether an entry about a child says that an authority is the child's home. Everything else is not."""
    match event.action:
        case Action.LOOKUP_RECEIVED:  # They told us.
            return event.details.get("home") == authority and event.relationship != Relation.HOME
        case Action.LOOKUP_ANSWERED | Action.CLAIM_ANSWERED:  # They asked us about a child of their own.
            return event.acting_for == authority and event.relationship == Relation.HOME
        case Action.HANDOVER_RECEIVED | Action.HANDOVER_DECIDED:  # They offered us the child's record.
            return event.details.get("other") == authority and event.subject != ""
        case _:
            return False


def _tell(node: Node, index: int, event: AuditEvent, marks: Marks) -> Disclosed:
    name = name_marked(event.reference, index)
    held_back = is_held_back(marks, name, safeguarding=is_about_safety(event), now=node.clock())
    return Disclosed(
        entry=index,
        at=format_time(event.at),
        reference=event.reference,
        actor=event.actor,
        action=event.action.value,
        outcome=event.outcome.value,
        acting_for=event.acting_for,
        purpose=event.purpose,
        relationship=event.relationship,
        fields=event.fields,
        policy_version=event.policy_version,
        safeguarding=held_back or is_about_safety(event),
    )


def _compose(
    node: Node, request: DisclosuresRequest, entries: tuple[Disclosed, ...], refused: Refused | None = None
) -> DisclosuresAnswer:
    told = {entry.reference for entry in entries}
    return DisclosuresAnswer(
        **head_answer(node, request.lookup_id, request.sender, refused),
        entries=entries,
        untold=() if refused else tuple(each for each in request.references if each not in told),
    )


def _event(
    node: Node,
    request: DisclosuresRequest | None,
    *,
    outcome: Outcome = Outcome.DONE,
    policy_version: str = "",
    **details: Detail,
) -> AuditEvent:
    """Return an entry about a request: of which child, by our token; of one that no log may keep, that it came."""
    return node.event(
        Action.SUBJECT_TOLD,
        f"{request.person} ({request.role})" if request else node.party.member_id,
        request.lookup_id if request else "",
        outcome=outcome,
        acting_for=request.authority if request else "",
        purpose=request.purpose if request else "",
        subject=node.party.keys.log_token(f"{request.authority}/{request.numbers[0]}") if request else "",
        relationship=Relation.HOME if request else "",
        fields=(),
        policy_version=policy_version,
        **details,
    )

"""Asking a lookup from one's own node: of every other node, or of one that is addressed and nobody else.

The person states a purpose; our own access matrix must let their role read such children before anything is sent. The
request is signed for and sealed to every other node; what comes back is opened here alone, and not before the hub has
been told that the lookup is over: else it could tell from the time in between how much there was to read. Nodes that
have not answered in time are named, never silently absent, and our log says who saw which child.
"""

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from math import ceil
from typing import Protocol, TypeVar

from audit.event import EventInvalid, Outcome
from federation.claims import ClaimAnswer
from federation.envelope import EnvelopeError
from federation.exchange import LookupBatch, LookupProgress
from federation.hub_line import LONG_POLL_SECONDS, HubRefused, HubUnreachable
from federation.lookups import (
    ANSWER_TYPE,
    REQUEST_TYPE,
    LookupAnswer,
    LookupFailed,
    LookupKind,
    LookupRequest,
    NodeAnswer,
    read_message,
)
from federation.register import Member, MemberKind
from federation.sealing import Direction, SealContext, SealError, open_records
from federation.state import StateError
from federation.transport import decode_records, encode_records
from node.lookups.answer_check import check_answer, without_fields
from node.lookups.correspondents import Noticeboard, exchange_keys, split_reachable
from node.lookups.delegation.receiving import check_givers
from node.lookups.errand import Errand, LookupResult, Missing, Question, record_seen
from node.lookups.file_fields import fields_of
from node.lookups.kept_proofs import check_proof
from node.lookups.pace import record_asked
from node.lookups.purpose import PurposeMissing
from node.lookups.reading_room import Reader
from node.lookups.same_policy import CODE, check_same_policy
from node.lookups.schools_here import LISTING as SCHOOLS_HERE
from node.lookups.schools_here import find_schools_here
from node.lookups.sealed_pages import seal_message
from node.people import Person
from node.service import Node
from policies.access_policy import AccessDenied, AccessPolicy, AccessRequest
from policies.names import CHILD_RECORD, FieldGroup, Relation
from policies.names import Action as PolicyAction

A = TypeVar("A", bound=NodeAnswer | ClaimAnswer)


class Relay(Protocol):
    """What carries sealed pages to other nodes and back: the hub, which can read none of them."""

    def ask_lookup(self, batch: LookupBatch) -> None:
        """Hand the sealed requests of a lookup on."""

    def fetch_lookup(self, lookup_id: str, *, wait: int, done: int = 0) -> LookupProgress:
        """Return sealed answers beyond the first `done`, which are deleted, waiting for more up to `wait` seconds."""

    def finish_lookup(self, lookup_id: str) -> None:
        """Delete every page of a lookup."""


class Carrier(Relay, Noticeboard, Protocol):
    """The hub as an asking node sees it: it carries sealed pages, and the keys that they are sealed to."""


PLACED_HERE = Question(LookupKind.PLACED_HERE, Relation.HOST, PolicyAction.READ)


def ask_placed_here(
    node: Node, hub: Carrier, person: Person, purpose: str, *, patience: int, copying: bool = False
) -> LookupResult:
    """Ask every other node for the children in its care who are educated here, waiting `patience` seconds at most.

    Raises `AccessDenied` when the person's role may not read such children, or not take copies of them where the list
    is for `copying`, and `PurposeMissing` for a purpose that is empty or names a pupil.
    """
    result = ask_lookup(node, hub, person, purpose, replace(PLACED_HERE, copying=copying), patience=patience)
    reader = Reader(node, person, purpose, SCHOOLS_HERE, copying, node.policy().version)
    told = [child for answer in result.answers for child in answer.children]
    return replace(result, schools_here=find_schools_here(reader, node.store.current(), told))


def ask_lookup(
    node: Node, hub: Carrier, person: Person, purpose: str, question: Question, *, at: str = "", patience: int
) -> LookupResult:
    """Ask a question of every other node, or of the node of the one authority that it is addressed to.

    Raises `AccessDenied`, `PurposeMissing` as above, `StateError` for an authority that has no other node, and
    `TooManyLookups`.
    """
    policy = node.policy()
    check_asker(node, policy, person, purpose, question)
    exchange_keys(node, hub)
    others, unreachable = split_reachable(node, list_addressed(node, at))
    lookup_id = f"L-{secrets.token_hex(16)}"
    errand = Errand(node, person, purpose, question, policy.version, lookup_id)
    record_asked(node, person, errand.asked_event(Outcome.INTENDED, nodes=len(others)))
    requests = {other.id: errand.request(other) for other in others}
    pages = {other.id: encode_records(seal_message(node, requests[other.id], REQUEST_TYPE, other)) for other in others}
    batch = LookupBatch(lookup_id=lookup_id, pages=pages)
    sealed = send_and_wait(hub, batch, patience) if others else {}
    result = read_result(errand, requests, others, sealed)
    result = replace(result, missing=(*_list_unreachable(node, unreachable), *result.missing))
    check_same_policy(node, policy.version, errand.asked_event(Outcome.REFUSED, code=CODE))
    record_seen(errand, result)
    return result


def _barred(errand: Errand) -> frozenset[str]:
    """The fields that our own policy does not let the asker read by this relation, whoever tells of them."""
    permitted = errand.node.policy().permitted_groups(errand.person.role, errand.question.relation, PolicyAction.READ)
    return fields_of(frozenset(CHILD_RECORD) - permitted)


def read_result(
    errand: Errand, requests: Mapping[str, LookupRequest], others: Sequence[Member], sealed: Mapping[str, str]
) -> LookupResult:
    """Open and verify what came back, less what our own policy does not let the asker read."""
    result = read_answers(errand, requests, others, sealed)
    return replace(result, answers=tuple(without_fields(answer, _barred(errand)) for answer in result.answers))


def send_and_wait(hub: Relay, batch: LookupBatch, patience: int) -> Mapping[str, str]:
    """Hand requests to the hub, and return the sealed answers by node once it is over there."""
    hub.ask_lookup(batch)
    return collect_answers(hub, batch, patience)


def check_asker(node: Node, policy: AccessPolicy, person: Person, purpose: str, question: Question) -> None:
    """Raise `PurposeMissing` for what no log may keep, and `AccessDenied`, logged, where our policy says no."""
    errand = Errand(node, person, purpose, question, policy.version)
    if not purpose.strip():
        raise PurposeMissing("say why the lookup is made: it is logged at both ends")
    try:
        refusal = errand.asked_event(Outcome.REFUSED)
    except EventInvalid as error:
        raise PurposeMissing(f"the purpose cannot be logged: {error}") from None
    try:
        for action in sorted({question.action, PolicyAction.READ}):
            policy.check(AccessRequest(person.role, question.relation, action, FieldGroup.IDENTITY))
        if question.copying:
            check_copying(policy, person, question.relation)
    except AccessDenied:
        node.record(refusal)
        raise


def check_copying(policy: AccessPolicy, person: Person, relation: Relation) -> None:
    """Raise `AccessDenied` unless a person may take copies of all that they may read by a relation."""
    for group in sorted(policy.permitted_groups(person.role, relation, PolicyAction.READ)):
        policy.check(AccessRequest(person.role, relation, PolicyAction.EXPORT, group))


def list_addressed(node: Node, at: str) -> list[Member]:
    """Return every other node or, where an authority is given, its node alone. Raises `StateError` for none."""
    others = list_others(node)
    if not at:
        return others
    found = [other for other in others if other.authority(node.clock()) == at]
    if not found:
        raise StateError("no other node serves an authority of that code now: give the host's or home's three figures")
    return found


def list_others(node: Node) -> list[Member]:
    """Return every other active node that serves an authority now, in the register's order."""
    now = node.clock()
    nodes = node.register().active(MemberKind.NODE, now)
    return [member for member in nodes if member.id != node.party.member_id and member.authority(now)]


def collect_answers(
    hub: Relay, batch: LookupBatch, patience: int, now: Callable[[], float] = time.monotonic
) -> Mapping[str, str]:
    """Return the sealed answers by node once all are in, or when the patience of the asker is at its end.

    What has arrived is deleted at the hub with the next request, and everything else at the end. A request that fails
    is made once more: until it is acknowledged, the hub hands the same answers out again. One that brings nothing new
    counts as waited for, however soon it came: no hub is asked over and over.
    """
    answers: dict[str, str] = {}
    deadline, left, last = now() + patience, float(patience), 0
    while left > 0:
        wait = ceil(min(left, LONG_POLL_SECONDS))
        progress = _fetch_answers(hub, batch.lookup_id, wait, last)
        # The first answer counts, as it does at the hub, and only one that was asked for.
        fresh = {node: progress.answers[node] for node in progress.answers.keys() & batch.pages.keys() - answers.keys()}
        answers |= fresh
        last = max(last, progress.last)
        if not progress.more and not progress.awaited:
            break
        left = min(deadline - now(), left if fresh else left - wait)
    with suppress(HubUnreachable, HubRefused):  # They are here; what is left at the hub expires in minutes.
        hub.finish_lookup(batch.lookup_id)
    return answers


def _fetch_answers(hub: Relay, lookup_id: str, wait: int, done: int) -> LookupProgress:
    try:
        return hub.fetch_lookup(lookup_id, wait=wait, done=done)
    except HubUnreachable:
        return hub.fetch_lookup(lookup_id, wait=wait, done=done)


def _list_unreachable(node: Node, unreachable: Sequence[tuple[Member, str]]) -> list[Missing]:
    return [Missing(other.id, other.authority(node.clock()), reason) for other, reason in unreachable]


def read_answers(
    errand: Errand, requests: Mapping[str, LookupRequest], others: Sequence[Member], sealed: Mapping[str, str]
) -> LookupResult:
    """Open and verify the answers; one that cannot be read makes its node a missing one, and so does a wrong one."""
    node, lookup_id = errand.node, errand.lookup_id
    answers, missing, wrong = [], [], []
    for other in others:
        try:
            answer = open_answer(node, lookup_id, other, sealed.get(other.id), LookupAnswer, ANSWER_TYPE)
        except (LookupFailed, SealError, EnvelopeError) as error:
            missing.append(Missing(other.id, other.authority(node.clock()), str(error)))
            continue
        try:
            check_answer(requests[other.id], answer, other)
            check_givers(node, answer, other)
            check_proof(node, requests[other.id], answer)
        except LookupFailed as error:
            wrong.append(Missing(other.id, other.authority(node.clock()), str(error)))
            continue
        answers.append(answer)
    return LookupResult(lookup_id, tuple(answers), (*missing, *wrong), tuple(wrong))


def open_answer(node: Node, lookup_id: str, other: Member, sealed: str | None, kind: type[A], expected_type: str) -> A:
    """Return a node's answer out of its pages, all of them, signed by it and meant for this place.

    Raises `LookupFailed`, `SealError` and `EnvelopeError`.
    """
    if sealed is None:
        raise LookupFailed("has not answered in time")
    context = SealContext(lookup_id, other.id, node.party.member_id, Direction.ANSWER)
    content = open_records(decode_records(sealed), context, node.party.keys)
    answer = read_message(content, expected_type, kind, other.id, other.public_signing_key)
    asked = (lookup_id, other.id, node.party.member_id)
    if (answer.lookup_id, answer.sender, answer.receiver) != asked or answer.authority != other.authority(node.clock()):
        raise LookupFailed("answered something else than was asked")
    return answer

"""Asking a lookup from one's own node: after children of other authorities who are educated in ours.

The person states a purpose; our own access matrix must let their role read such children before anything is sent. The
request is signed for and sealed to every other node; what comes back is opened here alone, and not before the hub has
been told that the lookup is over: else it could tell from the time in between how much there was to read. Nodes that
have not answered in time are named, never silently absent, and our log says who saw which child.
"""

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from math import ceil
from typing import Protocol, TypeVar

from audit.event import Action, AuditEvent, EventInvalid, Outcome
from federation.claims import ClaimAnswer
from federation.envelope import EnvelopeError
from federation.exchange import LookupBatch, LookupProgress
from federation.lookups import (
    ANSWER_TYPE,
    REQUEST_TYPE,
    LookupAnswer,
    LookupFailed,
    LookupKind,
    LookupOutcome,
    LookupRequest,
    read_message,
)
from federation.register import Member, MemberKind
from federation.sealing import Direction, SealContext, SealError, open_records
from federation.transport import LONG_POLL_SECONDS, HubRefused, HubUnreachable, decode_records, encode_records
from federation.wire import whole_seconds
from node.lookups.correspondents import Noticeboard, exchange_keys, split_reachable
from node.lookups.sealed_pages import seal_message
from node.people import Person
from node.service import Node
from policies.access_policy import AccessRequest
from policies.names import Action as PolicyAction
from policies.names import FieldGroup, Relation

A = TypeVar("A", LookupAnswer, ClaimAnswer)


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


@dataclass(frozen=True)
class Missing:
    """A node that did not answer, or not in a way that could be read."""

    node: str
    authority: str
    reason: str


@dataclass(frozen=True)
class PlacedHere:
    """What came back: the answers by authority, and who is missing."""

    lookup_id: str
    answers: tuple[LookupAnswer, ...]
    missing: tuple[Missing, ...]


class PurposeMissing(Exception):
    """A lookup states a purpose that the log can keep."""


def ask_placed_here(node: Node, hub: Carrier, person: Person, purpose: str, *, patience: int) -> PlacedHere:
    """Ask every other node for the children in its care who are educated here, waiting `patience` seconds at most.

    Raises `AccessDenied` when the person's role may not read such children, and `PurposeMissing` for a purpose that is
    empty or names a pupil.
    """
    policy = node.policy()
    policy.check(AccessRequest(person.role, Relation.HOST, PolicyAction.READ, FieldGroup.IDENTITY))
    exchange_keys(node, hub)
    others, unreachable = split_reachable(node, list_others(node))
    lookup_id = f"L-{secrets.token_hex(16)}"
    node.record(_asked_event(node, person, purpose, lookup_id, policy.version, len(others)))
    pages = {other.id: _seal_request(node, other, person, purpose, lookup_id) for other in others}
    batch = LookupBatch(lookup_id=lookup_id, pages=pages)
    hub.ask_lookup(batch)
    result = read_answers(node, lookup_id, others, collect_answers(hub, batch, patience))
    result = replace(result, missing=(*_list_unreachable(node, unreachable), *result.missing))
    node.record(*_seen_events(node, person, purpose, result))
    return result


def list_others(node: Node) -> list[Member]:
    """Return every other active node that serves an authority now, in the register's order."""
    now = node.clock()
    nodes = node.register().active(MemberKind.NODE, now)
    return [member for member in nodes if member.id != node.party.member_id and member.authority(now)]


def _seal_request(node: Node, other: Member, person: Person, purpose: str, lookup_id: str) -> str:
    request = LookupRequest(
        lookup_id=lookup_id,
        kind=LookupKind.PLACED_HERE,
        sender=node.party.member_id,
        receiver=other.id,
        authority=node.authority,
        person=person.id,
        role=person.role,
        purpose=purpose,
        asked_at=whole_seconds(node.clock()),
    )
    return encode_records(seal_message(node, request, REQUEST_TYPE, other))


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


def read_answers(node: Node, lookup_id: str, others: Sequence[Member], sealed: Mapping[str, str]) -> PlacedHere:
    """Open and verify the answers; one that cannot be read makes its node a missing one."""
    answers, missing = [], []
    for other in others:
        try:
            answers.append(open_answer(node, lookup_id, other, sealed.get(other.id), LookupAnswer, ANSWER_TYPE))
        except (LookupFailed, SealError, EnvelopeError) as error:
            missing.append(Missing(other.id, other.authority(node.clock()), str(error)))
    return PlacedHere(lookup_id, tuple(answers), tuple(missing))


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


def _asked_event(
    node: Node, person: Person, purpose: str, lookup_id: str, policy_version: str, nodes: int
) -> AuditEvent:
    if not purpose.strip():
        raise PurposeMissing("say why the lookup is made: it is logged at both ends")
    try:
        return node.event(
            Action.LOOKUP_ASKED,
            f"{person.id} ({person.role})",
            lookup_id,
            outcome=Outcome.INTENDED,
            acting_for=node.authority,
            purpose=purpose,
            relationship=Relation.HOST,
            policy_version=policy_version,
            nodes=nodes,
        )
    except EventInvalid as error:
        raise PurposeMissing(f"the purpose cannot be logged: {error}") from None


def _seen_events(node: Node, person: Person, purpose: str, result: PlacedHere) -> list[AuditEvent]:
    """Return an entry for every child whose record was seen, under this organisation's own token for the child."""
    seen = [
        node.event(
            Action.LOOKUP_RECEIVED,
            f"{person.id} ({person.role})",
            result.lookup_id,
            acting_for=node.authority,
            purpose=purpose,
            subject=node.party.keys.log_token(f"{answer.authority}/{child.upn or child.la_child_id}"),
            relationship=Relation.HOST,
            fields=answer.fields,
            home=answer.authority,
        )
        for answer in result.answers
        if answer.outcome is LookupOutcome.ANSWERED
        for child in answer.children
    ]
    summary = node.event(
        Action.LOOKUP_RECEIVED,
        f"{person.id} ({person.role})",
        result.lookup_id,
        acting_for=node.authority,
        purpose=purpose,
        children=len(seen),
        missing=len(result.missing),
    )
    return [*seen, summary]

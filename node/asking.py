"""Asking a lookup from one's own node: after children of other authorities who are educated in ours.

The person states a purpose; our own access matrix must let their role read such children before anything is sent. The
request is signed for and sealed to every other node; what comes back is opened here alone. Nodes that have not answered
in time are named, never silently absent, and our log says who saw which child.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
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
    sign_message,
)
from federation.register import Member, MemberKind
from federation.sealing import Direction, SealContext, SealError, open_records, seal_records
from federation.transport import decode_page, encode_page
from federation.wire import whole_seconds
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

    def fetch_lookup(self, lookup_id: str, *, wait: int) -> LookupProgress:
        """Return the sealed answers so far, waiting for more up to `wait` seconds."""

    def finish_lookup(self, lookup_id: str) -> None:
        """Delete every page of a lookup."""


@dataclass(frozen=True)
class Missing:
    """A node that did not answer, or not in a way that could be read."""

    node: str
    authorities: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class PlacedHere:
    """What came back: the answers by authority, and who is missing."""

    lookup_id: str
    answers: tuple[LookupAnswer, ...]
    missing: tuple[Missing, ...]


class PurposeMissing(Exception):
    """A lookup states a purpose that the log can keep."""


def ask_placed_here(node: Node, hub: Relay, person: Person, purpose: str, *, patience: int) -> PlacedHere:
    """Ask every other node for the children in its care who are educated here, waiting `patience` seconds at most.

    Raises `AccessDenied` when the person's role may not read such children, and `PurposeMissing` for a purpose that is
    empty or names a pupil.
    """
    policy = node.policy()
    policy.check(AccessRequest(person.role, Relation.HOST, PolicyAction.READ, FieldGroup.IDENTITY))
    others = list_others(node)
    lookup_id = f"L-{secrets.token_hex(16)}"
    node.record(_asked_event(node, person, purpose, lookup_id, policy.version, len(others)))
    hub.ask_lookup(
        LookupBatch(
            lookup_id=lookup_id,
            pages={other.id: _seal_request(node, other, person, purpose, lookup_id) for other in others},
        )
    )
    progress = await_answers(hub, lookup_id, patience)
    result = read_answers(node, lookup_id, others, progress)
    node.record(*_seen_events(node, person, purpose, result))
    hub.finish_lookup(lookup_id)
    return result


def list_others(node: Node) -> list[Member]:
    """Return every other active node, in the register's order."""
    nodes = node.register().active(MemberKind.NODE, node.clock())
    return [member for member in nodes if member.id != node.party.member_id]


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
    context = SealContext(lookup_id, node.party.member_id, other.id, Direction.REQUEST)
    message = sign_message(request, REQUEST_TYPE, node.party.keys)
    return encode_page(seal_records(message, context, other.public_sealing_key))


def await_answers(hub: Relay, lookup_id: str, patience: int) -> LookupProgress:
    """Return the answers once all are in, or when the patience of the asker is at its end."""
    progress = hub.fetch_lookup(lookup_id, wait=min(patience, 25))
    left = patience - 25
    while progress.awaited and left > 0:
        progress = hub.fetch_lookup(lookup_id, wait=min(left, 25))
        left -= 25
    return progress


def read_answers(node: Node, lookup_id: str, others: Sequence[Member], progress: LookupProgress) -> PlacedHere:
    """Open and verify the answers; one that cannot be read makes its node a missing one."""
    answers, missing = [], []
    for other in others:
        try:
            page = progress.answers.get(other.id)
            answers.append(open_answer(node, lookup_id, other, page, LookupAnswer, ANSWER_TYPE))
        except (LookupFailed, SealError, EnvelopeError) as error:
            missing.append(Missing(other.id, other.authorities, str(error)))
    return PlacedHere(lookup_id, tuple(answers), tuple(missing))


def open_answer(node: Node, lookup_id: str, other: Member, page: str | None, kind: type[A], expected_type: str) -> A:
    """Return a node's answer out of its page, signed by it and meant for this place.

    Raises `LookupFailed`, `SealError` and `EnvelopeError`.
    """
    if page is None:
        raise LookupFailed("has not answered in time")
    context = SealContext(lookup_id, other.id, node.party.member_id, Direction.ANSWER)
    content = open_records(decode_page(page), context, node.party.keys)
    answer = read_message(content, expected_type, kind, other.id, other.public_signing_key)
    asked = (lookup_id, other.id, node.party.member_id)
    if (answer.lookup_id, answer.sender, answer.receiver) != asked or answer.authority not in other.authorities:
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

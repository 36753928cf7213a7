"""Approving a query at this node, for an approver of our own organisation: read here, hashed here, signed by passkey.

The hub is trusted with nothing: the exact bytes are fetched, their plan is derived again from the SQL, and the passkey
is asked for the hash of what is shown. What the hub hands out afterwards is compared with what the page showed, and the
answer is verified here under our own register before it is sent on.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from audit.event import Action, Outcome
from disclosure_control.presets.preset import PresetInvalid
from federation.approvals import challenge_of, verify_approval, write_approval
from federation.client import ManifestMismatch, Review, review_manifest
from federation.envelope import Envelope, EnvelopeError, add_signature, read_envelope
from federation.exchange import ApproversRefusal, QueryStatus
from federation.hub_line import HubRefused
from federation.manifest import MANIFEST_TYPE, ApprovalError, Manifest, manifest_digest, read_manifest
from federation.passkeys import Passkey
from federation.problems import ProblemRaised
from federation.register import Member, MemberKind, RegisterError
from federation.transport import HubConnection
from federation.webauthn import Assertion, encode_base64url
from node.people import Person
from node.service import Node
from query_engine.refusal import QueryRefused

UNREADABLE = (ApprovalError, ManifestMismatch, QueryRefused, EnvelopeError, PresetInvalid, RegisterError)
"""What a manifest that cannot be approved here ends in; the texts of these are safe to show."""


@dataclass(frozen=True)
class Unreadable:
    """A manifest that waits, and that this node can make nothing of."""

    query_id: str
    reason: str


def find_approver(node: Node, person: Person) -> Member | None:
    """Return who one of our people is in the register, if that is an approver of our own organisation."""
    try:
        member = node.register().find(person.id, node.clock())
    except RegisterError:
        return None
    own = member.organisation == node.party.profile.organisation
    return member if own and member.kind is MemberKind.APPROVER else None


def list_usable(node: Node, approver: Member) -> tuple[Passkey, ...]:
    """Return the approver's registered passkeys that sign at the address of these pages."""
    return tuple(each for each in approver.passkeys if each.origin == node.rules().pages.address)


def read_waiting(node: Node, hub: HubConnection) -> Iterator[Review | Unreadable]:
    """Yield every query that waits for approvals, read here, oldest first."""
    register, presets = node.register(), node.party.presets
    for envelope in hub.fetch_waiting().manifests:
        try:
            yield review_manifest(envelope, register, presets, node.clock())
        except UNREADABLE as error:
            yield Unreadable(_name_query(envelope), str(error))


def _name_query(envelope: Envelope) -> str:
    try:
        return read_manifest(envelope).query_id
    except ApprovalError:
        return ""


def fetch_review(node: Node, hub: HubConnection, query_id: str) -> Review:
    """Fetch one query's exact bytes and read them here. Raises a 409 problem that says why they cannot be approved."""
    try:
        envelope = read_envelope(hub.fetch_for_approvers(query_id), MANIFEST_TYPE)
        review = review_manifest(envelope, node.register(), node.party.presets, node.clock())
        check_named(review.manifest, query_id)
    except UNREADABLE as error:
        raise ProblemRaised(409, "manifest_unreadable", f"{query_id} cannot be read here: {error}") from None
    return review


def check_named(manifest: Manifest, query_id: str) -> None:
    """Raise `ManifestMismatch` unless a manifest is the one that was asked for."""
    if manifest.query_id != query_id:
        raise ManifestMismatch("the hub handed out another query's manifest")


def explain_bar(node: Node, person: Person, review: Review) -> str:
    """Say why one of our people cannot approve a query here; empty where they can."""
    approver = find_approver(node, person)
    if approver is None:
        return f"the register has no approver {person.id} of {node.party.profile.organisation}"
    if review.asker.organisation == approver.organisation:
        return "it is asked by our own organisation: two others decide about it"
    if approver.id in review.envelope.signers:
        return "you have approved it"
    if review.manifest.template:
        return "it is a run of a template, and approved by that"
    if not list_usable(node, approver):
        return (
            f"none of your passkeys in the register is for {node.rules().pages.address}: the page of your passkeys "
            "says how one gets there; or use circe approve"
        )
    return ""


def name_challenge(review: Review) -> str:
    """Return what the page has the passkey asked: the hash of these exact bytes and their type."""
    return encode_base64url(challenge_of(review.envelope))


def approve(
    node: Node, hub: HubConnection, person: Person, query_id: str, shown: str, credential: bytes, answer: Assertion
) -> QueryStatus:
    """Take in what an approver's passkey answered to the page that showed a digest, and hand it in at the hub.

    1. The hub still hands out the bytes that were shown.
    2. The person is an approver of our organisation in the register, and may approve this query.
    3. The passkey is theirs, and answered the hash of these bytes, at our own address.
    4. That they approve is logged before the hub is told, and what came of it afterwards.

    Raises 403 and 409 problems, and `HubRefused` or `HubUnreachable`.
    """
    review = fetch_review(node, hub, query_id)
    if review.digest != shown:  # 1
        raise ProblemRaised(
            409, "manifest_changed", "the hub hands out other bytes than this page showed: nothing was approved"
        )
    if bar := explain_bar(node, person, review):  # 2
        raise ProblemRaised(403, "cannot_approve", f"you cannot approve this here: {bar}")
    approver = find_approver(node, person)
    assert approver is not None  # explain_bar has seen to it
    signature = write_approval(approver.id, credential, answer)
    try:
        verify_approval(add_signature(review.envelope, signature), approver)  # 3
    except EnvelopeError as error:
        _record(node, person, review, Outcome.REFUSED, code="signature_invalid")
        raise ProblemRaised(403, "signature_invalid", f"nothing was approved: {error}") from None
    _record(node, person, review, Outcome.INTENDED)  # 4
    try:
        status = hub.hand_in_approval(query_id, signature)
    except HubRefused as refused:
        _record(node, person, review, Outcome.FAILED, code=refused.problem.code)
        raise
    _record(node, person, review, Outcome.DONE)
    return status


def refuse(node: Node, hub: HubConnection, person: Person, query_id: str, reason: str) -> QueryStatus:
    """Hand in at the hub that an approver refuses a query, with the reason that its asker will read.

    It is logged before the hub is told, and what came of it afterwards. Raises 403, 409 and 422 problems, and
    `HubRefused` or `HubUnreachable`.
    """
    review, approver = fetch_review(node, hub, query_id), find_approver(node, person)
    if approver is None or review.asker.organisation == approver.organisation:
        raise ProblemRaised(403, "cannot_refuse", f"you cannot refuse this here: {explain_bar(node, person, review)}")
    try:
        refusal = msgspec.convert({"approver": approver.id, "reason": reason.strip()}, ApproversRefusal)
    except msgspec.ValidationError:
        raise ProblemRaised(422, "reason_missing", "say in a sentence why, for its asker to read") from None
    act = Action.QUERY_DECLINED
    _record(node, person, review, Outcome.INTENDED, act)
    try:
        status = hub.hand_in_refusal(query_id, refusal)
    except HubRefused as refused:
        _record(node, person, review, Outcome.FAILED, act, code=refused.problem.code)
        raise
    _record(node, person, review, Outcome.DONE, act)
    return status


def _record(
    node: Node, person: Person, review: Review, outcome: Outcome, act: Action = Action.QUERY_APPROVED, code: str = ""
) -> None:
    node.record(
        node.event(
            act,
            f"{person.id} ({person.role})",
            review.manifest.query_id,
            outcome=outcome,
            acting_for=node.party.profile.organisation,
            policy_version=node.policy().version,
            digest=manifest_digest(review.envelope),
            means="passkey" if act is Action.QUERY_APPROVED else "page",
            code=code,
        )
    )

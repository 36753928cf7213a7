"""The manifest: the exact bytes of a query as it was approved, and the node's answer to it.

The asker and the approvers of two organisations sign these bytes and no others, approvers by key file or by passkey
(`federation.approvals`). Every node verifies them all for itself, so a hub that alters, widens, replays or invents a
query can be no more than ignored.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal, Protocol

import msgspec

from federation.approvals import verify_approval
from federation.cell_key_terms import CellKeyTerms
from federation.envelope import Envelope, EnvelopeError, verify_signature
from federation.project import Project, ProjectExceeded, ProjectInvalid, check_asked, check_consistent
from federation.register import CLOCK_SKEW, Member, MemberKind, OrganisationKind, Register, RegisterError
from federation.sum_terms import SumTerms, TermsInvalid, check_terms
from federation.wire import (
    AcademicYear,
    Code,
    Digest,
    DigestOrNone,
    Document,
    Instant,
    Line,
    Name,
    SqlText,
    Term,
    WireError,
    decode_document,
    encode_document,
)
from policies.words import call_role
from query_engine.planning.plan import QueryPlan

MANIFEST_TYPE = "application/vnd.circe.manifest+json"
REPLY_TYPE = "application/vnd.circe.reply+json"

LONGEST_VALIDITY = timedelta(days=30)
"""No manifest is good for longer than this, whatever it says."""

ASKING_KINDS = frozenset({MemberKind.RESEARCHER, MemberKind.DFE_ANALYST})
"""Members who may ask an aggregate question."""

QueryId = Annotated[str, msgspec.Meta(pattern=r"^Q-[0-9a-f]{16}\Z")]
"""The id under which a query is spoken of; it is public and says nothing."""


class Path(StrEnum):
    """How a table may leave a node."""

    NOISY_SUM = "noisy_sum"
    """Masked, with noise inside: only the noised sum over the roster can be opened."""
    EXACT_SUM = "exact_sum"
    """Masked: only the exact sum over the roster can be opened, by the hub, which protects it before release."""
    PER_AUTHORITY = "per_authority"
    """Each node protects its own rows before they leave."""


SUM_PATHS = frozenset({Path.NOISY_SUM, Path.EXACT_SUM})
"""Paths by which no authority's own figures leave it in the clear."""


class Choice(Document, frozen=True):
    """The value that a run chose for one parameter of its template."""

    parameter: Name
    value: Line


class Manifest(Document, frozen=True):
    """A query as approved. Each field is either checked by every node or shown to every approver, or both.

    `project` is the whole project that it belongs to, as it was agreed. `preset_digest` is that of the preset's rules:
    neither its name nor its version tells what they are. `sum` is None exactly for `per_authority`, and `cell_key`
    where the preset changes no counts by cell keys. `template` is the digest of the template that this is a run of, and
    `choices` what it chose of the template's lists; both are empty where the question was approved by itself.
    """

    query_id: QueryId
    project: Project
    asker: Name
    purpose: Line
    sql: SqlText
    plan_id: Name
    planner_version: Name
    catalogue_version: Name
    academic_year: AcademicYear
    snapshot_term: Term
    path: Path
    sum: SumTerms | None
    template: DigestOrNone
    choices: tuple[Choice, ...]
    preset: Name
    preset_version: Name
    preset_digest: Digest
    cell_key: CellKeyTerms | None
    roster: tuple[Name, ...]
    minimum_register_version: int
    issued_at: Instant
    expires_at: Instant
    nonce: Digest


class ApprovalError(Exception):
    """A manifest may not be acted on; `code` says why in a word fit for a log."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def manifest_digest(envelope: Envelope) -> str:
    """Return the SHA-256 digest of a manifest's exact bytes: what approvers compare and logs refer to."""
    return hashlib.sha256(envelope.body).hexdigest()


def read_manifest(envelope: Envelope) -> Manifest:
    """Read the manifest of an envelope; verifies no signature. Raises `ApprovalError`."""
    try:
        manifest = decode_document(envelope.body, Manifest)
    except (EnvelopeError, WireError) as error:
        raise ApprovalError("malformed_manifest", f"manifest: {error}") from None
    _check_lists(manifest)
    _check_project(manifest.project)
    _check_path(manifest)
    return manifest


def _check_lists(manifest: Manifest) -> None:
    if list(manifest.roster) != sorted(set(manifest.roster)) or not manifest.roster:
        raise ApprovalError("malformed_manifest", "manifest: the roster must list each node once, in order")
    chosen = [choice.parameter for choice in manifest.choices]
    if chosen != sorted(set(chosen)):
        raise ApprovalError("malformed_manifest", "manifest: each parameter is chosen once, in order")
    if chosen and not manifest.template:
        raise ApprovalError("malformed_manifest", "manifest: only a run of a template has parameters")


def _check_project(project: Project) -> None:
    try:
        check_consistent(project)
    except ProjectInvalid as error:
        raise ApprovalError("malformed_manifest", f"manifest: its project: {error}") from None


def _check_path(manifest: Manifest) -> None:
    """Hold the terms of a sum to the path and the roster; an exact sum is a run of a template, and nothing else."""
    if (manifest.path in SUM_PATHS) != (manifest.sum is not None):
        raise ApprovalError("malformed_manifest", f"manifest: {manifest.path} does not go with the terms of a sum")
    if manifest.sum is not None:
        try:
            check_terms(manifest.sum, len(manifest.roster), noisy=manifest.path is Path.NOISY_SUM)
        except TermsInvalid as error:
            raise ApprovalError("malformed_manifest", f"manifest: {error}") from None
    if manifest.template and manifest.sum is None:
        raise ApprovalError("malformed_manifest", "manifest: only sums over nodes have templates")
    if manifest.path is Path.NOISY_SUM and manifest.cell_key is not None:
        raise ApprovalError("malformed_manifest", "manifest: cell keys change counts that are not noised")
    if manifest.path is Path.EXACT_SUM and not manifest.template:
        raise ApprovalError("template_missing", "an exact sum is taken under an approved template alone")


def read_record_keys(asked: "Keyed") -> Literal[256, 4096] | None:
    """How many record keys the plan of what is asked carries sums of; None where it carries none."""
    return asked.cell_key.keys if asked.cell_key is not None else None


def write_manifest(manifest: Manifest) -> bytes:
    """Return the exact bytes that are signed."""
    return encode_document(manifest)


class Keyed(Protocol):
    """What states how counts are changed by cell keys: a manifest or a template."""

    @property
    def cell_key(self) -> CellKeyTerms | None:
        """The terms, or None where no counts are changed."""


class Asked(Protocol):
    """What somebody asks: a manifest or a template."""

    @property
    def asker(self) -> str:
        """The id of the member who asks."""


def check_asker(asked: Asked, envelope: Envelope, register: Register, now: datetime) -> Member:
    """Return the asker, having verified that an active researcher or analyst signed these bytes."""
    asker = _verify_signer(asked.asker, envelope, register, now, "asker")
    if asker.kind not in ASKING_KINDS:
        raise ApprovalError(
            "asker_unknown", f"{asker.id} is {call_role(asker.kind)}, who cannot ask aggregate questions"
        )
    return asker


def check_approvals(envelope: Envelope, asker: Member, register: Register, now: datetime) -> tuple[Member, ...]:
    """Return the approvers, having verified approvals by two organisations, neither the asker's, one an authority.

    Every signature beside the asker's must be a valid approval: one that is not makes the whole envelope suspect.
    """
    approvers = tuple(
        _verify_signer(signer, envelope, register, now, "approver") for signer in envelope.signers if signer != asker.id
    )
    for approver in approvers:
        if approver.kind is not MemberKind.APPROVER:
            raise ApprovalError("approver_unknown", f"{approver.id} is {call_role(approver.kind)}, who cannot approve")
        if approver.organisation == asker.organisation:
            raise ApprovalError("approved_by_own", f"{approver.id} belongs to the asker's own organisation")
    if len({approver.organisation for approver in approvers}) < 2:
        raise ApprovalError("approvals_missing", "approvals by two organisations are needed")
    if not any(approver.organisation_kind is OrganisationKind.AUTHORITY for approver in approvers):
        raise ApprovalError("approvals_missing", "one of the approving organisations must be an authority")
    return approvers


def list_lapsed(asked: Asked, envelope: Envelope, register: Register, now: datetime) -> tuple[str, ...]:
    """Return whose signatures count no more, since their keys were rotated or revoked after they signed.

    Nobody can take a signature out of what others have signed beside it: such a manifest is drafted anew.
    """

    def counts(signer: str) -> bool:
        try:
            _verify_signer(signer, envelope, register, now, "asker" if signer == asked.asker else "approver")
        except ApprovalError:
            return False
        return True

    return tuple(signer for signer in envelope.signers if not counts(signer))


def describe_lapsed(lapsed: Sequence[str]) -> str:
    """Say that a query cannot be approved any more, and why; nothing where no signature has lapsed."""
    if not lapsed:
        return ""
    keys = "a key that is registered no more" if len(lapsed) == 1 else "keys that are registered no more"
    return f"it cannot be approved any more, since {' and '.join(lapsed)} signed it with {keys}: draft it anew"


def _verify_signer(member_id: str, envelope: Envelope, register: Register, now: datetime, role: str) -> Member:
    try:
        member = register.find(member_id, now)
    except RegisterError as error:
        raise ApprovalError(f"{role}_unknown", str(error)) from None
    try:
        if role == "approver":
            verify_approval(envelope, member)
        else:
            verify_signature(envelope, member.id, member.public_signing_key)
    except EnvelopeError as error:
        raise ApprovalError("signature_invalid", str(error)) from None
    return member


def check_validity(manifest: Manifest, now: datetime) -> None:
    """Raise `ApprovalError` unless `now` lies in the manifest's validity, which may not be unreasonably long."""
    if manifest.issued_at > now + CLOCK_SKEW:
        raise ApprovalError("not_yet_valid", "the manifest was issued in the future: compare the clocks")
    if now >= manifest.expires_at:
        raise ApprovalError("expired", f"the manifest expired at {manifest.expires_at:%Y-%m-%d %H:%M} UTC")
    if manifest.expires_at - manifest.issued_at > LONGEST_VALIDITY:
        raise ApprovalError("valid_too_long", f"a manifest is good for at most {LONGEST_VALIDITY.days} days")


def check_project(manifest: Manifest, plan: QueryPlan, now: datetime) -> None:
    """Raise `ApprovalError` where a question goes beyond the project that it belongs to, or is asked by none of it."""
    try:
        check_asked(manifest.project, manifest.asker, manifest.preset, plan, now)
    except ProjectExceeded as exceeded:
        raise ApprovalError(exceeded.code, exceeded.text) from None


class Outcome(StrEnum):
    """What a node made of a manifest."""

    ANSWERED = "answered"
    REFUSED = "refused"
    HELD = "held"
    """Set aside for an officer of the node's authority: another reply follows, or the manifest expires before."""


class Reply(Document, frozen=True):
    """A node's signed answer: its own rows, completely protected, a refusal with its reason, or that it is held."""

    manifest_digest: Digest
    query_id: QueryId
    node: Name
    authority: Name
    outcome: Outcome
    code: Code
    text: str
    snapshot: str
    register_version: int
    answered_at: Instant
    table: Mapping[str, Any] | None

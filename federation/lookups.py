"""What two nodes say to each other in a lookup; the hub sees only sealed pages and the lookup's id.

The asking node signs a request for each addressed node and seals it to that node. The answering node evaluates its own
policy over its own rows, and signs and seals what that permits. A refusal is an answer of as many pages.
"""

from enum import StrEnum
from typing import Annotated

import msgspec

from federation.envelope import (
    Envelope,
    EnvelopeError,
    Signer,
    read_envelope,
    seal_envelope,
    verify_signature,
    write_envelope,
)
from federation.wire import Code, D, Document, Instant, Line, Name, WireError, decode_document, encode_document

REQUEST_TYPE = "application/vnd.circe.lookup-request+json"
ANSWER_TYPE = "application/vnd.circe.lookup-answer+json"

LookupId = Annotated[str, msgspec.Meta(pattern=r"^L-[0-9a-f]{32}\Z")]
"""The random id of one lookup: all that the hub's log ever holds of it."""

FieldName = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,63}\Z")]
"""The name of a field of a child's record, as both logs write it."""


class LookupKind(StrEnum):
    """What is asked."""

    PLACED_HERE = "placed_here"
    """Children in the answering authority's care who are educated in the asking authority's area."""


class LookupRequest(Document, frozen=True):
    """One request to one node, signed by the asking node on behalf of one of its people."""

    lookup_id: LookupId
    kind: LookupKind
    sender: Name
    receiver: Name
    authority: Name
    person: Name
    role: Name
    purpose: Line
    asked_at: Instant


class LookupOutcome(StrEnum):
    """What the answering node made of a request."""

    ANSWERED = "answered"
    REFUSED = "refused"


class ChildRecord(Document, frozen=True):
    """The permitted fields of one child; a field that the policy does not permit, or nobody knows, is null."""

    la_child_id: str | None
    upn: str | None
    date_of_birth: str | None
    school: str | None
    placement_type: str | None
    legal_status: str | None
    care_start: str | None


class LookupAnswer(Document, frozen=True):
    """One node's signed answer, whole: whoever matched and may be read is in it."""

    lookup_id: LookupId
    sender: Name
    receiver: Name
    authority: Name
    outcome: LookupOutcome
    code: Code
    text: str
    policy_version: str
    snapshot: str
    as_of: Instant
    contact: str
    fields: Annotated[tuple[FieldName, ...], msgspec.Meta(max_length=200)]
    children: tuple[ChildRecord, ...]


class LookupFailed(Exception):
    """A lookup message is malformed, not signed by its sender, or not what was asked for."""


def sign_message(message: Document, message_type: str, signer: Signer) -> bytes:
    """Return a lookup message signed by its sender, ready to be sealed."""
    return write_envelope(seal_envelope(encode_document(message), message_type, signer))


def message_type(data: bytes) -> str:
    """Return what a sealed message says that it is; a claim only, until `read_message`. Raises `LookupFailed`."""
    try:
        return decode_document(data, Envelope).payload_type
    except WireError as error:
        raise LookupFailed(f"lookup message: {error}") from None


def read_message(data: bytes, message_type: str, kind: type[D], sender: str, public_key: bytes) -> D:
    """Read a lookup message and verify that `sender` signed it. Raises `LookupFailed`."""
    try:
        envelope = read_envelope(data, message_type)
        verify_signature(envelope, sender, public_key)
        return decode_document(envelope.body, kind)
    except (EnvelopeError, WireError) as error:
        raise LookupFailed(f"lookup message: {error}") from None

"""What two nodes say to each other in a lookup; the hub sees only sealed pages and the lookup's id.

The asking node signs a request for each addressed node and seals it to that node. The answering node evaluates its own
policy over its own rows, and signs and seals what that permits. A refusal is an answer of as many pages.
"""

from datetime import date
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
    ONE_CHILD = "one_child"
    """One such child, sought by an identifier or by name and date of birth."""
    CHILD_ON_ROLL = "child_on_roll"
    """One child in the asking authority's care, sought by both identifiers on the answering authority's rolls."""
    NAMED_CHILD = "named_child"
    """The children in the answering authority's care whom it has named to whoever asks, by delegation."""
    EMERGENCY = "emergency"
    """One child in the answering authority's care, exactly identified, whatever the asker is to them; by passkey."""
    CLASS_LIST = "class_list"
    """The children in the answering authority's care who are at one school in the asking authority's area."""


Text = Annotated[str, msgspec.Meta(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*\Z")]
"""Part of a name, or a number that an authority gave; empty where it is not what is sought by."""

SoughtUpn = Annotated[str, msgspec.Meta(pattern=r"^([A-Z][0-9]{11}[0-9A-Z])?\Z")]


class ChildSought(Document, frozen=True):
    """Whom a lookup is after: by pupil number, by the home authority's own number, or by name and date of birth.

    A pupil number may come with a date of birth, which then has to be right as well. `loosely` lets names that sound
    alike or are spelt nearly alike count, and dates with figures transposed; it says nothing of identifiers.

    Raises `ValueError` for what names nobody, or somebody in two ways.
    """

    upn: SoughtUpn = ""
    la_child_id: Text = ""
    forename: Text = ""
    surname: Text = ""
    date_of_birth: date | None = None
    loosely: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        by_name = bool(self.forename.strip()) and bool(self.surname.strip()) and self.date_of_birth is not None
        if [bool(self.upn), bool(self.la_child_id), by_name].count(True) != 1:
            raise ValueError("give a pupil number, the authority's own number, or forename, surname and date of birth")
        if not by_name and (self.forename or self.surname or self.loosely):
            raise ValueError("names are sought by together with a date of birth, and by no number")


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
    sought: ChildSought | None = None
    school_urn: Annotated[int, msgspec.Meta(ge=100_000, le=999_999)] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.school_urn is not None) != (self.kind is LookupKind.CLASS_LIST):
            raise ValueError("a school is given where its class list is asked for, and nowhere else")
        if (self.sought is not None) != (self.kind in SEEKING):
            raise ValueError("whom a lookup seeks is given where it seeks one child, and nowhere else")


SEEKING = frozenset({LookupKind.ONE_CHILD, LookupKind.CHILD_ON_ROLL, LookupKind.EMERGENCY})
"""The kinds that seek one child."""


class LookupOutcome(StrEnum):
    """What the answering node made of a request."""

    ANSWERED = "answered"
    HELD = "held"
    """Set aside for an officer of the answering authority: whoever asks again later is told what was decided."""
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


Told = Annotated[str, msgspec.Meta(max_length=8_000)]
"""The facts of one group of a tracking record, as the home authority's node writes them."""


class ChildFile(Document, frozen=True):
    """What may be told of one child who was sought or named; what may not, or is not known, is null."""

    la_child_id: str | None = None
    name: str | None = None
    upn: str | None = None
    date_of_birth: str | None = None
    host_authority: str | None = None
    school: str | None = None
    year_group: str | None = None
    attendance_rate: str | None = None
    suspensions: str | None = None
    sen_provision: str | None = None
    placement_type: str | None = None
    legal_status: str | None = None
    care_start: str | None = None
    sdq_score: str | None = None
    pep_on_time: str | None = None
    tracked_education: Told | None = None
    tracked_plan: Told | None = None
    tracked_pep: Told | None = None


MOST_PROOF = 32_000
"""Characters of the longest proof of an entry that an answer carries; one is some two thousand."""


class NodeAnswer(Document, frozen=True):
    """The head of every signed answer that travels as a lookup's does: to what, from whom, and what came of it.

    `code` and `text` say why where it is not answered, and `contact` whom to call.
    """

    lookup_id: LookupId
    sender: Name
    receiver: Name
    authority: Name
    outcome: LookupOutcome
    code: Code
    text: str
    as_of: Instant
    contact: str


class LookupAnswer(NodeAnswer, frozen=True):
    """One node's signed answer, whole: whoever matched and may be read is in it.

    `proof` shows that the answering node's log has an entry of the answer (C2SP tlog-proof), under that log's own
    signature: its witnesses sign a minute later.
    """

    policy_version: str
    snapshot: str
    fields: Annotated[tuple[FieldName, ...], msgspec.Meta(max_length=200)]
    children: tuple[ChildRecord, ...]
    files: tuple[ChildFile, ...] = ()
    delegations: Annotated[tuple[Envelope, ...], msgspec.Meta(max_length=100)] = ()
    proof: Annotated[str, msgspec.Meta(max_length=MOST_PROOF)] = ""


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

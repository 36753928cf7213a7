"""Hand-overs: what one child's virtual school knows goes to the authority that is to care for, or educate, the child.

It goes in two steps. The home authority's node sends an offer, which says whose record is offered, why, and the digest
of the pack; its virtual school head has signed the offer, by passkey or key file, beside the node. The pack stays where
it is until the receiving head has accepted: then the receiving node collects it, and says what became of it. Each step
is one page there and an answer of as many pages as any other, so the hub cannot tell it from a lookup.
"""

from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated

import msgspec

from federation.countersigning import verify_both
from federation.delegations import ChildNumber
from federation.envelope import (
    Envelope,
    EnvelopeError,
    read_envelope,
    seal_envelope,
    write_envelope,
)
from federation.explained import Explained
from federation.lookups import ChildFile, FieldName, LookupFailed, LookupId, LookupOutcome, NodeAnswer, Text
from federation.register import Member
from federation.wire import (
    Code,
    Digest,
    Document,
    Instant,
    Line,
    Name,
    WireError,
    decode_document,
    encode_document,
)
from policies.names import CHILD_RECORD, FieldGroup

HANDOVER_TYPE = "application/vnd.circe.handover-request+json"
HANDOVER_ANSWER_TYPE = "application/vnd.circe.handover-answer+json"
OFFER_TYPE = "application/vnd.circe.handover-offer+json"

LONGEST = timedelta(days=31)
"""How long an offer waits at most, whatever its sender says."""

HandoverId = Annotated[str, msgspec.Meta(pattern=r"^P-[0-9a-f]{32}\Z")]


class Occasion(StrEnum):
    """Why a record is handed over, in plain English: as home says it, and as the receiving authority reads it."""

    meaning: str
    here: str

    def __new__(cls, value: str, meaning: str, here: str) -> "Occasion":
        """Keep the meanings beside the value."""
        occasion = str.__new__(cls, value)
        occasion._value_ = value
        occasion.meaning, occasion.here = meaning, here
        return occasion

    NEW_HOME = (
        "new_home",
        "the child comes into the care of that authority, which takes the record over",
        "the child comes into our care, and we take the record over",
    )
    NEW_HOST = (
        "new_host",
        "the child is to be educated in that authority, which reads a copy and changes nothing",
        "the child is to be educated in our area, and we read a copy and change nothing",
    )


class Step(StrEnum):
    """What one node says to the other."""

    OFFER = "offer"
    """Home's node: a pack waits here for you."""
    COLLECT = "collect"
    """The receiving node: our head accepts, send it."""
    ACCEPT = "accept"
    """The receiving node: it is set down here."""
    DECLINE = "decline"
    """The receiving node: our head does not accept, and why."""


class DeclineReason(Explained):
    """Why a head does not accept, and in plain English."""

    NOT_OURS = "not_ours", "the child does not come to us"
    NOT_YET = "not_yet", "it is not certain yet that the child comes to us: offer it again"
    HELD_ALREADY = "held_already", "we have what the record would tell"
    CALL_FIRST = "call_first", "call us before it is offered again"


UpnOrNone = Annotated[str, msgspec.Meta(pattern=r"^([A-HJ-NP-RT-Z][0-9]{11}[0-9A-HJ-NP-RT-Z])?\Z")]
"""A unique pupil number, or empty where none is known."""


class HandedChild(Document, frozen=True):
    """Whose record it is, as home knows the child."""

    number: ChildNumber
    date_of_birth: date
    upn: UpnOrNone = ""
    name: Text = ""


class HandoverOffer(Document, frozen=True):
    """What home's head signs: whose record is offered to whom, what is in it, by the digest of its exact bytes.

    Raises `ValueError` for a group that is no child's, for a record offered to its own home, and for too long a wait.
    """

    handover_id: HandoverId
    occasion: Occasion
    home: Name
    sender: Name
    receiver: Name
    authority: Name
    person: Name
    role: Name
    child: HandedChild
    groups: Annotated[tuple[FieldGroup, ...], msgspec.Meta(min_length=1, max_length=len(CHILD_RECORD))]
    entries: Annotated[int, msgspec.Meta(ge=0, le=100_000)]
    pack_digest: Digest
    purpose: Line
    offered_at: Instant
    expires_at: Instant

    def __post_init__(self) -> None:
        super().__post_init__()
        if not set(self.groups) <= set(CHILD_RECORD) or len(set(self.groups)) != len(self.groups):
            raise ValueError("a hand-over is of groups of a child's record, each named once")
        if self.home == self.authority or self.sender == self.receiver:
            raise ValueError("a record is handed over to another authority")
        if not timedelta(0) < self.expires_at - self.offered_at <= LONGEST:
            raise ValueError(f"an offer waits for {LONGEST.days} days at most")


class HandedEntry(Document, frozen=True):
    """One entry of the tracking record's history; `authority` is where it was made, if that was not home itself."""

    made_at: Instant
    role: Name
    reason: Line
    kind: FieldName
    fact: dict[str, str]
    authority: Annotated[str, msgspec.Meta(pattern=r"^([0-9]{3})?\Z")] = ""


class HandoverPack(Document, frozen=True):
    """What is handed over: what home's files say of the child, and the history of the record; and whom to call."""

    handover_id: HandoverId
    home: Name
    made_at: Instant
    child: HandedChild
    contact: str
    fields: Annotated[tuple[FieldName, ...], msgspec.Meta(max_length=200)]
    file: ChildFile
    entries: Annotated[tuple[HandedEntry, ...], msgspec.Meta(max_length=20_000)]


class HandoverRequest(Document, frozen=True):
    """One step, signed by the node that takes it. Raises `ValueError` for one with what belongs to another."""

    lookup_id: LookupId
    step: Step
    sender: Name
    receiver: Name
    authority: Name
    asked_at: Instant
    handover_id: HandoverId
    code: Code = ""
    offer: Envelope | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.offer is not None) != (self.step is Step.OFFER):
            raise ValueError("an offer comes with the first step, and with no other")
        if (self.code in frozenset(DeclineReason)) != (self.step is Step.DECLINE) or (
            self.code and self.step is not Step.DECLINE
        ):
            raise ValueError("a reason is given for declining, and for nothing else")


class HandoverAnswer(NodeAnswer, frozen=True):
    """The other node's signed answer; only one that a pack is collected from has it, in base64."""

    pack: str = ""


def draft_offer(offer: HandoverOffer) -> Envelope:
    """Return the offer as the bytes that the head and then the node sign."""
    return seal_envelope(encode_document(offer), OFFER_TYPE)


def read_offer(envelope: Envelope) -> HandoverOffer:
    """Read an offer; who signed it is for `verify_offer` to say. Raises `EnvelopeError`."""
    try:
        return decode_document(read_envelope(write_envelope(envelope), OFFER_TYPE).body, HandoverOffer)
    except WireError as error:
        raise EnvelopeError(f"an offer: {error}") from None


def verify_offer(envelope: Envelope, offer: HandoverOffer, sender: Member, head: Member) -> None:
    """Verify who offers: the node that sends it, in its own name, and the head. Raises `EnvelopeError`."""
    if offer.sender != sender.id:
        raise EnvelopeError("an offer is signed by another node than the one it says")
    verify_both(envelope, offer.person, head, sender)


def check_answer(request: HandoverRequest, answer: HandoverAnswer) -> None:
    """Raise `LookupFailed` unless an answer has a pack exactly where one was collected."""
    collected = request.step is Step.COLLECT and answer.outcome is LookupOutcome.ANSWERED
    if bool(answer.pack) != collected:
        raise LookupFailed("answered in another form than was asked")

"""One child's disclosures, asked of the nodes that a home authority's log names, for a subject access request.

The officer signs one mandate, by their own key or passkey: of which authority, for what reason, which nodes may be
asked, and a commitment to the child's numbers. Each request carries the mandate beside the lookup ids that the home log
shares with that node, and opens the commitment inside the seal. So an answering node sees for itself that this officer
meant this child and it, and home's node alone can ask for nobody. The hub carries pages like those of any lookup.
"""

import hashlib
from datetime import timedelta
from typing import Annotated

import msgspec

from federation.approvals import verify_approval
from federation.countersigning import name_member
from federation.envelope import Envelope, EnvelopeError, read_envelope, seal_envelope, write_envelope
from federation.lookups import FieldName, LookupId, NodeAnswer
from federation.register import Member, MemberKind
from federation.wire import Code, Digest, Document, Instant, Line, Name, WireError, decode_document, encode_document

DISCLOSURES_TYPE = "application/vnd.circe.disclosures-request+json"
DISCLOSED_TYPE = "application/vnd.circe.disclosures-answer+json"
MANDATE_TYPE = "application/vnd.circe.disclosures-mandate+json"

MANDATE_LASTS = timedelta(hours=1)
"""How long a mandate may be used: until every node that it names has been asked, and asked again."""

MOST_REFERENCES = 10
"""How many lookups one request is about: what is told of so many fits on any answer's pages."""

SharedId = Annotated[str, msgspec.Meta(pattern=r"^[LP]-[0-9a-f]{32}\Z")]
"""The id of a lookup or a hand-over, which both logs have."""

Number = Annotated[str, msgspec.Meta(min_length=1, max_length=40, pattern=r"^[^\x00-\x1f\x7f]+\Z")]
"""A number of the child that both authorities know: a pupil number, or the home authority's own."""

Said = Annotated[str, msgspec.Meta(max_length=1000, pattern=r"^[^\x00-\x1f\x7f]*\Z")]
"""Words of a log as it has them; it takes no control characters."""


class Mandate(Document, frozen=True):
    """What an officer signs once for all nodes that are asked. `child` commits to the numbers without telling them."""

    authority: Name
    person: Name
    reason: Line
    made_at: Instant
    child: Digest
    receivers: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1, max_length=400)]


class DisclosuresRequest(Document, frozen=True):
    """One request to one node: what does your log have of this child under these lookup ids, where we are its home?"""

    lookup_id: LookupId
    sender: Name
    receiver: Name
    authority: Name
    person: Name
    role: Name
    purpose: Line
    asked_at: Instant
    numbers: Annotated[tuple[Number, ...], msgspec.Meta(min_length=1, max_length=4)]
    salt: Digest
    references: Annotated[tuple[SharedId, ...], msgspec.Meta(min_length=1, max_length=MOST_REFERENCES)]
    mandate: Envelope


class Disclosed(Document, frozen=True):
    """One entry of a node's log about the child, less what names the child in it."""

    entry: Annotated[int, msgspec.Meta(ge=0)]
    at: Annotated[str, msgspec.Meta(pattern=r"^[0-9T:.\-]{26}Z\Z")]
    reference: SharedId
    actor: Annotated[str, msgspec.Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]+\Z")]
    action: Annotated[str, msgspec.Meta(pattern=r"^[a-z]+(\.[a-z]+)?\Z")]
    outcome: Code
    acting_for: Said
    purpose: Said
    relationship: Said
    fields: Annotated[tuple[FieldName, ...], msgspec.Meta(max_length=200)]
    policy_version: Said
    safeguarding: bool


class DisclosuresAnswer(NodeAnswer, frozen=True):
    """One node's signed answer; `untold` are the lookups of which its log has nothing about the child and its home."""

    entries: Annotated[tuple[Disclosed, ...], msgspec.Meta(max_length=400)]
    untold: Annotated[tuple[SharedId, ...], msgspec.Meta(max_length=MOST_REFERENCES)]


class MandateRefused(Exception):
    """A mandate is malformed, not the officer's, over, or not of this child and this node. Repeats nothing of it."""


def commit_child(numbers: tuple[str, ...], salt: str) -> str:
    """Return the commitment to a child's numbers: without the salt nobody can try numbers against it."""
    return hashlib.sha256(msgspec.json.encode([salt, list(numbers)])).hexdigest()


def draft_mandate(mandate: Mandate) -> Envelope:
    """Return a mandate as the bytes that its officer signs."""
    return seal_envelope(encode_document(mandate), MANDATE_TYPE)


def verify_mandate(request: DisclosuresRequest, officer: Member, sender: Member) -> None:
    """Verify that an officer of the asking organisation meant this request. Raises `MandateRefused`.

    1. The officer is the register's entry of the person who asks, of the organisation whose node asks.
    2. They signed the mandate, by their key or one of their passkeys.
    3. It is of this authority, person and reason, and names the node that is asked.
    4. It was made within the hour in which the request was.
    5. The numbers in the request are those that it commits to.
    """
    kinds = (MemberKind.IG_OFFICER, MemberKind.APPROVER)
    belongs = officer.kind in kinds and officer.organisation == sender.organisation
    if not belongs or officer.id != name_member(request.person, sender.organisation):  # 1
        raise MandateRefused("the mandate is not that of the officer who asks")
    try:
        envelope = read_envelope(write_envelope(request.mandate), MANDATE_TYPE)
        verify_approval(envelope, officer)  # 2
        mandate = decode_document(envelope.body, Mandate)
    except (EnvelopeError, WireError) as error:
        raise MandateRefused(f"the mandate does not hold: {error}") from None
    meant = (mandate.authority, mandate.person, mandate.reason)
    if meant != (request.authority, request.person, request.purpose) or request.receiver not in mandate.receivers:  # 3
        raise MandateRefused("the mandate is for something else, or names other nodes")
    if not timedelta(0) <= request.asked_at - mandate.made_at <= MANDATE_LASTS:  # 4
        raise MandateRefused("the mandate is over: the officer signs another")
    if commit_child(request.numbers, request.salt) != mandate.child:  # 5
        raise MandateRefused("the mandate is of another child")

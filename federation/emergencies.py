"""Emergency access: a lookup of one exactly identified child that a person has signed with their own passkey.

A node signs every lookup on its people's behalf, and is believed about who asks. Not here: beside the node's signature,
the envelope of the request has the person's, by passkey, over the same bytes (`federation.approvals`). The passkey is
one that the register has of them, used at the origin it is registered with. So the answering node sees for itself that
this person was there, meant this child and this reason, and meant it once.
"""

from federation.approvals import is_by_passkey, verify_approval
from federation.countersigning import check_belongs, sign_by_passkey
from federation.envelope import (
    Envelope,
    EnvelopeError,
    Signer,
    find_signature,
    read_envelope,
    seal_envelope,
    write_envelope,
)
from federation.lookups import LookupRequest
from federation.register import Member
from federation.webauthn import Assertion
from federation.wire import encode_document

EMERGENCY_TYPE = "application/vnd.circe.emergency-request+json"


def draft_envelope(request: LookupRequest) -> Envelope:
    """Return the request as the bytes that a passkey and then the node sign."""
    return seal_envelope(encode_document(request), EMERGENCY_TYPE)


def sign_emergency(draft: Envelope, member: str, credential: bytes, answer: Assertion, node: Signer) -> bytes:
    """Return the request with the person's signature and their node's, ready to be sealed."""
    return write_envelope(sign_by_passkey(draft, member, credential, answer, node))


def verify_person(data: bytes, person: str, member: Member, sender: Member) -> None:
    """Verify that the person who asks signed exactly this request. Raises `EnvelopeError`.

    1. The member is an approver of the organisation whose node asks, and the person in whose name it asks.
    2. The signature is a passkey's: a key file could be used by whoever has the machine.
    3. The register has that passkey, and it answered the hash of these bytes, at its origin, its user verified.
    """
    envelope = read_envelope(data, EMERGENCY_TYPE)
    check_belongs(person, member, sender)  # 1
    if not is_by_passkey(find_signature(envelope, member.id)):  # 2
        raise EnvelopeError("an emergency is signed by passkey, and by no key file")
    verify_approval(envelope, member)  # 3

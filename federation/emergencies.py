"""Emergency access: a lookup of one exactly identified child that a person has signed with their own passkey.

A node signs every lookup on its people's behalf, and is believed about who asks. Not here: beside the node's signature,
the envelope of the request has the person's, by passkey, over the same bytes (`federation.approvals`). The passkey is
one that the register has of them, used at the origin it is registered with. So the answering node sees for itself that
this person was there, meant this child and this reason, and meant it once.
"""

from federation.approvals import is_by_passkey, verify_approval, write_approval
from federation.envelope import (
    Envelope,
    EnvelopeError,
    Signer,
    add_signature,
    find_signature,
    read_envelope,
    seal_envelope,
    sign_body,
    write_envelope,
)
from federation.lookups import LookupRequest
from federation.register import Member, MemberKind
from federation.webauthn import Assertion
from federation.wire import encode_document

EMERGENCY_TYPE = "application/vnd.circe.emergency-request+json"


def draft_envelope(request: LookupRequest) -> Envelope:
    """Return the request as the bytes that a passkey and then the node sign."""
    return seal_envelope(encode_document(request), EMERGENCY_TYPE)


def sign_emergency(draft: Envelope, member: str, credential: bytes, answer: Assertion, node: Signer) -> bytes:
    """Return the request with the person's signature and their node's, ready to be sealed."""
    by_person = add_signature(draft, write_approval(member, credential, answer))
    return write_envelope(add_signature(by_person, sign_body(draft.body, EMERGENCY_TYPE, node)))


def name_member(person: str, organisation: str) -> str:
    """Return the register's name of the person whose passkey counts."""
    return f"{person}@{organisation}"


def verify_person(data: bytes, person: str, member: Member, sender: Member) -> None:
    """Verify that the person who asks signed exactly this request. Raises `EnvelopeError`.

    1. The member is an approver of the organisation whose node asks, and the person in whose name it asks.
    2. The signature is a passkey's: a key file could be used by whoever has the machine.
    3. The register has that passkey, and it answered the hash of these bytes, at its origin, its user verified.
    """
    envelope = read_envelope(data, EMERGENCY_TYPE)
    belongs = (member.kind, member.organisation) == (MemberKind.APPROVER, sender.organisation)
    if not belongs or member.id != name_member(person, sender.organisation):  # 1
        raise EnvelopeError("the passkey is not that of the person who asks")
    if not is_by_passkey(find_signature(envelope, member.id)):  # 2
        raise EnvelopeError("an emergency is signed by passkey, and by no key file")
    verify_approval(envelope, member)  # 3

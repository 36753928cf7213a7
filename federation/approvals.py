"""Approvals: what an approver signs a manifest or a template with, by their key file or by one of their passkeys.

Both cover the same bytes, the pre-authentication encoding of type and payload (DSSE), so an approval of one document is
none of another. In an envelope a signature by key file is 64 bytes of Ed25519; anything longer is an answer by passkey:

    key file   Ed25519(PAE)
    passkey    {"credential", "client_data", "authenticator_data", "signature"}, whose challenge is SHA-256(PAE)

A passkey counts if the register that is valid now has it for that approver, at the origin that it is registered with
and no other. That is a page of the approver's own organisation, so a page of the hub can collect nothing that counts.
"""

import base64
import hashlib

from federation.envelope import (
    Envelope,
    EnvelopeError,
    Signature,
    decode_base64,
    find_signature,
    pre_authentication_encoding,
    verify_signature,
)
from federation.members import Member
from federation.passkeys import Passkey
from federation.webauthn import Assertion, Ceremony, Credential, WebAuthnRefused, verify_assertion
from federation.wire import Document, WireError, decode_document, encode_document

ED25519_SIGNATURE = 64
"""Bytes of a signature by key file. An answer by passkey is longer: its authenticator data alone take more."""

LONGEST_ANSWER = 16 * 1024
"""Bytes of the longest answer by passkey that is read."""


class PasskeyAnswer(Document, frozen=True):
    """What a passkey answered to the challenge of a document's bytes, each part in base64."""

    credential: str
    client_data: str
    authenticator_data: str
    signature: str


def challenge_of(envelope: Envelope) -> bytes:
    """Return what a passkey is asked to sign in order to approve exactly these bytes."""
    return hashlib.sha256(pre_authentication_encoding(envelope.payload_type, envelope.body)).digest()


def write_approval(approver: str, credential: bytes, answer: Assertion) -> Signature:
    """Return an approver's answer by passkey as it stands in an envelope; verifies nothing."""
    parts = (credential, answer.client_data, answer.authenticator_data, answer.signature)
    texts = (base64.b64encode(part).decode() for part in parts)
    document = PasskeyAnswer(**dict(zip(PasskeyAnswer.__struct_fields__, texts, strict=True)))
    return Signature(keyid=approver, sig=base64.b64encode(encode_document(document)).decode())


def is_by_passkey(signature: Signature) -> bool:
    """Whether a signature claims to be a passkey's. Raises `EnvelopeError` for what is not base64."""
    return len(decode_base64(signature.sig)) > ED25519_SIGNATURE


def verify_approval(envelope: Envelope, approver: Member) -> None:
    """Verify that an approver signed these bytes, by their key file or by a passkey. Raises `EnvelopeError`.

    The caller must have found the approver in the register that is valid now, and check whose approvals count.

    1. There is one signature by the approver.
    2. By key file: the registered key verifies it.
    3. By passkey: the register has the passkey for this approver, and for nobody else.
    4. It answered the hash of these very bytes, at the origin it is registered with, its user verified by the device.
    """
    claimed = find_signature(envelope, approver.id)  # 1
    if not is_by_passkey(claimed):
        verify_signature(envelope, approver.id, approver.public_signing_key)  # 2
        return
    answer = _read_answer(claimed)
    passkey = _find_passkey(approver, answer.credential)  # 3
    assertion = Assertion(*map(decode_base64, (answer.client_data, answer.authenticator_data, answer.signature)))
    credential = Credential(decode_base64(passkey.credential), decode_base64(passkey.public_key))
    ceremony = Ceremony(passkey.domain, passkey.origin, challenge_of(envelope))
    try:
        verify_assertion(assertion, credential, ceremony)  # 4
    except WebAuthnRefused as refused:
        raise EnvelopeError(f"the approval by {approver.id} does not verify: {refused}") from None


def _read_answer(claimed: Signature) -> PasskeyAnswer:
    try:
        return decode_document(decode_base64(claimed.sig), PasskeyAnswer, limit=LONGEST_ANSWER)
    except WireError:
        raise EnvelopeError(f"the signature by {claimed.keyid} is neither a key's nor a passkey's") from None


def _find_passkey(approver: Member, credential: str) -> Passkey:
    for passkey in approver.passkeys:
        if passkey.credential == credential:
            return passkey
    raise EnvelopeError(f"the register has no such passkey of {approver.id}")

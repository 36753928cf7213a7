"""Reading what members signed for a secure sum, and holding it to the register.

Nothing here takes the hub's word: a signature counts under the key that the register gives the signer now, and only
if the register calls it what it must be.
"""

from collections.abc import Iterable
from datetime import datetime

from federation.envelope import (
    Envelope,
    EnvelopeError,
    Signer,
    check_payload_type,
    decode_base64,
    is_signed,
    pre_authentication_encoding,
    seal_envelope,
    verify_signature,
)
from federation.register import MemberKind, Register, RegisterError
from federation.secure_sum.errors import SumRefused
from federation.wire import D, Document, WireError, decode_document, encode_document
from policies.words import call_role


def sign_document(document: Document, payload_type: str, signer: Signer) -> Envelope:
    """Return the document in an envelope with one signature."""
    return seal_envelope(encode_document(document), payload_type, signer)


def read_payload(envelope: Envelope, payload_type: str, kind: type[D]) -> D:
    """Read the document of an envelope; verifies no signature. Raises `SumRefused`."""
    try:
        check_payload_type(envelope, payload_type)
        return decode_document(envelope.body, kind)
    except EnvelopeError as error:
        raise SumRefused("malformed", f"{kind.__name__}: {error}") from None
    except WireError as error:
        raise SumRefused("malformed", str(error)) from None


def read_bytes(text: str, what: str, length: int | None = None) -> bytes:
    """Read base64 of a known length. Raises `SumRefused`."""
    try:
        data = decode_base64(text)
    except EnvelopeError as error:
        raise SumRefused("malformed", f"{what}: {error}") from None
    if length is not None and len(data) != length:
        raise SumRefused("malformed", f"{what}: expected {length} bytes, found {len(data)}")
    return data


def check_signed(envelope: Envelope, signer: str, kind: MemberKind, register: Register, now: datetime) -> None:
    """Check that an active member of that kind signed the envelope, and nobody else did. Raises `SumRefused`."""
    if envelope.signers != (signer,):
        raise SumRefused("signature_invalid", f"expected the signature of {signer} alone")
    try:
        member = register.find(signer, now)
        if member.kind is not kind:
            raise SumRefused(
                "signer_unknown", f"{signer} is {call_role(member.kind)}, and {call_role(kind)} must sign this"
            )
        verify_signature(envelope, signer, member.public_signing_key)
    except RegisterError as error:
        raise SumRefused("signer_unknown", str(error)) from None
    except EnvelopeError as error:
        raise SumRefused("signature_invalid", str(error)) from None


def check_quorum(envelope: Envelope, members: Iterable[str], threshold: int, register: Register, now: datetime) -> None:
    """Check that at least `threshold` active nodes among `members` signed one statement.

    Every signature must be a good one of a different member: one that is not makes the envelope suspect.
    Raises `SumRefused`.
    """
    allowed = frozenset(members)
    if len(set(envelope.signers)) != len(envelope.signers) or not allowed.issuperset(envelope.signers):
        raise SumRefused("signer_unknown", "a signer is not of this sum, or signed twice")
    if len(envelope.signatures) < threshold:
        raise SumRefused(
            "quorum_missing", f"{threshold} signatures are needed, and there are {len(envelope.signatures)}"
        )
    message = pre_authentication_encoding(envelope.payload_type, envelope.body)
    for signature in envelope.signatures:
        check_statement(message, signature.keyid, signature.sig, register, now)


def count_signers(envelope: Envelope, members: Iterable[str], register: Register, now: datetime) -> int:
    """Count the active nodes among `members` that signed one statement under their key of now; others count for none.

    For a statement that is shown for months: some who signed it leave, and others change their key.
    """
    message = pre_authentication_encoding(envelope.payload_type, envelope.body)
    good = set[str]()
    for signature in envelope.signatures:
        try:
            check_statement(message, signature.keyid, signature.sig, register, now)
        except SumRefused:
            continue
        good.add(signature.keyid)
    return len(good.intersection(members))


def check_statement(message: bytes, signer: str, signature: str, register: Register, now: datetime) -> None:
    """Check one active node's signature over a statement's pre-authentication encoding. Raises `SumRefused`."""
    try:
        member = register.find(signer, now)
    except RegisterError as error:
        raise SumRefused("signer_unknown", str(error)) from None
    if member.kind is not MemberKind.NODE:
        raise SumRefused("signer_unknown", f"{signer} is {call_role(member.kind)}, and a node must sign this")
    try:
        good = is_signed(message, decode_base64(signature), member.public_signing_key)
    except EnvelopeError:
        good = False
    if not good:
        raise SumRefused("signature_invalid", f"the signature by {signer} does not verify")

"""Signed envelopes in the DSSE format (secure-systems-lab/dsse, protocol and envelope version 1.0).

An envelope carries a payload, the payload's type and any number of signatures. A signature covers the exact bytes of
type and payload through the pre-authentication encoding, so nothing has to be re-serialised to be checked and a
signature on one type of document can never serve for another:

    DSSEv1 29 application/vnd.circe.x+json 11 {"hello":1}

`keyid` holds the member's id. It is a hint only: a signature counts when it verifies under that member's
registered key.
"""

import base64
import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import msgspec

from federation.wire import MAX_DOCUMENT_BYTES, Document, Name, WireError, decode_document, encode_document

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MAX_SIGNATURES = 16

STATEMENTS: Mapping[str, int] = {
    "application/vnd.circe.sum-survivors+json": 400,
    "application/vnd.circe.sum-held+json": 400,
    "application/vnd.circe.sum-abort+json": 400,
}
"""Documents that every node of a roster signs in the same bytes: how many signatures such an envelope may hold."""

KEYS_AT_HAND = 1024
"""How many members' public keys are kept ready for use: reading one takes as long as the rest of a verification."""

MOST_VERIFIED = 8192
"""How many signatures that verified are remembered, by the digest of all that went into it."""

_VERIFIED = set[bytes]()

FIELD = 2**255 - 19
"""The prime over which the curve of Ed25519 lies."""

# The second coordinate of every point whose order divides 8 (RFC 8032's curve has eight of them).
_ORDER_8 = 2707385501144840649318225287225658788936804267575313519463743609750303402022
_LOW_ORDER = frozenset({0, 1, FIELD - 1, _ORDER_8, FIELD - _ORDER_8})


class Signer(Protocol):
    """Whoever can sign: a member's id and its Ed25519 key."""

    @property
    def member_id(self) -> str:
        """The id under which the register knows the signer."""

    def sign(self, message: bytes) -> bytes:
        """Return the Ed25519 signature (RFC 8032) of `message`."""


class EnvelopeError(Exception):
    """An envelope is malformed, of the wrong type, or carries a signature that does not verify."""


class Signature(Document, frozen=True):
    """One signature of an envelope: the signer's member id and the signature in base64."""

    keyid: Name
    sig: str


class Envelope(Document, frozen=True):
    """A DSSE envelope; the field names are the standard's."""

    payload: str
    payload_type: str = msgspec.field(name="payloadType")
    signatures: tuple[Signature, ...] = ()

    @property
    def body(self) -> bytes:
        """The signed payload itself."""
        return decode_base64(self.payload)

    @property
    def signers(self) -> tuple[str, ...]:
        """The ids that the signatures claim; claims only until `verify_signature` has passed."""
        return tuple(signature.keyid for signature in self.signatures)


def pre_authentication_encoding(payload_type: str, body: bytes) -> bytes:
    """Return the bytes that a DSSE signature covers."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(body), body)


def decode_base64(text: str) -> bytes:
    """Decode standard base64 in its one accepted spelling. Raises `EnvelopeError`."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise EnvelopeError("not valid base64") from None
    if base64.b64encode(data).decode() != text:
        raise EnvelopeError("not in the one accepted spelling of base64")
    return data


def seal_envelope(body: bytes, payload_type: str, *signers: Signer) -> Envelope:
    """Wrap `body` and have each signer sign it, in the order given."""
    envelope = Envelope(payload=base64.b64encode(body).decode(), payload_type=payload_type)
    for signer in signers:
        envelope = add_signature(envelope, sign_body(body, payload_type, signer))
    return envelope


def sign_body(body: bytes, payload_type: str, signer: Signer) -> Signature:
    """Sign the exact bytes of a payload, on the signer's own machine."""
    signed = signer.sign(pre_authentication_encoding(payload_type, body))
    return Signature(keyid=signer.member_id, sig=base64.b64encode(signed).decode())


def forget_verified() -> None:
    """Forget every signature that verified, for whoever measures what verifying takes."""
    _VERIFIED.clear()


def add_signature(envelope: Envelope, signature: Signature) -> Envelope:
    """Return the envelope with one more signature. Raises `EnvelopeError` for a second one by the same signer."""
    if signature.keyid in envelope.signers:
        raise EnvelopeError(f"{signature.keyid} has signed this already")
    most = STATEMENTS.get(envelope.payload_type, MAX_SIGNATURES)
    if len(envelope.signatures) >= most:
        raise EnvelopeError(f"an envelope holds at most {most} signatures")
    return Envelope(
        payload=envelope.payload,
        payload_type=envelope.payload_type,
        signatures=(*envelope.signatures, signature),
    )


def verify_signature(envelope: Envelope, member_id: str, public_key: bytes) -> None:
    """Check that `member_id` signed this envelope with the key given. Raises `EnvelopeError`."""
    claimed = find_signature(envelope, member_id)
    message = pre_authentication_encoding(envelope.payload_type, envelope.body)
    if not is_signed(message, decode_base64(claimed.sig), public_key):
        raise EnvelopeError(f"the signature by {member_id} does not verify")


def find_signature(envelope: Envelope, member_id: str) -> Signature:
    """Return the one signature that claims to be a member's; verifies nothing. Raises `EnvelopeError`."""
    claimed = [signature for signature in envelope.signatures if signature.keyid == member_id]
    if len(claimed) != 1:
        raise EnvelopeError(f"expected one signature by {member_id}, found {len(claimed)}")
    return claimed[0]


def is_signed(message: bytes, signature: bytes, public_key: bytes) -> bool:
    """Whether a signature over a message verifies under a public key.

    One that did is known again: where one operator's nodes share a process, each is handed the same hundred consents.
    What is remembered is a digest of key, signature and message together, and nothing that did not verify.
    """
    from cryptography.exceptions import InvalidSignature

    place = hashlib.sha256(b"%d %d " % (len(public_key), len(signature)) + public_key + signature + message).digest()
    if place in _VERIFIED:
        return True
    try:
        read_public_key(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    if len(_VERIFIED) >= MOST_VERIFIED:
        _VERIFIED.clear()
    _VERIFIED.add(place)
    return True


@lru_cache(KEYS_AT_HAND)
def read_public_key(raw: bytes) -> "Ed25519PublicKey":
    """Return an Ed25519 public key, ready to verify with. Raises `ValueError`."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    return Ed25519PublicKey.from_public_bytes(raw)


def check_signing_key(public_key: bytes) -> None:
    """Raise `EnvelopeError` unless an Ed25519 public key is 32 bytes, in its one spelling, and not of low order.

    By a key of low order a signature verifies that anybody can make.
    """
    if len(public_key) != 32:
        raise EnvelopeError("the key has the wrong length")
    y = int.from_bytes(public_key, "little") & ((1 << 255) - 1)
    if y >= FIELD or y in _LOW_ORDER:
        raise EnvelopeError("the key is no Ed25519 key, or one of low order, by which anybody could sign")


def check_payload_type(envelope: Envelope, expected: str) -> None:
    """Raise `EnvelopeError` unless the envelope carries a document of the expected type."""
    if envelope.payload_type != expected:
        raise EnvelopeError(f"expected an envelope of type {expected}, got another type")


def read_envelope(data: bytes, expected_type: str, *, limit: int = MAX_DOCUMENT_BYTES) -> Envelope:
    """Read an envelope of one type; verifies no signature. Raises `EnvelopeError`."""
    try:
        envelope = decode_document(data, Envelope, limit=limit)
    except WireError as error:
        raise EnvelopeError(str(error)) from None
    check_payload_type(envelope, expected_type)
    most = STATEMENTS.get(expected_type, MAX_SIGNATURES)
    if len(envelope.signatures) > most or len(set(envelope.signers)) != len(envelope.signers):
        raise EnvelopeError("too many signatures, or two by one signer")
    return envelope


def write_envelope(envelope: Envelope) -> bytes:
    """Return the bytes of an envelope as they are stored and sent."""
    return encode_document(envelope)

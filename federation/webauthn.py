"""Verifying what passkeys sign: the relying party's half of WebAuthn level 3, sections 7.1 and 7.2, as pure functions.

A page verifies a sign-in by them; a node or the hub verifies an approval that was made by passkey, whose challenge is
the hash of the exact bytes approved. An attestation (who built the device) is neither asked for nor read. Extensions
are not asked for either; what a device adds unasked is covered by its signature and otherwise left alone.

Authenticator data (section 6.1), whose length is therefore known but for what stands at its end:

    32 bytes   SHA-256 of the relying party's domain
     1 byte    flags: user present 01, user verified 04, backup eligible 08, backed up 10, credential 40, extensions 80
     4 bytes   signature counter
    (with a credential: 16 bytes of the device's model, 2 of the id's length, the id, the public key)
"""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from enum import IntFlag
from typing import Literal

import msgspec

from federation.envelope import is_signed
from federation.passkeys import LONGEST_CREDENTIAL, PasskeyError, check_cose_key, split_cose_key

MAX_CLIENT_DATA = 4096
MAX_AUTHENTICATOR_DATA = 4096
_FIXED = 37
_ATTESTED = 18


class WebAuthnRefused(Exception):
    """A passkey's answer does not verify; the message says which step failed, and no value."""


class Flags(IntFlag):
    """The flags of authenticator data."""

    USER_PRESENT = 0x01
    USER_VERIFIED = 0x04
    BACKUP_ELIGIBLE = 0x08
    BACKED_UP = 0x10
    CREDENTIAL = 0x40
    EXTENSIONS = 0x80


@dataclass(frozen=True)
class Ceremony:
    """What a passkey must have answered: one challenge, on one origin's page, for one relying party's domain."""

    relying_party: str
    origin: str
    challenge: bytes


@dataclass(frozen=True)
class Credential:
    """A passkey as it is kept: id, public key (COSE), and how it stood when it was used last.

    `backup_eligible` never changes in a passkey's life; it is None where nobody has kept it.
    """

    id: bytes
    public_key: bytes
    sign_count: int = 0
    backup_eligible: bool | None = None
    backed_up: bool = False


@dataclass(frozen=True)
class Assertion:
    """A passkey's answer to a challenge, as the browser hands it over."""

    client_data: bytes
    authenticator_data: bytes
    signature: bytes


class ClientData(msgspec.Struct, frozen=True, rename="camel"):
    """What the browser says it was asked, where. Members that are not named here may be added by browsers to come."""

    type: Literal["webauthn.create", "webauthn.get"]
    challenge: str
    origin: str
    cross_origin: bool = False
    top_origin: str | None = None


@dataclass(frozen=True)
class AuthenticatorData:
    """What the device says of itself and of its user; `rest` is whatever stands after the fixed part."""

    relying_party_hash: bytes
    flags: Flags
    sign_count: int
    rest: bytes


def verify_assertion(assertion: Assertion, credential: Credential, ceremony: Ceremony) -> None:
    """Verify that whoever holds a passkey, and no page elsewhere, answered this challenge. Raises `WebAuthnRefused`.

    The steps, after section 7.2. The caller must still have found the credential by the id that the browser named, have
    made sure that the challenge is answered once, and keep `restate`'s credential in the place of the one given.

    1. The browser was asked for a signature, over our challenge, by a page of our origin that is in no other's frame.
    2. The device signed for our domain, with its user present and verified by it.
    3. It may be backed up only if it was made so that it can be.
    4. The signature is the passkey's, over both.
    5. The counter has moved, where the device has one: else it has a twin.
    """
    check_client_data(assertion.client_data, "webauthn.get", ceremony)  # 1
    data = read_authenticator_data(assertion.authenticator_data)
    check_user(data, ceremony)  # 2
    eligible = Flags.BACKUP_ELIGIBLE in data.flags
    if credential.backup_eligible not in (None, eligible):  # 3
        raise WebAuthnRefused("the passkey says of itself that it can be backed up, and has not always said so")
    if Flags.CREDENTIAL in data.flags:
        raise WebAuthnRefused("the authenticator data carry a new credential")
    signed = assertion.authenticator_data + hashlib.sha256(assertion.client_data).digest()
    check_signature(signed, assertion.signature, credential.public_key)  # 4
    if (data.sign_count or credential.sign_count) and data.sign_count <= credential.sign_count:  # 5
        raise WebAuthnRefused("the signature counter has not moved: there may be a copy of this passkey")


def restate(credential: Credential, assertion: Assertion) -> Credential:
    """Return a credential as it stands after an assertion that has been verified."""
    return _stand(credential.id, credential.public_key, read_authenticator_data(assertion.authenticator_data))


def read_registration(client_data: bytes, authenticator_data: bytes, ceremony: Ceremony) -> Credential:
    """Verify that a passkey was made for this challenge, and return it. Raises `WebAuthnRefused`.

    After section 7.1, for the attestation `none`: nothing is learnt of who built the device, so what it says of itself
    is believed of its user alone, who was invited to enrol it.
    """
    check_client_data(client_data, "webauthn.create", ceremony)
    data = read_authenticator_data(authenticator_data)
    check_user(data, ceremony)
    if Flags.CREDENTIAL not in data.flags or len(data.rest) < _ATTESTED:
        raise WebAuthnRefused("the authenticator data carry no credential")
    length = int.from_bytes(data.rest[16:18])
    credential_id, key_and_more = data.rest[_ATTESTED:][:length], data.rest[_ATTESTED + length :]
    try:
        public_key, extensions = split_cose_key(key_and_more)
        check_cose_key(public_key)
    except PasskeyError as error:
        raise WebAuthnRefused(str(error)) from None
    if not 16 <= len(credential_id) <= LONGEST_CREDENTIAL:
        raise WebAuthnRefused(f"a passkey's credential id has 16 to {LONGEST_CREDENTIAL} bytes")
    _check_end(data, extensions)
    return _stand(credential_id, public_key, data)


def _stand(credential_id: bytes, public_key: bytes, data: AuthenticatorData) -> Credential:
    eligible, backed_up = (flag in data.flags for flag in (Flags.BACKUP_ELIGIBLE, Flags.BACKED_UP))
    return Credential(credential_id, public_key, data.sign_count, eligible, backed_up)


def check_client_data(data: bytes, kind: str, ceremony: Ceremony) -> None:
    """Raise `WebAuthnRefused` unless the browser was asked this, by a page of this origin that stands by itself."""
    if len(data) > MAX_CLIENT_DATA:
        raise WebAuthnRefused("the client data are too long")
    try:
        said = msgspec.json.decode(data, type=ClientData)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise WebAuthnRefused("the client data cannot be read") from None
    if said.type != kind:
        raise WebAuthnRefused("the passkey was used for another ceremony")
    if not hmac.compare_digest(said.challenge.encode(), encode_base64url(ceremony.challenge).encode()):
        raise WebAuthnRefused("the passkey answered another challenge")
    if said.origin != ceremony.origin:
        raise WebAuthnRefused("the passkey was used on another site")
    if said.cross_origin or said.top_origin is not None:
        raise WebAuthnRefused("the passkey was used inside another site's page")


def read_authenticator_data(data: bytes) -> AuthenticatorData:
    """Return authenticator data by their parts. Raises `WebAuthnRefused`."""
    if not _FIXED <= len(data) <= MAX_AUTHENTICATOR_DATA:
        raise WebAuthnRefused("the authenticator data have no possible length")
    found = AuthenticatorData(data[:32], Flags(data[32]), int.from_bytes(data[33:_FIXED]), data[_FIXED:])
    if Flags.CREDENTIAL not in found.flags:
        _check_end(found, found.rest)
    return found


def _check_end(data: AuthenticatorData, extensions: bytes) -> None:
    if (Flags.EXTENSIONS in data.flags) is not bool(extensions):
        raise WebAuthnRefused("the authenticator data end where they should not")


def check_user(data: AuthenticatorData, ceremony: Ceremony) -> None:
    """Raise `WebAuthnRefused` unless a device asked its user, for this domain, and says of itself what can be."""
    if data.relying_party_hash != hashlib.sha256(ceremony.relying_party.encode()).digest():
        raise WebAuthnRefused("the passkey signed for another domain")
    if Flags.USER_PRESENT not in data.flags or Flags.USER_VERIFIED not in data.flags:
        raise WebAuthnRefused("the device has not verified its user: unlock it by PIN, fingerprint or face")
    if Flags.BACKED_UP in data.flags and Flags.BACKUP_ELIGIBLE not in data.flags:
        raise WebAuthnRefused("the passkey says that it is backed up and that it cannot be")


def check_signature(message: bytes, signature: bytes, public_key: bytes) -> None:
    """Raise `WebAuthnRefused` unless a COSE key of either kind verifies a signature."""
    try:
        check_cose_key(public_key)
    except PasskeyError as error:
        raise WebAuthnRefused(str(error)) from None
    signed = _is_signed_by_p256 if len(public_key) > 64 else _is_signed_by_ed25519
    if not signed(message, signature, public_key):
        raise WebAuthnRefused("the signature is not this passkey's")


def _is_signed_by_ed25519(message: bytes, signature: bytes, public_key: bytes) -> bool:
    return is_signed(message, signature, public_key[-32:])


def _is_signed_by_p256(message: bytes, signature: bytes, public_key: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicNumbers
    from cryptography.hazmat.primitives.hashes import SHA256

    x, y = (int.from_bytes(public_key[place : place + 32]) for place in (10, 45))
    try:
        EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key().verify(signature, message, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def encode_base64url(data: bytes) -> str:
    """Return bytes as WebAuthn's documents spell them: base64url without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def decode_base64url(text: str) -> bytes:
    """Return the bytes of a base64url text in its one spelling. Raises `WebAuthnRefused`."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise WebAuthnRefused("what the browser sent is not base64url") from None
    if encode_base64url(data) != text:
        raise WebAuthnRefused("what the browser sent is not base64url")
    return data

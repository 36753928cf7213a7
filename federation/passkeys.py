"""Passkeys: the keys by which an approver's own devices sign in their browser (WebAuthn level 3), as the register has
them.

WebAuthn has an authenticator write its public key as a COSE_Key (RFC 9053) in CTAP2's canonical CBOR. That leaves each
of the two kinds used here exactly one spelling, and what is read is that spelling and no other:

    EdDSA   a4  01 01  03 27  20 06  21 58 20 <x, 32 bytes>
    ES256   a5  01 02  03 26  20 01  21 58 20 <x, 32 bytes>  22 58 20 <y, 32 bytes>
"""

from typing import Annotated

import msgspec

from federation.envelope import FIELD, EnvelopeError, check_signing_key, decode_base64
from federation.wire import Document

_ED25519 = bytes.fromhex("a4010103272006215820")
_P256_X = bytes.fromhex("a5010203262001215820")
_P256_Y = bytes.fromhex("225820")
_COORDINATE = 32
_ED25519_KEY = len(_ED25519) + _COORDINATE
_P256_KEY = len(_P256_X) + _COORDINATE + len(_P256_Y) + _COORDINATE
_OTHER_KEY = "a passkey's public key is a COSE_Key of EdDSA (Ed25519) or ES256 (P-256), in canonical CBOR"
_CURVE_D = -121665 * pow(121666, -1, FIELD)

LONGEST_CREDENTIAL = 1023
"""The longest id of a credential that WebAuthn knows, in bytes."""

_DOMAIN, _PORT = r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9-]{1,63}", r"(:(?!443\Z)[1-9][0-9]{0,4})?"

RelyingParty = Annotated[str, msgspec.Meta(max_length=253, pattern=rf"^{_DOMAIN}{_PORT}\Z")]
"""Where a passkey signs: the domain of its owner's own organisation's pages, with their port where that is not 443."""


class PasskeyError(Exception):
    """A passkey is of another kind than the two that count, or is not in the one spelling of its kind."""


class Passkey(Document, frozen=True):
    """One passkey: where it signs, the credential's id and its public key as a COSE_Key, both in base64.

    Browsers let every port of a domain use its passkeys, and tell the port with the origin. So the register has it, and
    a page of somebody else's on the same machine collects nothing that counts.
    """

    relying_party: RelyingParty
    credential: str
    public_key: str

    @property
    def domain(self) -> str:
        """The relying party's id, as WebAuthn has it: a domain without a port."""
        return self.relying_party.partition(":")[0]

    @property
    def origin(self) -> str:
        """The one origin whose pages may ask for an approval: with TLS, but on the approver's own machine."""
        return f"{'http' if self.domain == 'localhost' else 'https'}://{self.relying_party}"


def check_passkey(passkey: Passkey) -> None:
    """Raise `PasskeyError` unless signatures could be verified by this passkey, and forged by nobody else."""
    try:
        credential, key = decode_base64(passkey.credential), decode_base64(passkey.public_key)
    except EnvelopeError:
        raise PasskeyError("a passkey's credential id or public key is not valid base64") from None
    if not 16 <= len(credential) <= LONGEST_CREDENTIAL:
        raise PasskeyError(f"a passkey's credential id has 16 to {LONGEST_CREDENTIAL} bytes")
    check_cose_key(key)


def check_cose_key(key: bytes) -> None:
    """Raise `PasskeyError` unless a COSE_Key is an EdDSA key on Ed25519 or an ES256 key on P-256, spelt as above."""
    if key.startswith(_ED25519) and len(key) == _ED25519_KEY:
        _check_ed25519(key[len(_ED25519) :])
        return
    x, between, y = (key[len(_P256_X) :][slice(*part)] for part in ((0, 32), (32, 35), (35, None)))
    if key.startswith(_P256_X) and between == _P256_Y and len(y) == _COORDINATE:
        _check_p256(x, y)
        return
    raise PasskeyError(_OTHER_KEY)


def split_cose_key(data: bytes) -> tuple[bytes, bytes]:
    """Return the COSE_Key that stands at the head of `data`, and what stands after it. Raises `PasskeyError`.

    Each kind has one spelling, whose length is known by its first bytes: no CBOR need be read. The key is not checked.
    """
    for head, length in ((_ED25519, _ED25519_KEY), (_P256_X, _P256_KEY)):
        if data.startswith(head) and len(data) >= length:
            return data[:length], data[length:]
    raise PasskeyError(_OTHER_KEY)


def _check_ed25519(raw: bytes) -> None:
    try:
        check_signing_key(raw)
    except EnvelopeError as error:
        raise PasskeyError(f"a passkey's public key: {error}") from None
    # The point's other coordinate is a root of (y^2 - 1) / (d y^2 + 1), which half of all numbers have not got.
    y = int.from_bytes(raw, "little") & ((1 << 255) - 1)
    square = (y * y - 1) * pow(_CURVE_D * y * y + 1, -1, FIELD) % FIELD
    if pow(square, (FIELD - 1) // 2, FIELD) != 1:
        raise PasskeyError("a passkey's public key is no point on the curve of Ed25519")


def _check_p256(x: bytes, y: bytes) -> None:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicNumbers

    try:
        EllipticCurvePublicNumbers(int.from_bytes(x), int.from_bytes(y), SECP256R1()).public_key()
    except ValueError:
        raise PasskeyError("a passkey's public key is no point on the curve P-256") from None

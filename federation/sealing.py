"""Sealed records: what is known about a child, signed by the sender and closed to everyone but the receiver.

HPKE (RFC 9180) in base mode with the hybrid KEM of X25519 and ML-KEM-768, since these records stay sensitive for 75
years and traffic recorded today must not open to a quantum computer later. The content is always a signed envelope,
padded to one page of 64 KiB before it is sealed, so the size says nothing about how many children matched; `info` binds
lookup, sender, receiver and direction, so a page moved to another place in the conversation does not open.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.hpke import MLKEM768X25519PublicKey, Suite

    from federation.keys import MemberKeys

PAGE_BYTES = 64 * 1024
"""Size of a page before sealing, length prefix and padding included."""

SEALED_BYTES = PAGE_BYTES + 1088 + 32 + 16
"""Size of a sealed page: the page, the encapsulated key (ML-KEM-768 and X25519) and the AEAD tag."""

_LENGTH_BYTES = 4
_POST_QUANTUM_BYTES = 1184

PUBLIC_KEY_BYTES = _POST_QUANTUM_BYTES + 32
"""Size of a public sealing key: ML-KEM-768 first, then X25519."""


class SealError(Exception):
    """A record does not fit in a page, or a page does not open. Says nothing about the content."""


class Direction(StrEnum):
    """Which way a page travels."""

    REQUEST = "request"
    ANSWER = "answer"


@dataclass(frozen=True)
class SealContext:
    """What a page is bound to: one lookup, one sender, one receiver, one direction."""

    lookup_id: str
    sender: str
    receiver: str
    direction: Direction

    def __post_init__(self) -> None:
        # The parts stand on lines of their own, so none may bring a line break and pass for two.
        if any("\n" in part for part in (self.lookup_id, self.sender, self.receiver)):
            raise SealError("a lookup's id, sender and receiver are one word each")

    @property
    def info(self) -> bytes:
        """The HPKE `info` of the page."""
        return "\n".join(("circe/sealed/1", self.lookup_id, self.sender, self.receiver, self.direction)).encode()


@dataclass(frozen=True, repr=False)
class SealedRecords:
    """One sealed page, made only by `seal_records` or received whole. The repr shows nothing."""

    page: bytes

    def __post_init__(self) -> None:
        if len(self.page) != SEALED_BYTES:
            raise SealError(f"a sealed page is {SEALED_BYTES} bytes long, not {len(self.page)}")

    def __repr__(self) -> str:
        return "SealedRecords(…)"


def seal_records(content: bytes, context: SealContext, public_key: bytes) -> SealedRecords:
    """Pad `content` to one page and seal it. Raises `SealError` if it is too long, or the key is of no use."""
    room = PAGE_BYTES - _LENGTH_BYTES
    if len(content) > room:
        raise SealError(f"{len(content)} bytes do not fit in a page, which holds {room}")
    page = len(content).to_bytes(_LENGTH_BYTES, "big") + content.ljust(room, b"\0")
    return SealedRecords(_encrypt(page, public_key, context.info))


def check_sealing_key(public_key: bytes) -> None:
    """Raise `SealError` unless pages can be sealed to this public key."""
    _encrypt(b"", public_key, b"")


def open_records(sealed: SealedRecords, context: SealContext, keys: "MemberKeys") -> bytes:
    """Open a page with the receiver's own keys. Raises `SealError` for any page not meant for exactly this place."""
    from cryptography.exceptions import InvalidTag

    try:
        page = _suite().decrypt(sealed.page, keys.sealing_key, info=context.info)
    except (InvalidTag, ValueError):
        raise SealError("the page does not open here: it was altered, or meant for another place") from None
    length = int.from_bytes(page[:_LENGTH_BYTES], "big")
    content, padding = page[_LENGTH_BYTES : _LENGTH_BYTES + length], page[_LENGTH_BYTES + length :]
    if length > PAGE_BYTES - _LENGTH_BYTES or padding.strip(b"\0"):
        raise SealError("the page is not padded as it should be")
    return content


def _suite() -> "Suite":
    from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

    return Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def _encrypt(page: bytes, public_key: bytes, info: bytes) -> bytes:
    try:
        return _suite().encrypt(page, _public_key(public_key), info=info)
    except ValueError:
        # Of the wrong length, no point on the curve, or one of low order, to which anybody could open.
        raise SealError("the receiver's public sealing key is malformed") from None


def _public_key(raw: bytes) -> "MLKEM768X25519PublicKey":
    from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
    from cryptography.hazmat.primitives.hpke import MLKEM768X25519PublicKey

    post_quantum, classical = raw[:_POST_QUANTUM_BYTES], raw[_POST_QUANTUM_BYTES:]
    return MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(post_quantum), X25519PublicKey.from_public_bytes(classical)
    )

"""Sealed records: what is known about a child, signed by the sender and closed to everyone but the receiver.

HPKE (RFC 9180) in base mode with the hybrid KEM of X25519 and ML-KEM-768, since these records stay sensitive for 75
years and traffic recorded today must not open to a quantum computer later. The content is always a signed envelope,
padded to as many pages of 64 KiB as its sender has settled beforehand, so the size says nothing about how many children
matched. Each page is sealed by itself, and `info` binds it to lookup, sender, receiver, direction and its place among
the pages:

    circe/sealed/2
    L-5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a
    node-301
    node-203
    answer
    1/2

A page moved to another place does not open. Every page also begins with the digest of the whole content, inside the
seal, so that pages of two messages from one place are told apart.
"""

import hashlib
import hmac
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey, MLKEM768X25519PublicKey, Suite

    from federation.keys import MemberKeys

PAGE_BYTES = 64 * 1024
"""Size of a page before sealing, heading and padding included."""

SEALED_BYTES = PAGE_BYTES + 1088 + 32 + 16
"""Size of a sealed page: the page, the encapsulated key (ML-KEM-768 and X25519) and the AEAD tag."""

MOST_PAGES = 32
"""How many pages a message has at most: room for more children than any authority looks after."""

_DIGEST_BYTES = 32
_LENGTH_BYTES = 4
_HEADING_BYTES = _DIGEST_BYTES + _LENGTH_BYTES

PAGE_ROOM = PAGE_BYTES - _HEADING_BYTES
"""Bytes of content on a page: what the heading leaves, which is digest and length of the whole content."""

KEYS_AT_HAND = 1024
"""How many public sealing keys are kept ready for use."""

_POST_QUANTUM_BYTES = 1184

PUBLIC_KEY_BYTES = _POST_QUANTUM_BYTES + 32
"""Size of a public sealing key: ML-KEM-768 first, then X25519."""

# Of the wrong length, off the lattice, no point on the curve, or one of low order, to which anybody could open.
_MALFORMED = "the receiver's public sealing key is malformed"


class SealError(Exception):
    """A record does not fit in its pages, or a page does not open. Says nothing about the content."""


class Direction(StrEnum):
    """Which way a page travels."""

    REQUEST = "request"
    ANSWER = "answer"


@dataclass(frozen=True)
class SealContext:
    """What pages are bound to: one lookup, one sender, one receiver, one direction."""

    lookup_id: str
    sender: str
    receiver: str
    direction: Direction

    def __post_init__(self) -> None:
        # The parts stand on lines of their own, so none may bring a line break and pass for two.
        if any("\n" in part for part in (self.lookup_id, self.sender, self.receiver)):
            raise SealError("a lookup's id, sender and receiver are one word each")

    def info(self, number: int, pages: int) -> bytes:
        """The HPKE `info` of one page, counted from 1, of so many."""
        parts = ("circe/sealed/2", self.lookup_id, self.sender, self.receiver, self.direction, f"{number}/{pages}")
        return "\n".join(parts).encode()


@dataclass(frozen=True, repr=False)
class SealedRecords:
    """One sealed message, its pages one after another; made only by `seal_records`, or received.

    Received, it is that many bytes and no more: only opening it says whether its pages belong together. The repr shows
    nothing.
    """

    data: bytes

    def __post_init__(self) -> None:
        pages, rest = divmod(len(self.data), SEALED_BYTES)
        if rest or not 1 <= pages <= MOST_PAGES:
            raise SealError(f"sealed pages are {SEALED_BYTES} bytes long each, 1 to {MOST_PAGES} of them")

    def __repr__(self) -> str:
        return "SealedRecords(…)"

    @property
    def pages(self) -> tuple[bytes, ...]:
        """The sealed pages, in the order in which they came."""
        starts = range(0, len(self.data), SEALED_BYTES)
        return tuple(self.data[start : start + SEALED_BYTES] for start in starts)


def seal_records(content: bytes, context: SealContext, public_key: bytes, pages: int = 1) -> SealedRecords:
    """Pad `content` to so many pages and seal each. Raises `SealError` if it is too long, or the key is of no use."""
    key, split = _read_public_key(public_key), split_content(content, pages)
    sealed = [_encrypt(page, key, context.info(number, pages)) for number, page in enumerate(split, start=1)]
    return SealedRecords(b"".join(sealed))


def open_records(sealed: SealedRecords, context: SealContext, keys: "MemberKeys") -> bytes:
    """Open a message with the receiver's own keys.

    Raises `SealError` for any page not meant for exactly its place in exactly this message: altered, exchanged, left
    out, repeated, or taken from another one.
    """
    pages = sealed.pages
    infos = [context.info(number, len(pages)) for number, _ in enumerate(pages, start=1)]
    for key in keys.opening_keys:
        opened = [_decrypt(page, key, info) for page, info in zip(pages, infos, strict=True)]
        if None not in opened:
            return join_pages([page for page in opened if page is not None])
    raise SealError("the page does not open here: it was altered, or meant for another place")


def check_sealing_length(public_key: bytes) -> None:
    """Raise `SealError` for what cannot be a public sealing key, without the cost of trying it."""
    if len(public_key) != PUBLIC_KEY_BYTES:
        raise SealError("the key has the wrong length")


def check_sealing_key(public_key: bytes) -> None:
    """Raise `SealError` unless pages can be sealed to this public key."""
    _encrypt(b"", _read_public_key(public_key), b"")


def split_content(content: bytes, pages: int) -> tuple[bytes, ...]:
    """Return content as pages of one size: each with the digest and length of the whole, then its part and zeros.

    Raises `SealError` where they hold less than the content, or are no number of pages.
    """
    if not 1 <= pages <= MOST_PAGES:
        raise SealError(f"a message has 1 to {MOST_PAGES} pages, not {pages}")
    room = pages * PAGE_ROOM
    if len(content) > room:
        raise SealError(f"{len(content)} bytes do not fit in {pages} pages, which hold {room}")
    heading = hashlib.sha256(content).digest() + len(content).to_bytes(_LENGTH_BYTES, "big")
    padded = content.ljust(room, b"\0")
    return tuple(heading + padded[start : start + PAGE_ROOM] for start in range(0, room, PAGE_ROOM))


def join_pages(pages: list[bytes]) -> bytes:
    """Return the content of the pages of one message, all of them. Raises `SealError`."""
    if {len(page) for page in pages} != {PAGE_BYTES} or len({page[:_HEADING_BYTES] for page in pages}) != 1:
        raise SealError("the pages are not those of one message")
    digest, length = pages[0][:_DIGEST_BYTES], int.from_bytes(pages[0][_DIGEST_BYTES:_HEADING_BYTES], "big")
    padded = b"".join(page[_HEADING_BYTES:] for page in pages)
    content, padding = padded[:length], padded[length:]
    if length > len(padded) or padding.strip(b"\0"):
        raise SealError("the pages are not padded as they should be")
    if not hmac.compare_digest(hashlib.sha256(content).digest(), digest):
        raise SealError("the pages are not those of one message")
    return content


def _suite() -> "Suite":
    from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

    return Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def _decrypt(page: bytes, key: "MLKEM768X25519PrivateKey", info: bytes) -> bytes | None:
    """Return a page opened, or None where this key does not open it here."""
    from cryptography.exceptions import InvalidTag

    try:
        return _suite().decrypt(page, key, info=info)
    except (InvalidTag, ValueError):
        return None


def _encrypt(page: bytes, key: "MLKEM768X25519PublicKey", info: bytes) -> bytes:
    try:
        return _suite().encrypt(page, key, info=info)
    except ValueError:
        raise SealError(_MALFORMED) from None


@lru_cache(KEYS_AT_HAND)
def _read_public_key(raw: bytes) -> "MLKEM768X25519PublicKey":
    from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
    from cryptography.hazmat.primitives.hpke import MLKEM768X25519PublicKey

    post_quantum, classical = raw[:_POST_QUANTUM_BYTES], raw[_POST_QUANTUM_BYTES:]
    try:
        return MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(post_quantum), X25519PublicKey.from_public_bytes(classical)
        )
    except ValueError:
        raise SealError(_MALFORMED) from None

"""Masking (S3): a vector becomes noise to everyone but the sum.

    y = x + PRG(self) + sum over v above u of PRG(m_uv) - sum over v below u of PRG(m_uv)      modulo 2**64

Masks of pairs cancel when both are added; the self-mask is what keeps a vector closed that arrives after its sender
was declared dropped. PRG is the key stream of AES-256 in counter mode from zero; each key is for one manifest, one
attempt and one pair, and is used once.
"""

from dataclasses import InitVar, dataclass
from typing import TYPE_CHECKING, Never, SupportsIndex, final

from federation.secure_sum.dealing import OwnSlot
from federation.secure_sum.digests import digest_of, expand_key
from federation.secure_sum.vectors import WORD, pack_vector, read_vector, write_vector

if TYPE_CHECKING:
    from collections.abc import Sequence

    from federation.secure_sum.vectors import Vector

_SEAL = object()


@final
@dataclass(frozen=True, repr=False)
class MaskedTable:
    """A masked vector as its bytes. Made by `mask_vector`, or read back as what it made; the repr shows nothing."""

    seal: InitVar[object]
    data: bytes

    def __post_init__(self, seal: object) -> None:
        """Refuse to exist without the seal of this module."""
        if seal is not _SEAL:
            raise TypeError("a masked table is made by mask_vector() or restore_masked() alone")

    def __repr__(self) -> str:
        return "MaskedTable(…)"

    def __reduce_ex__(self, protocol: SupportsIndex) -> Never:
        raise TypeError("a masked table travels as its bytes alone")

    @property
    def cells(self) -> int:
        """How many numbers it holds."""
        return len(self.data) // WORD

    @property
    def digest(self) -> str:
        """The digest that the contribution signs."""
        return digest_of(self.data)


def mask_vector(values: "Sequence[int] | Vector", own: OwnSlot, manifest_digest: str, attempt: int) -> MaskedTable:
    """Mask a node's vector for one attempt of one manifest. Raises `VectorMalformed`."""
    vector = pack_vector(values)
    read_vector(write_vector(vector), len(vector))
    stream = KeyStream(len(vector))
    stream.add(vector, self_mask_key(own.seed, manifest_digest, attempt))
    for peer, slot_key in own.slot_keys.items():
        stream.apply(vector, pair_mask_key(slot_key, manifest_digest, attempt), add=peer > own.me)
    return MaskedTable(_SEAL, write_vector(vector))


def restore_masked(data: bytes, digest: str) -> MaskedTable:
    """Return a masked table that this node made, recorded and sends again. Raises `ValueError` for other bytes."""
    if digest_of(data) != digest:
        raise ValueError("these are not the bytes that were masked")
    return MaskedTable(_SEAL, data)


def self_mask_key(seed: bytes, manifest_digest: str, attempt: int) -> bytes:
    """Return the key of a node's own mask."""
    return expand_key(seed, "circe/self-mask/1", manifest_digest, attempt)


def pair_mask_key(slot_key: bytes, manifest_digest: str, attempt: int) -> bytes:
    """Return the key of the mask that two nodes share."""
    return expand_key(slot_key, "circe/mask/1", manifest_digest, attempt)


class KeyStream:
    """Adds key streams of one length to vectors in place; the buffers are made once for all of them."""

    def __init__(self, cells: int) -> None:
        import numpy as np
        from cryptography.hazmat.primitives.ciphers import Cipher
        from cryptography.hazmat.primitives.ciphers.algorithms import AES
        from cryptography.hazmat.primitives.ciphers.modes import CTR

        self._cipher, self._algorithm, self._from_zero = Cipher, AES, CTR(bytes(16))
        self._zeros = bytes(WORD * cells)
        self._bytes = bytearray(len(self._zeros) + 15)
        self._words: Vector = np.frombuffer(self._bytes, dtype="<u8", count=cells)

    def add(self, vector: "Vector", key: bytes) -> None:
        """Add the stream of a key."""
        self.apply(vector, key, add=True)

    def apply(self, vector: "Vector", key: bytes, *, add: bool) -> None:
        """Add the stream of a key, or take it away."""
        import numpy as np

        encryptor = self._cipher(self._algorithm(key), self._from_zero).encryptor()
        encryptor.update_into(self._zeros, self._bytes)
        (np.add if add else np.subtract)(vector, self._words, out=vector)

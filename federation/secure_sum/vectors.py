"""Vectors of 64-bit numbers that add up modulo 2**64, and their bytes: little-endian, eight to a number."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from federation.secure_sum.messages import LARGEST_VECTOR

if TYPE_CHECKING:
    from numpy import uint64
    from numpy.typing import NDArray

    Vector = NDArray[uint64]

WORD = 8
MODULUS = 2**64


class VectorMalformed(Exception):
    """Bytes are no vector of the right length, or a number does not fit; the text shows no number."""


def pack_vector(values: "Sequence[int] | Vector") -> "Vector":
    """Return whole numbers from -2**63 to 2**64-1 as a vector. Raises `VectorMalformed`."""
    import numpy as np

    if isinstance(values, np.ndarray) and values.dtype == np.dtype("<u8"):
        return values.copy()
    if not all(type(value) is int and -(2**63) <= value < MODULUS for value in values):
        raise VectorMalformed("every figure of a sum must be a whole number of 64 bits")
    return np.array([value % MODULUS for value in values], dtype="<u8")


def read_vector(data: bytes, cells: int) -> "Vector":
    """Return the vector that so many bytes are; it cannot be written to. Raises `VectorMalformed`."""
    import numpy as np

    if not 1 <= cells <= LARGEST_VECTOR or len(data) != WORD * cells:
        raise VectorMalformed(f"expected {cells} figures of {WORD} bytes, found {len(data)} bytes")
    return np.frombuffer(data, dtype="<u8")


def write_vector(vector: "Vector") -> bytes:
    """Return the bytes of a vector."""
    return vector.astype("<u8", copy=False).tobytes()


def signed_values(vector: "Vector") -> list[int]:
    """Return a vector's numbers as they were before they wrapped: from -2**63 to 2**63-1."""
    return [int(value) for value in vector.astype("<i8")]

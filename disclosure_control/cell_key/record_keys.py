"""Record keys: of whom a cell's key is made, and how sums of them travel so that nothing else can be opened.

A child's record key is the last twelve bits of its row token, a hash under a secret of its node that stays the same
from snapshot to snapshot and is never released. The engine adds the keys of a cell's children up; whoever looks the sum
up knows the exact count, and the key of a count of one *is* that child's, so that neither is ever shown.

The method wants the sum modulo 256 (or 4096). Scaled to the top bits of a 64-bit word, that is all that is left of the
sum modulo 2**64: what the keys add up to beyond it is gone before anything is opened.
"""

from collections.abc import Iterable

__all__ = ["read_record_keys", "scale_record_keys"]


def scale_record_keys(keys: Iterable[int], key_range: int) -> list[int]:
    """Return each cell's sum of record keys as it goes into the vector. Raises `ValueError` for a negative sum."""
    scaled = []
    for key in keys:
        if key < 0:
            raise ValueError("a sum of record keys is not negative")
        scaled.append(key % key_range * _scale(key_range))
    return scaled


def read_record_keys(opened: Iterable[int], key_range: int) -> list[int]:
    """Return each cell's key from an opened sum, whichever sign it was read with."""
    return [int(value) % 2**64 // _scale(key_range) for value in opened]


def _scale(key_range: int) -> int:
    return 2**64 // key_range

"""Record keys of the cell-key method, added up so that only the sum that the method needs can be opened.

The method wants the sum of a cell's record keys modulo 256 (or 4096). Scaled to the top bits of a 64-bit word, that is
all that is left of the sum modulo 2**64: what the keys add up to beyond it is gone before anything is opened.
"""

from collections.abc import Iterable
from typing import Literal

KeyRange = Literal[256, 4096]


def scale_record_keys(keys: Iterable[int], key_range: KeyRange) -> list[int]:
    """Return each cell's sum of record keys as it goes into the vector. Raises `ValueError` for a negative sum."""
    scaled = []
    for key in keys:
        if key < 0:
            raise ValueError("a sum of record keys is not negative")
        scaled.append(key % key_range * _scale(key_range))
    return scaled


def read_record_keys(opened: Iterable[int], key_range: KeyRange) -> list[int]:
    """Return each cell's key from an opened sum, whichever sign it was read with."""
    return [int(value) % 2**64 // _scale(key_range) for value in opened]


def _scale(key_range: KeyRange) -> int:
    return 2**64 // key_range

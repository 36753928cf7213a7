"""Keys of cells that nobody is in: without children there is no sum of record keys, so the categories have keys.

A category's key is an HMAC of its column and itself under the secret of whoever looks the counts up, and a cell's the
sum of those of its categories, as at the census of 2021. So an empty cell, too, is changed always in the same way, and
a 0 that is printed may not be one. Where no zero is to be changed (`PTable.zeros` is empty) no key is needed.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping

from query_engine.catalogue import Category

__all__ = ["SHORTEST_SECRET", "category_key", "empty_cell_key"]

SHORTEST_SECRET = 32
"""Bytes."""

_CONTEXT = b"circe cell-key category\0"


def category_key(secret: bytes, column: str, category: Category | None, keys: int) -> int:
    """The key of one category of a column. Raises `ValueError` for a secret that is too short to be one."""
    if len(secret) < SHORTEST_SECRET:
        raise ValueError(f"the secret of category keys has {SHORTEST_SECRET} bytes or more")
    digest = hmac.new(secret, _CONTEXT + json.dumps([column, category]).encode(), hashlib.sha256).digest()
    return int.from_bytes(digest[-2:]) % keys


def empty_cell_key(secret: bytes, cell: Mapping[str, Category | None], keys: int) -> int:
    """The cell key of a combination of categories that nobody is in."""
    return sum(category_key(secret, column, category, keys) for column, category in cell.items()) % keys

"""Wycheproof's vectors: the copy that is part of this repository, and the whole files where they lie beside it."""

import json
from pathlib import Path
from typing import Any

import pytest

WYCHEPROOF: dict[str, list[dict[str, str]]] = json.loads(
    (Path(__file__).parent / "vectors" / "wycheproof.json").read_text()
)
"""Vectors by primitive, each with the number by which Wycheproof knows it."""

SHARED = Path(__file__).parents[3] / "shared" / "data" / "vectors"
needs_shared = pytest.mark.skipif(not SHARED.exists(), reason="the whole files are not beside this checkout")


def read_whole(name: str) -> list[dict[str, Any]]:
    """The groups of a whole file."""
    groups: list[dict[str, Any]] = json.loads((SHARED / f"wycheproof-{name}_test.json").read_text())["testGroups"]
    return groups


def unhex(vector: dict[str, str], *names: str) -> tuple[bytes, ...]:
    """Members of a vector as bytes."""
    return tuple(bytes.fromhex(vector[name]) for name in names)

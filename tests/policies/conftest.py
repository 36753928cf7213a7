"""Policy files for the tests of the access matrix."""

from collections.abc import Callable
from pathlib import Path

import pytest

from policies.access_policy import MATRIX

PolicyFile = Callable[..., Path]


@pytest.fixture
def packaged_matrix() -> str:
    """The text of the matrix that Circe ships."""
    return MATRIX.read_text()


@pytest.fixture
def policy_file(tmp_path: Path, packaged_matrix: str) -> PolicyFile:
    """Writes a policy: `policy_file(text)`, or `policy_file(append=line)` for the packaged one with a line more."""

    def write(text: str | None = None, *, append: str = "") -> Path:
        path = tmp_path / "policy.csv"
        path.write_text(packaged_matrix + append + "\n" if text is None else text)
        return path

    return write

"""A node's state directory, before and after it has joined a federation."""

from pathlib import Path

import pytest

from federation.state import Party, create_party, join_federation
from tests.federation.cast import HUB, NOW, ROOT, describe_party, make_register, write_register


@pytest.fixture
def party(tmp_path: Path) -> Party:
    """A node that has joined no federation yet."""
    return create_party(tmp_path / "state", describe_party())


@pytest.fixture
def member(party: Party) -> Party:
    """A node that has joined, and has register version 5."""
    joined = join_federation(party, ROOT.public_key, HUB)
    joined.adopt_register(write_register(make_register()), NOW)
    return joined

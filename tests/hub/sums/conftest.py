"""Seven nodes of seven operators, which take part in sums."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub.played_federation import found_federation
from tests.hub.sums.played_sums import PlayedSums, play_sums

AUTHORITIES = ("201", "301", "302", "303", "330", "815", "886")


@pytest.fixture
def sums(tmp_path: Path) -> Iterator[PlayedSums]:
    """A federation whose nodes are ready to be asked."""
    federation = found_federation(tmp_path, authorities=AUTHORITIES)
    yield play_sums(federation, [f"node-{code}" for code in AUTHORITIES])
    federation.hub.database.close()

"""Seven nodes of seven operators, which take part in sums."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.hub.played_federation import found_federation
from tests.hub.sums.played_sums import PlayedSums, play_sums

AUTHORITIES = ("201", "301", "302", "303", "330", "815", "886")


@pytest.fixture
def sums(tmp_path: Path) -> Iterator[PlayedSums]:
    """A federation whose nodes are ready to be asked."""
    with open_sums(tmp_path) as opened:
        yield opened


@contextmanager
def open_sums(directory: Path) -> Iterator[PlayedSums]:
    """Make such a federation in an empty directory."""
    federation = found_federation(directory, authorities=AUTHORITIES)
    yield play_sums(federation, [f"node-{code}" for code in AUTHORITIES])
    federation.hub.database.close()

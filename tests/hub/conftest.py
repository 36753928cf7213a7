"""A small federation for every test of the hub."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub.played_federation import PlayedFederation, found_federation


@pytest.fixture
def federation(tmp_path: Path) -> Iterator[PlayedFederation]:
    """A hub, three nodes, people of every kind, and a project, with nothing asked yet."""
    founded = found_federation(tmp_path)
    yield founded
    founded.hub.database.close()

"""A federation that is wide enough for sums: six authorities of London, each run by itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import load_node
from tests.node.sums.played_hub import PlayedHub
from tests.small_federation import SmallFederation, build_federation, copy_federation

LONDON = ("203", "204", "301", "302", "316", "317")


@pytest.fixture(scope="session")
def prepared_federation(tmp_path_factory: pytest.TempPathFactory) -> SmallFederation:
    """Six authorities whose nodes are paired and have dealt a few slots; made once and never changed."""
    federation = build_federation(tmp_path_factory.mktemp("wide"), LONDON, load_node)
    hub = PlayedHub(federation)
    hub.prepare(slots=4)
    for node in hub.nodes.values():
        node.database.close()
    return federation


@pytest.fixture
def wide(prepared_federation: SmallFederation, tmp_path: Path) -> SmallFederation:
    """A wide federation of the test's own."""
    return copy_federation(prepared_federation, tmp_path / "wide")


@pytest.fixture
def hub(wide: SmallFederation, prepared_federation: SmallFederation) -> Iterator[PlayedHub]:
    """The hub of it, which has everybody's dealings."""
    played = PlayedHub(wide)
    played.recall_dealings()
    yield played
    for node in played.nodes.values():
        node.database.close()

"""A federation that is wide enough for sums: six authorities of London, each run by itself."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from federation.secure_sum.epochs import epoch_start, name_epoch
from tests.node.sums.played_hub import PlayedHub
from tests.small_federation import SmallFederation, copy_federation


@pytest.fixture(scope="session")
def prepared_federation(pristine_london: SmallFederation, tmp_path_factory: pytest.TempPathFactory) -> SmallFederation:
    """Six authorities whose nodes are paired and have dealt a few slots; made once and never changed."""
    federation = copy_federation(pristine_london, tmp_path_factory.mktemp("wide"), with_files=False)
    # An attempt takes half an hour of one week, whose sums have keys of their own: it is not begun at a week's end.
    federation.clock.now = max(federation.clock.now, _week_start(federation.clock.now + timedelta(hours=1)))
    hub = PlayedHub(federation)
    hub.prepare(slots=4)
    for node in hub.nodes.values():
        node.database.close()
    return federation


def _week_start(moment: datetime) -> datetime:
    """When the week began that a moment is in."""
    return epoch_start(name_epoch(moment))


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

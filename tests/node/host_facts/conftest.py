"""What the tests of host facts share: the pooled rolls of the small federation."""

from collections.abc import Mapping

import pytest

from tests.node.host_facts.naive_rolls import Enrolled, pool_censuses
from tests.small_federation import SmallFederation


@pytest.fixture(scope="session")
def pooled(pristine_federation: SmallFederation) -> Mapping[str, Enrolled]:
    return pool_censuses(pristine_federation)

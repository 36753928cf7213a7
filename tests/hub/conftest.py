"""A small federation for every test of the hub."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub.callers import Callers, gather
from tests.hub.played_federation import PlayedFederation, found_federation
from tests.postgres_server import PostgresServer

STORAGES = ("sqlite", "postgres")
"""What a hub may keep its state in."""


@pytest.fixture(params=STORAGES)
def storage(request: pytest.FixtureRequest) -> str:
    """Where a hub keeps its state: an address on a server, or nothing for a file of its own. Each test sees both."""
    return find_storage(request)


@pytest.fixture(scope="module", params=STORAGES)
def shared_storage(request: pytest.FixtureRequest) -> str:
    """Where a hub that the tests of a module only look at keeps its state. Each test sees both."""
    return find_storage(request)


def find_storage(request: pytest.FixtureRequest) -> str:
    """The address of a schema that nobody has yet, or nothing for a file: as the fixture's parameter says."""
    if request.param == "sqlite":
        return ""
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.own_schema()


@pytest.fixture
def federation(tmp_path: Path, storage: str) -> Iterator[PlayedFederation]:
    """A hub, three nodes, people of every kind, and a project, with nothing asked yet."""
    founded = found_federation(tmp_path, database=storage)
    yield founded
    founded.hub.close()


@pytest.fixture
def own_callers(federation: PlayedFederation) -> Callers:
    """Everybody in front of a hub of the test's own."""
    return gather(federation)


@pytest.fixture(scope="module")
def callers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callers]:
    """Everybody in front of a hub that a module's tests share; they change nothing that it knows, its nonces apart."""
    shared = found_federation(tmp_path_factory.mktemp("doors"))
    yield gather(shared)
    shared.hub.close()

"""`circe query status`, and the library beside it: where a query stands, and why one comes to nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from federation.commands.query import query
from federation.hub_line import HubRefused
from tests.federation.test_asking_by_library import open_client
from tests.hub.played_federation import NODES, PlayedFederation, found_federation


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PlayedFederation]:
    """A hub and its members; whoever connects is Ana, who asks."""
    federation = found_federation(tmp_path)
    monkeypatch.setattr("federation.client.connect", lambda _: open_client(federation))
    yield federation
    federation.hub.close()


def status_of(query_id: str) -> list[str]:
    """What the command says of a query, line by line."""
    said = CliRunner().invoke(query, ["status", "--state", ".", query_id], catch_exceptions=False)
    assert (said.exit_code, said.stderr) == (0, "")
    return said.stdout.splitlines()


def test_where_it_stands_is_said_node_by_node(played: PlayedFederation) -> None:
    query_id = played.refuse(played.answer(played.start(), "node-301"), "node-303", "path_barred", "not by this path")
    first, *lines = status_of(query_id)
    assert first == f"{query_id}  running"
    assert "  signed   ana, cho, dev" in lines
    assert lines[-3:] == [
        "  node-301     answered",
        "  node-302     awaited",
        "  node-303     refused   path_barred not by this path",
    ]


LAPSED = "it cannot be approved any more, since cho signed it with a key that is registered no more: draft it anew"


def test_a_dead_end_is_told(played: PlayedFederation) -> None:
    """A signature that counts no more cannot be taken out: who waits for a second approval waits in vain."""
    query_id, client = played.sign(played.draft(), "ana", "cho"), open_client(played)
    assert client.dead_end(query_id) == ""
    assert not any("approved any more" in line for line in status_of(query_id))
    played.revoke("cho")
    assert client.dead_end(query_id) == LAPSED
    assert status_of(query_id)[-1] == f"  {LAPSED}"


def test_what_was_approved_in_time_is_no_dead_end(played: PlayedFederation) -> None:
    """Whose key is revoked once the nodes are asked changes nothing for the query."""
    query_id = played.start()
    played.revoke("cho")
    assert not any("approved any more" in line for line in status_of(query_id))


def test_who_refused_it_and_why_is_told_to_whoever_waits(played: PlayedFederation) -> None:
    """By the command, and by the library to whoever wanted its result."""
    query_id = played.start()
    for node in NODES:
        played.refuse(query_id, node, "plan_differs", "the plan here is another")
    told = "every authority that was asked refused it: plan_differs at authorities 301, 302, 303"
    first, second, *lines = status_of(query_id)
    assert (first, second) == (f"{query_id}  refused", f"  ended    by hub on 2026-11-23: {told}")
    assert lines[-3:] == [f"  {node}     refused   plan_differs the plan here is another" for node in NODES]
    with pytest.raises(HubRefused, match=told):
        open_client(played).query(query_id).result()

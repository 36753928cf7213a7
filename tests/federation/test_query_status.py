"""`circe query status`, and the library beside it: where a query stands, and why one comes to nothing."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from federation.client import StillRunning
from federation.client.states import OWN
from federation.commands.approve import approve
from federation.commands.query import query
from federation.exchange import ExplainedState, ExplainedStates, QueryState, QueryStatus
from federation.hub_line import HubRefused
from federation.manifest import ApprovalError
from federation.wire import WireError, decode_document, encode_document
from hub import standing
from hub.doors import people
from hub.queries import StoredQuery
from hub.query_states import explain_states
from hub.service import Hub
from tests.federation.test_asking_by_library import open_client
from tests.federation.test_every_document import STATUS
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


@pytest.mark.parametrize("decision", [["--yes"], ["--yes", "--refuse", "No more"]], ids=["approve", "refuse"])
def test_an_asker_decides_nothing_about_their_own(played: PlayedFederation, decision: list[str]) -> None:
    """A signature of theirs is there already, so that one more changed nothing, and was no error."""
    query_id = played.sign(played.draft(), "ana")
    with pytest.raises(ApprovalError, match="is your own, and others approve it"):
        CliRunner().invoke(approve, ["--state", ".", *decision, query_id], catch_exceptions=False)
    assert status_of(query_id)[0] == f"{query_id}  submitted"


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
    assert (first, second) == (f"{query_id}  refused", f"  ended    on 23 November 2026: {told}")
    assert lines[-3:] == [f"  {node}     refused   plan_differs the plan here is another" for node in NODES]
    with pytest.raises(HubRefused, match=told):
        open_client(played).query(query_id).result()


PONDERING = ExplainedState(name="pondering", meaning="The output checker thinks it over.", final=False)
SHELVED = ExplainedState(name="shelved", meaning="Nobody will look at it any more.", final=True)


def play_later_hub(monkeypatch: pytest.MonkeyPatch, *states: str, explained: bool = True) -> None:
    """Have the hub say that a query is in these states one after another, of which ours knows none, then the truth."""
    coming, describe, known = list(states), standing.describe_query, explain_states()

    def say(hub: Hub, query: StoredQuery, *, in_list: bool = False) -> QueryStatus:
        status = describe(hub, query, in_list=in_list)
        return msgspec.structs.replace(status, state=QueryState(coming.pop(0))) if coming else status

    later = ExplainedStates(states=(*known.states, PONDERING, SHELVED)) if explained else known
    monkeypatch.setattr(standing, "describe_query", say)
    monkeypatch.setattr(people, "explain_states", lambda: later)


def test_a_state_of_a_later_version_is_shown_by_its_name_and_explained_by_the_hub(
    played: PlayedFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    query_id = played.start()
    play_later_hub(monkeypatch, "pondering", "pondering", "pondering")
    assert status_of(query_id)[:2] == [f"{query_id}  pondering", f"  meaning  {PONDERING.meaning}"]
    listed = CliRunner().invoke(query, ["status", "--state", "."], catch_exceptions=False)
    assert listed.stdout.startswith(f"{query_id}  pondering  How attendance")
    assert "pondering" in open_client(played).query(query_id)._repr_html_()


def test_who_waits_goes_on_waiting_through_a_state_of_a_later_version(
    played: PlayedFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until their patience ends, or the query does."""
    query_id = played.answer(played.start(), *NODES)
    play_later_hub(monkeypatch, "pondering", "pondering", "pondering")
    waiting, seen = open_client(played).query(query_id), list[str]()
    with pytest.raises(StillRunning, match="is pondering after"):
        waiting.wait(patience=timedelta())
    waiting.wait(progress=lambda status: seen.append(status.state))
    assert seen == ["pondering", "pondering", "released"]


def test_who_waits_stops_at_a_state_of_a_later_version_that_is_for_good(
    played: PlayedFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hub says that it is: no later word of it is waited for."""
    query_id = played.answer(played.start(), *NODES)
    play_later_hub(monkeypatch, "pondering", "shelved", "running")
    assert open_client(played).query(query_id).wait().state == "shelved"


def test_a_state_that_nobody_explains_is_not_taken_for_the_end(
    played: PlayedFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    query_id = played.answer(played.start(), *NODES)
    play_later_hub(monkeypatch, "pondering", "pondering", explained=False)
    assert status_of(query_id)[1].startswith("  purpose")
    assert open_client(played).query(query_id).wait().state == "released"


def test_the_hub_cannot_explain_away_what_we_know(played: PlayedFederation, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state of ours is final or not whatever the hub says of it, and both sides say the same."""
    said = explain_states()
    assert {each.name: each for each in said.states} == OWN
    turned = tuple(msgspec.structs.replace(each, final=not each.final) for each in said.states)
    monkeypatch.setattr(people, "explain_states", lambda: ExplainedStates(states=turned))
    states = open_client(played).states
    assert {name: states.is_final(name) for name in OWN} == {name: each.final for name, each in OWN.items()}


def test_a_state_of_a_later_version_is_none_of_ours() -> None:
    """It is written back as it was read; what is no name of a state at all is refused."""
    data = encode_document(STATUS).replace(b'"state":"running"', b'"state":"pondering"')
    status = decode_document(data, QueryStatus)
    assert (status.state, status.state.meaning, status.state in OWN) == ("pondering", "", False)
    assert encode_document(status) == data
    for spoilt in (b"Pondering", b"", b"a" * 33, b"pon dering", b"pondering\\n"):
        with pytest.raises(WireError, match=r"wrong value at \$\.state"):
            decode_document(data.replace(b"pondering", spoilt), QueryStatus)

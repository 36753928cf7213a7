"""`circe query refusals`: who refused and why, as the nodes signed it, whatever the hub says."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from federation.cli import run
from federation.commands.query import query
from federation.envelope import Envelope, seal_envelope
from federation.exchange import NodeProgress, QueryStatus
from federation.hub_line import HubRefused
from federation.manifest import REPLY_TYPE, Outcome, Reply
from federation.replies import RefusalMismatch
from federation.wire import decode_document, encode_document
from hub import dispatch, standing
from hub.queries import StoredQuery
from hub.service import Hub
from tests.federation.test_asking_by_library import open_client
from tests.hub.played_federation import PlayedFederation, found_federation

CODE, WORDS = "plan_differs", "the plan here is another"

Made = Callable[[PlayedFederation, tuple[Envelope, ...]], Sequence[Envelope]]
"""What a dishonest hub hands out in place of what the nodes signed."""


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PlayedFederation]:
    """A hub and its members; whoever connects is Ana, who asks."""
    federation = found_federation(tmp_path)
    monkeypatch.setattr("federation.client.connect", lambda _: open_client(federation))
    yield federation
    federation.hub.close()


@pytest.fixture
def refused(played: PlayedFederation) -> str:
    """A query that one node has answered and one refused, of three."""
    return played.refuse(played.answer(played.start(), "node-301"), "node-303", CODE, WORDS)


def read(signed: Envelope) -> Reply:
    return decode_document(signed.body, Reply)


def test_a_refusal_is_printed_as_its_node_signed_it(played: PlayedFederation, refused: str) -> None:
    said = CliRunner().invoke(query, ["refusals", "--state", ".", "--format", "json", refused], catch_exceptions=False)
    assert said.exit_code == 0
    (row,) = json.loads(said.stdout)
    assert (row["node"], row["authority"], row["code"], row["reason"]) == ("node-303", "303", CODE, WORDS)
    assert row["signed"].startswith("2026-11-23 ")
    assert said.stderr == "1 refusals, each signed by its node for this query\n"
    (reply,) = open_client(played).query(refused).refusals
    assert (reply.node, reply.outcome) == ("node-303", Outcome.REFUSED)


def test_what_nobody_refused_has_no_refusals(played: PlayedFederation) -> None:
    assert open_client(played).refusals(played.start()) == ()


def test_whoever_may_not_see_a_query_is_handed_none(played: PlayedFederation, refused: str) -> None:
    with pytest.raises(HubRefused, match="no query of that id"):
        open_client(played, "bea").refusals(refused)


def test_a_refusal_holds_when_its_node_has_other_keys_or_is_no_member_any_more(
    played: PlayedFederation, refused: str
) -> None:
    """It is a record of what was signed then."""
    played.revoke("node-303")
    assert [each.node for each in open_client(played).refusals(refused)] == ["node-303"]


SAID_WRONGLY: dict[str, Callable[[NodeProgress], NodeProgress]] = {
    "that an authority refused which is silent": lambda node: (
        msgspec.structs.replace(node, outcome="refused", code=CODE) if node.node == "node-302" else node
    ),
    "that an authority refused which answered": lambda node: (
        msgspec.structs.replace(node, outcome="refused", code=CODE) if node.node == "node-301" else node
    ),
    "another code": lambda node: msgspec.structs.replace(node, code=node.code and "budget_spent"),
    "other words": lambda node: msgspec.structs.replace(node, text=node.text and "we do not like the asker"),
    "another authority": lambda node: msgspec.structs.replace(node, authority="304"),
}


@pytest.mark.parametrize("say", SAID_WRONGLY.values(), ids=SAID_WRONGLY.keys())
def test_a_hub_that_makes_a_refusal_up_is_found_out(
    played: PlayedFederation,
    refused: str,
    say: Callable[[NodeProgress], NodeProgress],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What it says of a node stands in what that node signed, or is not believed."""
    describe = standing.describe_query

    def lie(hub: Hub, asked: StoredQuery) -> QueryStatus:
        status = describe(hub, asked)
        return msgspec.structs.replace(status, nodes=tuple(map(say, status.nodes)))

    monkeypatch.setattr(standing, "describe_query", lie)
    with pytest.raises(RefusalMismatch, match=r"the hub (says that node-30[12]|tells another reason of node-303)"):
        open_client(played).refusals(refused)


def forge(federation: PlayedFederation, signed: tuple[Envelope, ...], signer: str, **changes: object) -> list[Envelope]:
    """The hub's own work: what a node signed, changed and signed by another."""
    made = msgspec.structs.replace(read(signed[0]), **changes)
    return [*signed, seal_envelope(encode_document(made), REPLY_TYPE, federation.parties[signer].keys)]


HANDED_OUT: dict[str, Made] = {
    "one that it signed itself": lambda played, signed: forge(played, signed, "hub", node="node-302", authority="302"),
    "one that another node signed": lambda played, signed: forge(
        played, signed, "node-303", node="node-302", authority="302"
    ),
    "one of somebody who was not asked": lambda played, signed: forge(played, signed, "cho", node="cho"),
    "one of another query": lambda played, signed: forge(played, signed, "node-303", manifest_digest="0" * 64),
    "one for another authority": lambda played, signed: forge(
        played, signed, "node-302", node="node-302", authority="303"
    ),
    "the same twice": lambda played, signed: [*signed, *signed],
    "an answer": lambda played, signed: forge(
        played, signed, "node-302", node="node-302", authority="302", outcome=Outcome.ANSWERED
    ),
    "what is no reply": lambda played, signed: [
        *signed,
        seal_envelope(b"{}", REPLY_TYPE, played.parties["node-302"].keys),
    ],
    "nothing": lambda played, signed: [],
}


@pytest.mark.parametrize("make", HANDED_OUT.values(), ids=HANDED_OUT.keys())
def test_a_hub_that_hands_out_anything_else_is_found_out(
    played: PlayedFederation, refused: str, make: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each refusal is a reply to this query, under the key of the node that was asked."""
    fetch = dispatch.read_refusals
    monkeypatch.setattr(dispatch, "read_refusals", lambda hub, digest: tuple(make(played, fetch(hub, digest))))
    with pytest.raises(RefusalMismatch):
        open_client(played).refusals(refused)


def test_the_command_says_so_and_ends_with_4(
    played: PlayedFederation, refused: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dispatch, "read_refusals", lambda hub, digest: ())
    assert run(["query", "refusals", "--state", ".", refused]) == 4
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "the hub says that node-303 has refused, and has no refusal that it signed" in printed.err

"""An answer to a lookup carries the proof of its entry in the answering node's log, and is held to it."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from audit.event import Action
from audit.log import read_entries
from audit.proof import prove_entry
from federation.cli import run
from federation.lookups import ChildSought, LookupFailed, LookupRequest
from federation.state import StateError
from node.lookups import answering
from node.lookups.kept_proofs import check_proof, find_proof
from node.service import Node
from tests.node.lookups.test_lookups import ASKER, PaperRelay, events
from tests.node.lookups.test_one_child import HOME, ask, child_placed_here
from tests.small_federation import SmallFederation


@pytest.fixture
def sought(federation: SmallFederation) -> ChildSought:
    return ChildSought(upn=child_placed_here(federation)["upn"])


def test_the_proof_is_kept_and_verifies_offline(
    federation: SmallFederation, sought: ChildSought, capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    relay = PaperRelay(federation)
    (answer,) = ask(federation, relay, sought).answers
    node = federation.node(ASKER)
    kept = find_proof(node, relay.lookup_id, HOME)
    assert kept == answer.proof
    state = str(node.party.directory)
    assert run(["audit", "lookup-proof", "--state", state, "--of", HOME, relay.lookup_id]) == 0
    path = tmp_path / "proof"
    path.write_text(capsys.readouterr().out)
    assert run(["audit", "verify-proof", "--state", state, "--witnesses", "0", str(path)]) == 0
    said = capsys.readouterr().out
    assert f"of the log of node-{HOME}" in said
    assert relay.lookup_id in said
    assert "witnessed by nobody yet\n" in said
    assert run(["audit", "verify-proof", "--state", state, str(path)]) == 7
    assert str(sought.upn) not in kept
    with pytest.raises(StateError, match="no proof is kept"):
        find_proof(node, relay.lookup_id, "316")


def test_nobody_found_is_proven_too(federation: SmallFederation) -> None:
    relay = PaperRelay(federation)
    ask(federation, relay, ChildSought(upn="A800000000012"))
    assert find_proof(federation.node(ASKER), relay.lookup_id, HOME)


def forge(federation: SmallFederation, monkeypatch: pytest.MonkeyPatch, proof: Callable[[Node, str], str]) -> None:
    """Have the answering node send another proof than that of its entry."""
    honest = answering.log_and_prove

    def dishonest(node: Node, connection: Any, entries: Any) -> str:
        return proof(node, honest(node, connection, entries))

    monkeypatch.setattr(answering, "log_and_prove", dishonest)


def of_another_entry(node: Node, _: str) -> str:
    connection = node.database.connection
    (entry,) = read_entries(connection, index=0)
    return prove_entry(connection, entry).to_text()


def damaged(_: Node, proof: str) -> str:
    return proof.replace("index ", "index 1", 1)


@pytest.mark.parametrize("proof", [of_another_entry, damaged, lambda *_: "no proof"])
def test_an_answer_with_another_proof_is_put_aside(
    federation: SmallFederation,
    sought: ChildSought,
    monkeypatch: pytest.MonkeyPatch,
    proof: Callable[[Node, str], str],
) -> None:
    forge(federation, monkeypatch, proof)
    relay = PaperRelay(federation)
    found = ask(federation, relay, sought)
    assert found.answers == ()
    assert "proof" in found.wrong[0].reason
    assert not [event for event in events(federation.node(ASKER), Action.LOOKUP_RECEIVED) if event.subject]
    with pytest.raises(StateError):
        find_proof(federation.node(ASKER), relay.lookup_id, HOME)


def test_a_proof_of_another_answer_is_none_of_this_one(federation: SmallFederation, sought: ChildSought) -> None:
    relay = PaperRelay(federation)
    (answer,) = ask(federation, relay, sought).answers
    node = federation.node(ASKER)
    request = LookupRequest(
        lookup_id=relay.lookup_id,
        kind="one_child",  # type: ignore[arg-type]
        sender=f"node-{ASKER}",
        receiver=f"node-{HOME}",
        authority=ASKER,
        person="vsh",
        role="virtual_school_head",
        purpose="Termly review of children placed here",
        asked_at=answer.as_of,
        sought=sought,
    )
    check_proof(node, request, answer)
    for change in ({"lookup_id": "L-" + "0" * 32}, {"person": "deputy"}, {"purpose": "Another"}, {"authority": "316"}):
        with pytest.raises(LookupFailed, match="another entry"):
            check_proof(node, msgspec.structs.replace(request, **change), answer)
    with pytest.raises(LookupFailed, match="another entry"):
        check_proof(node, request, msgspec.structs.replace(answer, fields=("upn",)))
    check_proof(node, request, msgspec.structs.replace(answer, proof=""))

"""The logs of a federation are witnessed by its nodes; whoever shows two histories, or rewrites one, is found out."""

import shutil
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from audit.checkpoint import Checkpoint, sign_checkpoint
from audit.cosignature import cosign, verify_quorum
from audit.event import Action
from audit.log import read_checkpoint, read_entries, read_head
from audit.proof import ProofInvalid
from audit.verifier import verify_log
from audit.witness import Offer, Refusal, verify_evidence
from audit.witness_store import LONGEST_ROUND, Cosigned, list_witnessed, newest_cosigned, newest_round, read_evidence
from federation.commands.audit import audit
from federation.database import LogSigner
from federation.exchange import QueryDraft, ReleaseDocument
from federation.hub_line import HubRefused
from federation.log_proofs import digest_release, verify_log_proof, verify_release_proof
from federation.wire import encode_document
from federation.witnessing import (
    Offered,
    Signed,
    WitnessAnswer,
    WitnessReport,
    find_quorum,
    list_witnesses,
    witness_key,
)
from hub.service import open_hub
from hub.witnessing import count_witnesses
from node.service import Node
from node.witnessing import EVERY, SOON, Witnessing, exchange_witnessing, make_report, sign_offered
from tests.end_to_end.one_process import OneProcess, answering_at_once
from tests.small_federation import QUESTION, SmallFederation


class Watched(OneProcess):
    """Members who meet by their reports on logs, when the test lets them."""

    def report(self, *authorities: str) -> None:
        for code in authorities or self.nodes:
            hub = self.connect(self.nodes[code].party)
            exchange_witnessing(self.nodes[code], hub)
            hub.close()

    def act(self, node: Node | None = None) -> None:
        """Have somebody do something that the hub's log, or a node's, has an entry of."""
        if node is not None:
            node.record(node.event(Action.AUDIT_READ, "ig", ""))
            return
        with self.hub.database.transaction() as connection:
            self.hub.database.log.append(connection, self.hub.event(Action.AUDIT_READ, "eve", ""))

    def forge(self, size: int, root: bytes) -> str:
        """Sign whatever checkpoint of the hub's log a dishonest hub likes."""
        return sign_checkpoint(Checkpoint("hub", size, root), LogSigner(self.hub.party))

    @property
    def cosigned(self) -> Cosigned | None:
        register = self.hub.register()
        return newest_cosigned(self.hub.database.connection, find_quorum(register, "hub", self.clock()))


@pytest.fixture
def watched(federation: SmallFederation) -> Iterator[Watched]:
    found = Watched(federation)
    yield found
    found.close()


def disputes(node: Node) -> list[str]:
    """The reasons why this node did not sign, as its own log has them."""
    entries = read_entries(node.database.connection, action=Action.LOG_DISPUTED)
    return [str(entry.to_event().details["reason"]) for entry in entries]


# --- Honest logs -----------------------------------------------------------------------------------------------------


def test_the_hubs_log_is_witnessed_by_two_thirds_of_the_nodes(watched: Watched) -> None:
    watched.act()
    watched.report("203", "301")
    assert watched.cosigned is None
    watched.report("316")
    found = watched.cosigned
    assert found is not None
    assert found.size == read_head(watched.hub.database.connection)[1]
    witnesses = list_witnesses(watched.hub.register(), "hub", watched.clock())
    assert set(verify_quorum(found.note, [witness_key(member) for member in witnesses], 3)) == {
        "node-203",
        "node-301",
        "node-316",
    }
    assert count_witnesses(watched.hub) == (found.size, found.size)


def test_the_witnesses_follow_as_the_hubs_log_grows(watched: Watched) -> None:
    for _ in range(4):
        watched.act()
        watched.report()
        size = read_head(watched.hub.database.connection)[1]
        assert {list_witnessed(node.database.connection)["hub"] for node in watched.nodes.values()} == {size}
        assert watched.cosigned is not None
        assert watched.cosigned.size == size
    assert not any(disputes(node) for node in watched.nodes.values())


def test_each_nodes_log_is_witnessed_by_two_others(watched: Watched) -> None:
    """First the nodes hear that nothing was signed yet, then their witnesses sign, then they hear of that."""
    for _ in range(3):
        watched.report()
    for node in watched.nodes.values():
        register, origin = node.register(), node.party.member_id
        found = newest_cosigned(node.database.connection, 2)
        assert found is not None
        assert found.size == read_head(node.database.connection)[1]
        keys = [witness_key(member) for member in list_witnesses(register, origin, watched.clock())]
        assert len(verify_quorum(found.note, keys, 2)) == 2


def test_a_nodes_witnesses_follow_as_its_log_grows(watched: Watched) -> None:
    node = watched.nodes["203"]
    for _ in range(3):
        watched.act(node)
        for _ in range(3):
            watched.report()
        found = newest_cosigned(node.database.connection, 2)
        assert found is not None
        assert found.size == read_head(node.database.connection)[1]
    assert not any(disputes(other) for other in watched.nodes.values())


def test_witnessing_writes_no_entries_of_its_own(watched: Watched) -> None:
    """Else every report would ask for the next."""
    before = [read_head(node.database.connection) for node in watched.nodes.values()]
    for _ in range(4):
        watched.report()
    assert [read_head(node.database.connection) for node in watched.nodes.values()] == before


def test_a_node_that_is_away_holds_nobody_up_for_long(watched: Watched) -> None:
    watched.act()
    watched.report("203")
    watched.act()
    watched.report("301")
    current = newest_round(watched.hub.database.connection)
    assert current is not None
    assert current.cosignatures == 2
    watched.clock.move(LONGEST_ROUND + timedelta(seconds=1))
    watched.report("203", "301", "316")
    assert watched.cosigned is not None
    assert watched.cosigned.size == read_head(watched.hub.database.connection)[1]


# --- Dishonest logs --------------------------------------------------------------------------------------------------


def test_a_split_view_is_refused_logged_and_kept(watched: Watched) -> None:
    """The hub shows one node another history of the same length, signed with its own key."""
    watched.act()
    watched.report()
    node = watched.nodes["301"]
    size = list_witnessed(node.database.connection)["hub"]
    forged = watched.forge(size, bytes(32))
    offered = Offered(origin="hub", witness="node-301", offer=Offer(size, (), forged).to_text())
    assert not sign_offered(node, offered)
    assert disputes(node) == ["split"]
    (evidence,) = read_evidence(node.database.connection)
    hub_key = watched.hub.party.keys.public_log_key
    assert verify_evidence(evidence.kept, evidence.offered, "hub", hub_key) is Refusal.SPLIT
    assert not sign_offered(node, offered)
    assert disputes(node) == ["split"]


def test_a_rewritten_log_of_the_hub_finds_no_witnesses(watched: Watched, tmp_path: Path) -> None:
    """The hub goes back to a copy of its log and writes on from there: every node that saw more disputes it."""
    database = watched.hub.party.database
    watched.hub.database.erase_deleted()
    watched.hub.close()
    shutil.copy(database, tmp_path / "before.sqlite")
    watched.hub = open_hub(watched.federation.directory / "hub", watched.clock)
    watched.app.extensions["hub"] = watched.hub
    for _ in range(3):
        watched.act()
    watched.report()
    watched.hub.database.erase_deleted()
    watched.hub.close()
    shutil.copy(tmp_path / "before.sqlite", database)
    for stale in database.parent.glob(f"{database.name}-*"):
        stale.unlink()
    watched.hub = open_hub(watched.federation.directory / "hub", watched.clock)
    watched.app.extensions["hub"] = watched.hub
    watched.report()
    assert {reason for node in watched.nodes.values() for reason in disputes(node)} == {"smaller"}
    for _ in range(5):
        watched.act()
    watched.clock.move(LONGEST_ROUND + timedelta(seconds=1))
    watched.report()
    assert all("unproven" in disputes(node) for node in watched.nodes.values())
    assert watched.cosigned is None
    verify_log(watched.hub.database.connection, "hub", watched.hub.party.keys.public_log_key)


def test_a_rewritten_log_of_a_node_finds_no_witnesses(watched: Watched) -> None:
    node = watched.nodes["203"]
    for _ in range(3):
        watched.report()
    connection, signer = node.database.connection, LogSigner(node.party)
    witnesses = list_witnesses(node.register(), "node-203", watched.clock())
    size = read_head(connection)[1]
    for forged in (Checkpoint("node-203", size, bytes(32)), Checkpoint("node-203", size + 4, bytes(32))):
        offer = Offer(size, (), sign_checkpoint(forged, signer)).to_text()
        for member in witnesses:
            other = watched.nodes[member.id.removeprefix("node-")]
            assert not sign_offered(other, Offered(origin="node-203", witness=member.id, offer=offer))
    for member in witnesses:
        assert set(disputes(watched.nodes[member.id.removeprefix("node-")])) == {"split", "unproven"}


def test_a_hub_that_rewrites_offers_of_nodes_gets_nothing_signed(watched: Watched) -> None:
    """It carries the checkpoints of nodes' logs, and has no key of theirs."""
    node = watched.nodes["301"]
    forged = sign_checkpoint(Checkpoint("hub", 9, bytes(32)), LogSigner(watched.hub.party)).replace("hub", "node-203")
    for text in (Offer(0, (), forged).to_text(), "old 0\n\nnothing\n", "nothing"):
        assert not sign_offered(node, Offered(origin="node-203", witness="node-301", offer=text))
    assert "node-203" not in list_witnessed(node.database.connection)
    assert list(read_evidence(node.database.connection)) == []


def test_a_node_signs_no_log_that_the_register_does_not_give_it(watched: Watched) -> None:
    node = watched.nodes["301"]
    note = sign_checkpoint(Checkpoint("node-301", 9, bytes(32)), LogSigner(node.party))
    assert not sign_offered(node, Offered(origin="node-301", witness="node-301", offer=Offer(0, (), note).to_text()))
    assert not sign_offered(node, Offered(origin="ana@ucl", witness="node-301", offer=Offer(0, (), note).to_text()))


# --- Dishonest reports -----------------------------------------------------------------------------------------------


def send(watched: Watched, code: str, report: WitnessReport) -> WitnessAnswer:
    hub = watched.connect(watched.nodes[code].party)
    try:
        return hub.report_witnessing(report)
    finally:
        hub.close()


def test_a_cosignature_that_does_not_hold_counts_for_nothing(watched: Watched) -> None:
    watched.act()
    send(watched, "301", make_report(watched.nodes["301"], {}))
    current = newest_round(watched.hub.database.connection)
    assert current is not None
    checkpoint = Checkpoint("hub", current.size, bytes(32))
    forged = cosign(checkpoint, LogSigner(watched.nodes["301"].party), 1)
    signed = Signed(origin="hub", witness="node-301", size=current.size, cosignature=forged)
    send(watched, "301", WitnessReport(signed=(signed,), offered=()))
    assert newest_round(watched.hub.database.connection) == current


@pytest.mark.parametrize(
    "report",
    [
        WitnessReport(signed=(Signed(origin="hub", witness="node-203", size=1, cosignature=""),), offered=()),
        WitnessReport(signed=(Signed(origin="node-301", witness="node-301", size=1, cosignature=""),), offered=()),
        WitnessReport(signed=(), offered=(Offered(origin="hub", witness="node-203", offer=""),)),
        WitnessReport(signed=(), offered=(Offered(origin="node-301", witness="node-301", offer=""),)),
    ],
    ids=["for another", "of its own log", "another's log", "to itself"],
)
def test_a_node_speaks_of_its_own_part_alone(watched: Watched, report: WitnessReport) -> None:
    with pytest.raises(HubRefused) as refused:
        send(watched, "301", report)
    assert refused.value.problem.code == "not_your_log"


def test_what_the_hub_says_of_our_witnesses_must_hold(watched: Watched) -> None:
    """It may say of any size that it was signed; a signature it cannot make up, and a wrong one is passed over."""

    class Liar:
        def report_witnessing(self, report: WitnessReport) -> WitnessAnswer:
            signed = (
                Signed(origin="node-203", witness=name, size=3, cosignature=f"— {name} AAAAAAAA\n") for name in names
            )
            return WitnessAnswer(offered=(), signed=tuple(signed))

    node = watched.nodes["203"]
    names = [*(m.id for m in list_witnesses(node.register(), "node-203", watched.clock())), "node-999"][1:]
    exchange_witnessing(node, Liar())
    current = newest_round(node.database.connection)
    assert current is not None
    assert current.cosignatures == 0
    assert current.note.encode() == read_checkpoint(node.database.connection).note


# --- When ------------------------------------------------------------------------------------------------------------


class Counting:
    """A hub that counts what it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def report_witnessing(self, report: WitnessReport) -> WitnessAnswer:
        self.asked += 1
        return WitnessAnswer(offered=(), signed=())


def test_a_node_reports_once_a_minute_and_sooner_when_its_log_has_grown(watched: Watched) -> None:
    node, board = watched.nodes["301"], Counting()
    witnessing = Witnessing(watched.clock())
    witnessing.renew(node, board)
    assert board.asked == 0
    watched.clock.move(2 * EVERY)
    for _ in range(3):
        witnessing.renew(node, board)
    first = board.asked
    assert first > 0
    watched.clock.move(SOON)
    witnessing.renew(node, board)
    assert board.asked == first
    watched.act(node)
    witnessing.renew(node, board)
    assert board.asked > first


# --- Proofs of releases ----------------------------------------------------------------------------------------------

DRAFT = QueryDraft(
    project="attendance",
    purpose="How attendance differs",
    sql=QUESTION,
    academic_year="202425",
    preset="opensafely",
    roster=None,
    valid_hours=24,
)


@pytest.fixture
def released(watched: Watched) -> tuple[ReleaseDocument, str]:
    """A release of rows that every node answered, and the query's id."""
    query_id = watched.submit(DRAFT)
    with answering_at_once():
        watched.poll(*watched.nodes)
    with watched.client("ana@ucl") as client:
        return client.fetch(query_id), query_id


def fetch_proof(watched: Watched, document: ReleaseDocument) -> tuple[bytes, str]:
    with watched.client("ana@ucl") as client:
        return client.fetch_proof(document)


def test_a_release_is_proven_once_its_log_is_witnessed(watched: Watched, released: tuple[ReleaseDocument, str]) -> None:
    document, register, now = released[0], watched.hub.register(), watched.clock()
    proof, told = fetch_proof(watched, document)
    assert told.endswith("cosigned by 0 of the 3 that it takes: fetch the proof again in some minutes")
    with pytest.raises(ProofInvalid, match="0 of the witnesses have cosigned it, and 3 have to"):
        verify_release_proof(proof, document, register, now)
    watched.report()
    proof, told = fetch_proof(watched, document)
    assert told.endswith("of the log of hub, cosigned by 4")
    proven = verify_release_proof(proof, document, register, now)
    assert proven.event.details["release"] == document.release_id
    assert set(proven.witnesses) == {f"node-{code}" for code in watched.nodes}


def test_a_release_that_was_changed_is_not_the_one_that_is_proven(
    watched: Watched, released: tuple[ReleaseDocument, str]
) -> None:
    """A hub that hands somebody another document has no entry in its log for it."""
    document, register, now = released[0], watched.hub.register(), watched.clock()
    watched.report()
    proof, _ = fetch_proof(watched, document)
    for changed in (
        msgspec.structs.replace(document, sql=document.sql + " "),
        msgspec.structs.replace(document, table={**document.table, "rows": []}),
        msgspec.structs.replace(document, nodes=document.nodes[1:]),
    ):
        with pytest.raises(ProofInvalid, match="do not belong together"):
            verify_release_proof(proof, changed, register, now)


def test_a_release_is_of_the_moment_that_its_log_and_its_witnesses_say(
    watched: Watched, released: tuple[ReleaseDocument, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hub that states another time in the document, and logs just that document, is found out all the same."""
    document, register, now = released[0], watched.hub.register(), watched.clock()
    watched.report()
    proof, _ = fetch_proof(watched, document)
    verify_release_proof(proof, document, register, now)
    # The digest is played, as a hub would log whatever document it means to hand out.
    monkeypatch.setattr("federation.log_proofs.digest_release", lambda _: digest_release(document))
    for moved in (timedelta(days=-1, minutes=-1), timedelta(minutes=6)):
        changed = msgspec.structs.replace(document, released_at=document.released_at + moved)
        with pytest.raises(ProofInvalid, match=r"by its own word, and of .* by the log"):
            verify_release_proof(proof, changed, register, now)
    proven = verify_release_proof(proof, document, register, now)
    early = {name: at - 3600 for name, at in proven.witnesses.items()}
    for witnesses, found_out in ((early, True), ({**proven.witnesses, "node-203": early["node-203"]}, False)):
        stated = replace(proven, witnesses=witnesses)
        monkeypatch.setattr("federation.log_proofs.verify_log_proof", lambda *_, stated=stated: stated)
        with pytest.raises(ProofInvalid, match="was witnessed before that") if found_out else nullcontext():
            verify_release_proof(proof, document, register, now)


def test_a_proof_is_verified_offline_from_files(
    watched: Watched, released: tuple[ReleaseDocument, str], tmp_path: Path
) -> None:
    watched.report()
    proof, release = tmp_path / "release.tlog-proof", tmp_path / "release.json"
    proof.write_bytes(fetch_proof(watched, released[0])[0])
    release.write_bytes(encode_document(released[0]) + b"\n")
    directory = watched.federation.directory
    by_root = ["--root", str(directory / "root" / "root.pub"), "--register", str(directory / "register.json")]
    for where in (["--state", str(directory / "ana@ucl")], by_root):
        result = CliRunner().invoke(audit, ["verify-proof", *where, "--release", str(release), str(proof)])
        assert result.exit_code == 0, result.output
        assert result.stdout.startswith("proven: entry ")
        assert "witnessed by 4: node-203, node-301, node-316, node-317" in result.stdout
    assert CliRunner().invoke(audit, ["verify-proof", str(proof)]).exit_code == 2


def test_what_nobody_has_proven_is_no_proof(watched: Watched, released: tuple[ReleaseDocument, str]) -> None:
    register, now = watched.hub.register(), watched.clock()
    proof, _ = fetch_proof(watched, released[0])
    elsewhere = proof.replace(b"\nhub\n", b"\nnode-999\n")
    with pytest.raises(ProofInvalid, match="no log that the register knows"):
        verify_log_proof(elsewhere, register, now, quorum=0)


def test_an_entry_of_a_nodes_own_log_is_proven_by_its_two_witnesses(watched: Watched) -> None:
    node = watched.nodes["203"]
    node.record(node.event(Action.LOOKUP_RECEIVED, "vsh", "L-1"))
    for _ in range(3):
        watched.report()
    result = CliRunner().invoke(audit, ["prove", "--state", str(node.party.directory), "--reference", "L-1"])
    assert result.exit_code == 0, result.output
    proven = verify_log_proof(result.stdout, node.register(), watched.clock())
    assert (proven.event.action, proven.event.reference) == (Action.LOOKUP_RECEIVED, "L-1")
    assert len(proven.witnesses) == 2
    missing = CliRunner().invoke(audit, ["prove", "--state", str(node.party.directory), "--reference", "L-2"])
    assert (missing.exit_code, "no such entry" in missing.stderr) == (2, True)

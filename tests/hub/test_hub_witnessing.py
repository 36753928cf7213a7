"""The hub's part in witnessing, on either database: it offers its own log, and carries those of nodes."""

from datetime import datetime

from audit.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint, split_note
from audit.cosignature import cosign
from audit.event import Action
from audit.log import read_head
from audit.witness import Offer, judge_offer, parse_offer
from audit.witness_listing import read_witnesses
from federation.database import LogSigner
from federation.wire import decode_document, encode_document
from federation.witnessing import Offered, Signed, WitnessAnswer, WitnessReport, list_witnesses
from hub.witnessing import count_witnesses
from tests.hub.callers import Callers, assert_problem
from tests.hub.played_federation import NODES

NOTHING = WitnessReport(signed=(), offered=())


def report(callers: Callers, node: str, sent: WitnessReport = NOTHING) -> WitnessAnswer:
    response = callers.call(node, "POST", "/federation/witnessing", encode_document(sent))
    assert response.status_code == 200, response.data
    return decode_document(response.data, WitnessAnswer)


def sign_hubs_log(callers: Callers, node: str, kept: Checkpoint | None, now: datetime) -> Checkpoint | None:
    """Have a node sign what the hub offers of its own log, and hand it in; return what it keeps."""
    size = kept.size if kept else 0
    told = Signed(origin="hub", witness=node, size=size, cosignature="")
    for offered in report(callers, node, WitnessReport(signed=(told,), offered=())).offered:
        if offered.origin == "hub":
            key = callers.federation.member("hub").public_log_key
            kept = judge_offer(kept, parse_offer(offered.offer), "hub", key)
            line = cosign(kept, LogSigner(callers.federation.parties[node]), int(now.timestamp()))
            signed = Signed(origin="hub", witness=node, size=kept.size, cosignature=line)
            report(callers, node, WitnessReport(signed=(signed,), offered=()))
    return kept


def test_two_of_three_nodes_witness_the_hubs_log_as_it_grows(own_callers: Callers) -> None:
    """Each time from what the node signed last, with the proof for that."""
    federation = own_callers.federation
    kept: dict[str, Checkpoint | None] = dict.fromkeys(NODES[:2])
    for _ in range(3):
        with federation.hub.database.transaction() as connection:
            event = federation.hub.event(Action.AUDIT_READ, "eve", "")
            federation.hub.database.log.append(connection, event)
        for node, before in kept.items():
            kept[node] = sign_hubs_log(own_callers, node, before, federation.clock())
        size = read_head(federation.hub.database.connection)[1]
        assert count_witnesses(federation.hub) == (size, size)
    assert read_witnesses(federation.hub.database.connection, 2).names == NODES[:2]
    assert not [offered for offered in report(own_callers, NODES[0]).offered if offered.origin == "hub"]


def test_a_nodes_checkpoint_is_carried_to_its_witness_and_the_signature_back(own_callers: Callers) -> None:
    federation = own_callers.federation
    origin = NODES[0]
    witness = list_witnesses(federation.hub.register(), origin, federation.clock())[0].id
    note = sign_checkpoint(Checkpoint(origin, 3, bytes(32)), LogSigner(federation.parties[origin]))
    offered = Offered(origin=origin, witness=witness, offer=Offer(0, (), note).to_text())
    report(own_callers, origin, WitnessReport(signed=(), offered=(offered,)))
    assert offered in report(own_callers, witness).offered
    checkpoint = parse_checkpoint(split_note(note)[0])
    line = cosign(checkpoint, LogSigner(federation.parties[witness]), 1)
    signed = Signed(origin=origin, witness=witness, size=3, cosignature=line)
    report(own_callers, witness, WitnessReport(signed=(signed,), offered=()))
    assert signed in report(own_callers, origin).signed
    assert offered not in report(own_callers, witness).offered


def test_a_checkpoint_of_another_is_not_taken_in(own_callers: Callers) -> None:
    offered = Offered(origin=NODES[1], witness=NODES[2], offer="")
    sent = encode_document(WitnessReport(signed=(), offered=(offered,)))
    assert_problem(own_callers.call(NODES[0], "POST", "/federation/witnessing", sent), 403, "not_your_log")

"""The doors of nodes: what waits for them, what they hand in, and what approvers decide at their pages."""

from collections.abc import Callable

from flask import Blueprint, Response, request

from federation.envelope import Envelope, Signature
from federation.exchange import (
    ApproversRefusal,
    Inbox,
    LookupBatch,
    LookupProgress,
    QueryStatus,
    SealingKeyList,
    WaitingManifests,
)
from federation.problems import ProblemRaised
from federation.register import Member, MemberKind
from federation.state import REGISTER_FILE, StateError
from federation.web.description import Body, V, describes
from federation.wire import MAX_BATCH_BYTES
from federation.witnessing import WitnessAnswer, WitnessReport
from hub import approving, budgets, dispatch, queries, relay, sealing_keys, settling, sightings, standing, witnessing
from hub.doors.request import (
    HANDED_OUT,
    LAST,
    SEALED_PAGE,
    WAIT,
    answer,
    authenticate,
    hold_line,
    read_body,
    read_numbers,
    the_hub,
    whole_number,
)
from hub.service import Hub

node_doors = Blueprint("node_doors", __name__)


@node_doors.get("/federation/register")
@describes(gives=Envelope)
def send_register() -> Response:
    """Hand out the register as the root signed it; whoever reads it verifies it under their own pinned root."""
    try:
        data = (the_hub().party.directory / REGISTER_FILE).read_bytes()
    except OSError:
        raise StateError("no register has been adopted yet") from None
    return Response(data, content_type="application/json")


@node_doors.get("/federation/inbox")
@describes(gives=Inbox, query={**WAIT, **HANDED_OUT})
def send_inbox() -> Response:
    """Hand a node what waits for it."""
    hub, node = the_hub(), authenticate(MemberKind.NODE)
    return _hand_out(hub, node)


def _hand_out(hub: Hub, node: Member) -> Response:
    """Note that a node is here, take what it is done with out of its inbox, and hold the line until more is in it.

    What it says that it is at work on stays there, and counts for nothing.
    """
    in_hand = frozenset(read_numbers("in_hand"))
    sightings.note_sighting(hub, node, request.headers.get("User-Agent", ""), hub.clock())
    if done := read_numbers("done"):
        dispatch.finish_deliveries(hub, node, done)
    settling.settle_due(hub, hub.clock())
    hold_line(hub, node, node.id, lambda: dispatch.has_deliveries(hub, node, hub.clock(), in_hand))
    return answer(dispatch.read_inbox(hub, node, hub.clock(), in_hand))


def answers_as_a_poll(takes: Body) -> Callable[[V], V]:
    """Say of a door that it answers with nothing, or, where the node asks for that, with what waits for it."""
    return describes(takes=takes, gives=Inbox, query={**WAIT, **HANDED_OUT}, otherwise={204: None})


def answer_node(hub: Hub, node: Member) -> Response:
    """Answer what a node handed in: with nothing, or as its next poll, where it asks for that and a line is free."""
    if "wait" in request.args:
        try:
            return _hand_out(hub, node)
        except ProblemRaised as raised:
            # What was handed in is kept already: nobody need send it again for want of a line.
            if raised.problem.status not in (429, 503):
                raise
    return Response(status=204)


@node_doors.post("/federation/replies")
@describes(takes=Envelope)
def accept_reply() -> Response:
    """Take in a node's signed reply, and release the query if it was the last one awaited."""
    hub, node = the_hub(), authenticate(MemberKind.NODE)
    reply = dispatch.accept_reply(hub, node, request.get_data(cache=True))
    settling.note_reply(hub, reply)
    return Response(status=204)


@node_doors.put("/federation/sealing-key")
@describes(takes=Envelope)
def accept_sealing_key() -> Response:
    """Take in a node's newest sealing key."""
    sealing_keys.publish_key(the_hub(), authenticate(MemberKind.NODE), request.get_data(cache=True))
    return Response(status=204)


@node_doors.put("/federation/budget")
@describes(takes=Envelope)
def accept_budget() -> Response:
    """Take in what a node states of its privacy budget."""
    budgets.keep_statement(the_hub(), authenticate(MemberKind.NODE), request.get_data(cache=True))
    return Response(status=204)


@node_doors.post("/federation/witnessing")
@describes(takes=WitnessReport, gives=WitnessAnswer)
def exchange_witnessing() -> Response:
    """Take in what a node signed of others' logs and shows of its own; hand it what it is asked to sign, and has."""
    hub, node = the_hub(), authenticate(MemberKind.NODE)
    return answer(witnessing.exchange_reports(hub, node, read_body(WitnessReport)))


@node_doors.get("/federation/sealing-keys")
@describes(gives=SealingKeyList)
def send_sealing_keys() -> Response:
    """Hand out the newest sealing key of each node; whoever seals to one verifies it."""
    authenticate(MemberKind.NODE)
    return answer(sealing_keys.list_keys(the_hub()))


@node_doors.post("/federation/lookups")
@describes(takes=LookupBatch, status=201)
def open_lookup() -> Response:
    """Take in the sealed requests of a lookup."""
    node = authenticate(MemberKind.NODE, limit=MAX_BATCH_BYTES)
    relay.open_lookup(the_hub(), node, read_body(LookupBatch, MAX_BATCH_BYTES))
    return Response(status=201)


@node_doors.post("/federation/lookups/<lookup_id>/answer")
@answers_as_a_poll(SEALED_PAGE)
def accept_answer(lookup_id: str) -> Response:
    """Take in one node's sealed answer."""
    hub, node = the_hub(), authenticate(MemberKind.NODE)
    relay.accept_answer(hub, node, lookup_id, request.get_data(cache=True))
    return answer_node(hub, node)


@node_doors.get("/federation/lookups/<lookup_id>")
@describes(gives=LookupProgress, query={**WAIT, **LAST})
def send_lookup(lookup_id: str) -> Response:
    """Delete the answers that the node that asked says it has, and hand it the others, waiting for the rest."""
    hub, node = the_hub(), authenticate(MemberKind.NODE)
    relay.acknowledge_answers(hub, node, lookup_id, whole_number("done"))
    hold_line(hub, node, lookup_id, lambda: relay.is_ready(hub, lookup_id))
    return answer(relay.read_progress(hub, node, lookup_id))


@node_doors.delete("/federation/lookups/<lookup_id>")
@describes()
def close_lookup(lookup_id: str) -> Response:
    """Delete a lookup's pages."""
    relay.close_lookup(the_hub(), authenticate(MemberKind.NODE), lookup_id)
    return Response(status=204)


@node_doors.get("/federation/manifests")
@describes(gives=WaitingManifests)
def send_waiting_manifests() -> Response:
    """Hand a node the manifests that wait for approvals, for the approvers of its own organisation to read there."""
    return answer(approving.list_waiting(the_hub(), authenticate(MemberKind.NODE)))


@node_doors.get("/federation/manifests/<query_id>")
@describes(gives=Envelope)
def send_manifest_to_node(query_id: str) -> Response:
    """Hand a node one manifest's exact bytes, for the same."""
    return answer(approving.find_for_approvers(the_hub(), authenticate(MemberKind.NODE), query_id).envelope)


@node_doors.post("/federation/manifests/<query_id>/approvals")
@describes(takes=Signature, gives=QueryStatus)
def accept_approval(query_id: str) -> Response:
    """Take in what an approver signed at a page of the node of their own organisation."""
    hub, node = the_hub(), authenticate(MemberKind.NODE)
    approver = approving.accept_approval(hub, node, query_id, read_body(Signature))
    settling.start_query(hub, query_id)
    return answer(standing.describe_query(hub, queries.find_query(hub, query_id, approver)))


@node_doors.post("/federation/manifests/<query_id>/refusals")
@describes(takes=ApproversRefusal, gives=QueryStatus)
def accept_refusal(query_id: str) -> Response:
    """Take in what an approver refused at a page of the node of their own organisation."""
    hub, node = the_hub(), authenticate(MemberKind.NODE)
    approver = approving.accept_refusal(hub, node, query_id, read_body(ApproversRefusal))
    return answer(standing.describe_query(hub, queries.find_query(hub, query_id, approver)))

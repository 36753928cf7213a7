"""The doors of secure sums: what nodes hand in ahead of questions, and for each sum.

A door reads the request, asks one room, and writes the answer. Handing in the same twice is no error anywhere. What a
node hands in for a sum can be answered with what waits for it next, as a poll is.
"""

from flask import Blueprint, Response

from federation.envelope import Envelope
from federation.register import Member, MemberKind
from federation.sums_exchange import (
    ContributionHandedIn,
    DealingsHandedIn,
    PairingsHandedIn,
    StatementSigned,
)
from federation.web.description import describes
from federation.wire import MAX_BATCH_BYTES
from hub.doors.nodes import answer_node, answers_as_a_poll
from hub.doors.request import authenticate, read_body, the_hub
from hub.sums import advancing, arrivals, complaints, prekeys, slots

sum_doors = Blueprint("sum_doors", __name__)

DONE = 204


@sum_doors.post("/federation/prekeys")
@describes(takes=Envelope)
def accept_prekey() -> Response:
    """Take in a node's prekey (P1)."""
    node = authenticate(MemberKind.NODE)
    prekeys.keep_prekey(the_hub(), node, read_body(Envelope))
    return Response(status=DONE)


@sum_doors.post("/federation/pairings")
@describes(takes=PairingsHandedIn)
def accept_pairings() -> Response:
    """Take in what a node has encapsulated to others (P3)."""
    node = authenticate(MemberKind.NODE)
    prekeys.keep_pairings(the_hub(), node, read_body(PairingsHandedIn))
    return Response(status=DONE)


@sum_doors.post("/federation/dealings")
@describes(takes=DealingsHandedIn)
def accept_dealings() -> Response:
    """Take in what a node has dealt (P4)."""
    node = authenticate(MemberKind.NODE, limit=MAX_BATCH_BYTES)
    slots.keep_dealings(the_hub(), node, read_body(DealingsHandedIn, MAX_BATCH_BYTES))
    return Response(status=DONE)


@sum_doors.post("/federation/complaints")
@describes(takes=Envelope)
def accept_complaint() -> Response:
    """Take in a node's word that it does not accept what another sent (P4)."""
    complaints.accept_complaint(the_hub(), authenticate(MemberKind.NODE), read_body(Envelope))
    return Response(status=DONE)


@sum_doors.post("/federation/sums/<digest>/contribution")
@answers_as_a_poll(ContributionHandedIn)
def accept_contribution(digest: str) -> Response:
    """Take in a masked vector (S4)."""
    node = authenticate(MemberKind.NODE, limit=MAX_BATCH_BYTES)
    arrivals.accept_contribution(the_hub(), node, digest, read_body(ContributionHandedIn, MAX_BATCH_BYTES))
    return _advance(node, digest)


@sum_doors.post("/federation/sums/<digest>/survivors")
@answers_as_a_poll(StatementSigned)
def accept_signature(digest: str) -> Response:
    """Take in a signature on a smaller survivor set (S6)."""
    node = authenticate(MemberKind.NODE)
    arrivals.accept_signature(the_hub(), node, digest, read_body(StatementSigned))
    return _advance(node, digest)


@sum_doors.post("/federation/sums/<digest>/reveal")
@answers_as_a_poll(Envelope)
def accept_reveal(digest: str) -> Response:
    """Take in a node's shares (S9)."""
    node = authenticate(MemberKind.NODE)
    arrivals.accept_reveal(the_hub(), node, digest, read_body(Envelope))
    return _advance(node, digest)


@sum_doors.post("/federation/sums/<digest>/abort")
@answers_as_a_poll(StatementSigned)
def accept_abort(digest: str) -> Response:
    """Take in a node's promise that an attempt is over (S12)."""
    node = authenticate(MemberKind.NODE)
    arrivals.accept_abort(the_hub(), node, digest, read_body(StatementSigned))
    return _advance(node, digest)


def _advance(node: Member, digest: str) -> Response:
    hub = the_hub()
    advancing.advance(hub, digest)
    return answer_node(hub, node)

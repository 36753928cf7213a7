"""The doors of the hub for members' software: `/federation` for nodes, `/api` for people's clients.

Every request is signed (RFC 9421) by an active member, and every refusal is a problem document (RFC 9457). A door
reads the request, asks one room of the hub, and writes the answer; it decides nothing else.
"""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, request

from federation.envelope import Signature
from federation.exchange import ApproversRefusal, CheckDecision, LookupBatch, QueryDraft, QueryList, Reason, RunDraft
from federation.http_signatures import ClocksApart, RequestUnsigned, verify_request
from federation.problems import ProblemRaised
from federation.register import Member, MemberKind, RegisterError
from federation.state import REGISTER_FILE, StateError
from federation.transport import CLOCKS_APART
from federation.wire import (
    MAX_BATCH_BYTES,
    MAX_DOCUMENT_BYTES,
    D,
    Document,
    WireError,
    decode_document,
    encode_document,
)
from federation.witnessing import WitnessReport
from hub import (
    approving,
    budgets,
    checks,
    dispatch,
    endings,
    projects,
    proofs,
    queries,
    relay,
    release,
    runs,
    sealing_keys,
    settling,
    sightings,
    witnessing,
)
from hub.dry_run import try_draft
from hub.service import Hub

doors = Blueprint("doors", __name__)

LAST_DELIVERY = 2**63 - 1
"""The largest number that a delivery can have."""

_NUMBER = re.compile(r"[0-9]{1,19}")


def the_hub() -> Hub:
    """The hub that this application serves."""
    hub: Hub = current_app.extensions["hub"]
    return hub


def authenticate(*kinds: MemberKind, limit: int = MAX_DOCUMENT_BYTES) -> Member:
    """Return the active member who signed this request, of a body of at most `limit` bytes, and use its nonce up.

    Raises a 401, 403 or 413 problem.
    """
    hub = the_hub()
    register, now = hub.register(), hub.clock()
    request.max_content_length = limit
    try:
        _check_address(hub)
        verified = verify_request(
            request.method,
            request.url,
            dict(request.headers),
            request.get_data,
            lambda member: register.find(member, now).public_signing_key,
            now=now,
        )
        member = register.find(verified.member_id, now)
    except (RequestUnsigned, RegisterError) as error:
        code = CLOCKS_APART if isinstance(error, ClocksApart) else "unsigned"
        raise ProblemRaised(401, code, str(error)) from None
    if kinds and member.kind not in kinds:
        raise ProblemRaised(403, "wrong_kind", f"this is for {' or '.join(kinds)} members, and you are a {member.kind}")
    hub.nonces.spend(f"{member.id} {verified.nonce}", now)
    return member


def _check_address(hub: Hub) -> None:
    """Refuse a request that was signed for another address: somebody else received it first, and passed it on."""
    own = urlsplit(hub.party.profile.hub).netloc
    if own and request.host.lower() != own.lower():
        raise RequestUnsigned(f"the request was made to another address than {own}, where members find this hub")


def hold_line(hub: Hub, member: Member, topic: str, ready: Callable[[], bool]) -> None:
    """Wait for as long as the caller asks, until `ready` holds. Raises a 401 problem for one revoked meanwhile."""
    hub.bell.wait_until(ready, wait_seconds(), topic=topic, holder=member.id)
    try:
        hub.register().find(member.id, hub.clock())
    except RegisterError as error:
        raise ProblemRaised(401, "unsigned", str(error)) from None


def read_body(kind: type[D], limit: int = MAX_DOCUMENT_BYTES) -> D:
    """Read the request's document. Raises a 400 problem."""
    try:
        return decode_document(request.get_data(cache=True), kind, limit=limit)
    except WireError as error:
        raise ProblemRaised(400, "malformed", str(error)) from None


def answer(document: Document, status: int = 200) -> Response:
    """Return a document as the response."""
    return Response(encode_document(document), status, content_type="application/json")


def wait_seconds() -> float:
    """How long the caller is ready to wait. Raises a 400 problem."""
    try:
        seconds = float(request.args.get("wait", "0"))
    except ValueError:
        seconds = -1.0
    # Not less than 0, and not "not a number", of which no comparison holds.
    if not seconds >= 0:
        raise ProblemRaised(400, "malformed", "wait is a number of seconds, 0 or more")
    return seconds


def whole_number(name: str) -> int:
    """Return a number that the caller gives, 0 where it gives none. Raises a 400 problem."""
    text = request.args.get(name, "0")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ProblemRaised(400, "malformed", f"{name} is a whole number, 0 or more")
    return int(text)


def read_numbers(name: str) -> tuple[int, ...]:
    """Return the delivery numbers that the caller gives, separated by commas. Raises a 400 problem."""
    words = request.args.get(name, "").split(",", dispatch.MOST_AT_ONCE - 1)
    numbers = tuple(int(word) for word in words if _NUMBER.fullmatch(word))
    if words != [""] and (len(numbers) != len(words) or max(numbers) > LAST_DELIVERY):
        most = dispatch.MOST_AT_ONCE
        raise ProblemRaised(400, "malformed", f"{name} is up to {most} delivery numbers, separated by commas")
    return numbers


@doors.get("/federation/register")
def send_register() -> Response:
    """Hand out the register as the root signed it; whoever reads it verifies it under their own pinned root."""
    try:
        data = (the_hub().party.directory / REGISTER_FILE).read_bytes()
    except OSError:
        raise StateError("no register has been adopted yet") from None
    return Response(data, content_type="application/json")


@doors.get("/federation/inbox")
def send_inbox() -> Response:
    """Hand a node what waits for it, and note that it is here."""
    hub, node = the_hub(), authenticate(MemberKind.NODE)
    sightings.note_sighting(hub, node, request.headers.get("User-Agent", ""), hub.clock())
    return _hand_out(hub, node)


def _hand_out(hub: Hub, node: Member) -> Response:
    """Take out of the node's inbox what it is done with, and hold the line until something else waits for it."""
    if done := read_numbers("done"):
        dispatch.finish_deliveries(hub, node, done)
    settling.settle_due(hub, hub.clock())
    hold_line(hub, node, node.id, lambda: dispatch.has_deliveries(hub, node, hub.clock()))
    return answer(dispatch.read_inbox(hub, node, hub.clock()))


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


@doors.post("/federation/replies")
def accept_reply() -> Response:
    """Take in a node's signed reply, and release the query if it was the last one awaited."""
    hub, node = the_hub(), authenticate(MemberKind.NODE)
    reply = dispatch.accept_reply(hub, node, request.get_data(cache=True))
    settling.note_reply(hub, reply)
    return Response(status=204)


@doors.put("/federation/sealing-key")
def accept_sealing_key() -> Response:
    """Take in a node's newest sealing key."""
    sealing_keys.publish_key(the_hub(), authenticate(MemberKind.NODE), request.get_data(cache=True))
    return Response(status=204)


@doors.put("/federation/budget")
def accept_budget() -> Response:
    """Take in what a node states of its privacy budget."""
    budgets.keep_statement(the_hub(), authenticate(MemberKind.NODE), request.get_data(cache=True))
    return Response(status=204)


@doors.post("/federation/witnessing")
def exchange_witnessing() -> Response:
    """Take in what a node signed of others' logs and shows of its own; hand it what it is asked to sign, and has."""
    hub, node = the_hub(), authenticate(MemberKind.NODE)
    return answer(witnessing.exchange_reports(hub, node, read_body(WitnessReport)))


@doors.get("/federation/sealing-keys")
def send_sealing_keys() -> Response:
    """Hand out the newest sealing key of each node; whoever seals to one verifies it."""
    authenticate(MemberKind.NODE)
    return answer(sealing_keys.list_keys(the_hub()))


@doors.post("/federation/lookups")
def open_lookup() -> Response:
    """Take in the sealed requests of a lookup."""
    node = authenticate(MemberKind.NODE, limit=MAX_BATCH_BYTES)
    relay.open_lookup(the_hub(), node, read_body(LookupBatch, MAX_BATCH_BYTES))
    return Response(status=201)


@doors.post("/federation/lookups/<lookup_id>/answer")
def accept_answer(lookup_id: str) -> Response:
    """Take in one node's sealed answer."""
    relay.accept_answer(the_hub(), authenticate(MemberKind.NODE), lookup_id, request.get_data(cache=True))
    return Response(status=204)


@doors.get("/federation/lookups/<lookup_id>")
def send_lookup(lookup_id: str) -> Response:
    """Delete the answers that the node that asked says it has, and hand it the others, waiting for the rest."""
    hub, node = the_hub(), authenticate(MemberKind.NODE)
    relay.acknowledge_answers(hub, node, lookup_id, whole_number("done"))
    hold_line(hub, node, lookup_id, lambda: relay.is_ready(hub, lookup_id))
    return answer(relay.read_progress(hub, node, lookup_id))


@doors.delete("/federation/lookups/<lookup_id>")
def close_lookup(lookup_id: str) -> Response:
    """Delete a lookup's pages."""
    relay.close_lookup(the_hub(), authenticate(MemberKind.NODE), lookup_id)
    return Response(status=204)


@doors.get("/federation/manifests")
def send_waiting_manifests() -> Response:
    """Hand a node the manifests that wait for approvals, for the approvers of its own organisation to read there."""
    return answer(approving.list_waiting(the_hub(), authenticate(MemberKind.NODE)))


@doors.get("/federation/manifests/<query_id>")
def send_manifest_to_node(query_id: str) -> Response:
    """Hand a node one manifest's exact bytes, for the same."""
    return answer(approving.find_for_approvers(the_hub(), authenticate(MemberKind.NODE), query_id).envelope)


@doors.post("/federation/manifests/<query_id>/approvals")
def accept_approval(query_id: str) -> Response:
    """Take in what an approver signed at a page of the node of their own organisation."""
    hub, node = the_hub(), authenticate(MemberKind.NODE)
    approver = approving.accept_approval(hub, node, query_id, read_body(Signature))
    settling.start_sum(hub, query_id)
    return answer(queries.describe_query(hub, queries.find_query(hub, query_id, approver)))


@doors.post("/federation/manifests/<query_id>/refusals")
def accept_refusal(query_id: str) -> Response:
    """Take in what an approver refused at a page of the node of their own organisation."""
    hub, node = the_hub(), authenticate(MemberKind.NODE)
    approver = approving.accept_refusal(hub, node, query_id, read_body(ApproversRefusal))
    return answer(queries.describe_query(hub, queries.find_query(hub, query_id, approver)))


@doors.post("/api/queries")
def draft_query() -> Response:
    """Check a draft and make its manifest."""
    hub, asker = the_hub(), authenticate()
    query_id = queries.draft_query(hub, read_body(QueryDraft), asker)
    return answer(queries.describe_query(hub, queries.find_query(hub, query_id, asker)), 201)


@doors.post("/api/dry-runs")
def try_query() -> Response:
    """Answer a question on the hub's made-up England."""
    asker = authenticate()
    return answer(try_draft(the_hub(), read_body(QueryDraft), asker))


@doors.post("/api/runs")
def draft_run() -> Response:
    """Make the manifest of a run of an approved template."""
    hub, asker = the_hub(), authenticate()
    query_id = runs.draft_run(hub, read_body(RunDraft), asker)
    return answer(queries.describe_query(hub, queries.find_query(hub, query_id, asker)), 201)


@doors.get("/api/queries")
def list_queries() -> Response:
    """List the queries that the caller may see."""
    return answer(QueryList(queries=queries.list_queries(the_hub(), authenticate())))


@doors.get("/api/queries/<query_id>")
def send_status(query_id: str) -> Response:
    """Say where a query stands, holding the line until it moves."""
    hub, reader = the_hub(), authenticate()
    settling.settle_due(hub, hub.clock())
    before = queries.measure_progress(hub, query_id)
    if queries.TRANSITIONS[queries.find_query(hub, query_id, reader).state]:
        hold_line(hub, reader, query_id, lambda: queries.measure_progress(hub, query_id) != before)
    return answer(queries.describe_query(hub, queries.find_query(hub, query_id, reader)))


@doors.get("/api/budget/<project>/<academic_year>")
def send_budget(project: str, academic_year: str) -> Response:
    """Say how much privacy loss a project's next question about a year may cost."""
    return answer(queries.find_budget(the_hub(), project, academic_year, authenticate()))


@doors.get("/api/projects/<name>")
def send_project(name: str) -> Response:
    """Hand one of its people a project as it stands."""
    return answer(projects.find_project(the_hub(), name, authenticate().id))


@doors.get("/api/queries/<query_id>/manifest")
def send_manifest(query_id: str) -> Response:
    """Hand out a manifest's exact bytes with the signatures collected so far."""
    return answer(queries.find_query(the_hub(), query_id, authenticate()).envelope)


@doors.post("/api/queries/<query_id>/signatures")
def accept_signature(query_id: str) -> Response:
    """Take in the caller's own signature over a manifest."""
    hub, signer = the_hub(), authenticate()
    queries.sign_query(hub, query_id, read_body(Signature), signer)
    settling.start_sum(hub, query_id)
    return answer(queries.describe_query(hub, queries.find_query(hub, query_id, signer)))


@doors.post("/api/queries/<query_id>/withdrawal")
def withdraw_query(query_id: str) -> Response:
    """Take a query back, for the reason that its asker gives."""
    hub, asker = the_hub(), authenticate()
    endings.withdraw_query(hub, query_id, read_body(Reason).reason, asker)
    return answer(queries.describe_query(hub, queries.find_query(hub, query_id, asker)))


@doors.post("/api/queries/<query_id>/refusal")
def refuse_query(query_id: str) -> Response:
    """Refuse a query, for the reason that an approver gives."""
    hub, approver = the_hub(), authenticate()
    endings.refuse_query(hub, query_id, read_body(Reason).reason, approver)
    return answer(queries.describe_query(hub, queries.find_query(hub, query_id, approver)))


@doors.post("/api/queries/<query_id>/notice")
def give_notice(query_id: str) -> Response:
    """Say of a release that it is withdrawn, for the reason that an output checker gives."""
    hub, checker = the_hub(), authenticate()
    endings.give_notice(hub, query_id, read_body(Reason).reason, checker)
    return answer(queries.describe_query(hub, queries.find_query(hub, query_id, checker)))


@doors.get("/api/checks")
def list_checks() -> Response:
    """List the releases that wait for an output checker, with what was found."""
    return answer(checks.list_checks(the_hub(), authenticate()))


@doors.post("/api/checks/<query_id>")
def decide_check(query_id: str) -> Response:
    """Take in what an output checker decides."""
    hub, checker = the_hub(), authenticate()
    release.decide_release(hub, query_id, read_body(CheckDecision), checker, hub.clock())
    return Response(status=204)


@doors.get("/api/queries/<query_id>/proof")
def send_proof(query_id: str) -> Response:
    """Hand out the proof that the release of a query stands in the hub's log."""
    hub, reader = the_hub(), authenticate()
    proof = proofs.prove_release(hub, queries.find_query(hub, query_id, reader))
    return Response(proof, content_type="text/plain; charset=utf-8")


@doors.get("/api/queries/<query_id>/release")
def send_release(query_id: str) -> Response:
    """Hand out the release of a query: to whoever may see the query, and to the nodes that it was asked of."""
    hub, reader = the_hub(), authenticate()
    document = release.find_release(hub, queries.find_for_release(hub, query_id, reader))
    return Response(document, content_type="application/json")

"""The doors of people: asking, signing, following, checking and reading, each by the software of who does it."""

from flask import Blueprint, Response

from audit.proof import SUFFIX
from federation.envelope import Envelope, Signature
from federation.exchange import (
    BudgetLeft,
    CheckDecision,
    CheckList,
    ExplainedStates,
    ForeseenCheck,
    QueryDraft,
    QueryList,
    QueryStatus,
    Reason,
    ReleaseDocument,
    ReleaseStanding,
    RunDraft,
    SignedRefusals,
    TriedOut,
)
from federation.project import Project
from federation.register import Member
from federation.web.description import describes
from hub import (
    budgets,
    checks,
    deciding,
    dispatch,
    drafting,
    endings,
    projects,
    proofs,
    queries,
    release,
    runs,
    settling,
    signing,
    standing,
)
from hub.copies import record_copy
from hub.doors.request import SEEN, WAIT, answer, authenticate, hold_line, read_body, read_seen, the_hub
from hub.dry_run import try_draft
from hub.query_states import TRANSITIONS, explain_states

people_doors = Blueprint("people_doors", __name__)


@people_doors.post("/api/queries")
@describes(takes=QueryDraft, gives=QueryStatus, status=201)
def draft_query() -> Response:
    """Check a draft and make its manifest."""
    hub, asker = the_hub(), authenticate()
    query_id = drafting.draft_query(hub, read_body(QueryDraft), asker)
    return answer(standing.describe_query(hub, queries.find_query(hub, query_id, asker)), 201)


@people_doors.post("/api/dry-runs")
@describes(takes=QueryDraft, gives=TriedOut)
def try_query() -> Response:
    """Answer a question on the hub's made-up England."""
    asker = authenticate()
    return answer(try_draft(the_hub(), read_body(QueryDraft), asker))


@people_doors.post("/api/runs")
@describes(takes=RunDraft, gives=QueryStatus, status=201)
def draft_run() -> Response:
    """Make the manifest of a run of an approved template."""
    hub, asker = the_hub(), authenticate()
    query_id = runs.draft_run(hub, read_body(RunDraft), asker)
    return answer(standing.describe_query(hub, queries.find_query(hub, query_id, asker)), 201)


@people_doors.get("/api/queries")
@describes(gives=QueryList)
def list_queries() -> Response:
    """List the queries that the caller may see."""
    return answer(QueryList(queries=standing.list_queries(the_hub(), authenticate())))


@people_doors.get("/api/query-states")
@describes(gives=ExplainedStates)
def send_states() -> Response:
    """Say of every state that a query can be in what it means and whether it stays in it."""
    authenticate()
    return answer(explain_states())


@people_doors.get("/api/queries/<query_id>")
@describes(gives=QueryStatus, query={**WAIT, **SEEN})
def send_status(query_id: str) -> Response:
    """Say where a query stands, holding the line until it is further than the caller saw it last, or than it is."""
    hub, reader, seen = the_hub(), authenticate(), read_seen()
    settling.settle_due(hub, hub.clock())
    before = standing.measure_progress(hub, query_id)
    query = queries.find_query(hub, query_id, reader)
    status = standing.describe_query(hub, query)
    # What moves between two requests of whoever watches has moved before the second: only they know what they saw.
    if TRANSITIONS[query.state] and seen in (None, status.progress):
        hold_line(hub, reader, query_id, lambda: standing.measure_progress(hub, query_id) != before)
        status = standing.describe_query(hub, queries.find_query(hub, query_id, reader))
    return answer(status)


@people_doors.get("/api/budget/<project>/<academic_year>")
@describes(gives=BudgetLeft)
def send_budget(project: str, academic_year: str) -> Response:
    """Say how much privacy loss a project's next question about a year may cost."""
    return answer(budgets.find_budget(the_hub(), project, academic_year, authenticate()))


@people_doors.get("/api/projects/<name>")
@describes(gives=Project)
def send_project(name: str) -> Response:
    """Hand one of its people a project as it stands."""
    return answer(projects.find_project(the_hub(), name, authenticate().id))


@people_doors.get("/api/queries/<query_id>/manifest")
@describes(gives=Envelope)
def send_manifest(query_id: str) -> Response:
    """Hand out a manifest's exact bytes with the signatures collected so far: once released, to whoever reads that."""
    return answer(queries.find_for_verifying(the_hub(), query_id, authenticate()).envelope)


@people_doors.post("/api/queries/<query_id>/signatures")
@describes(takes=Signature, gives=QueryStatus)
def accept_signature(query_id: str) -> Response:
    """Take in the caller's own signature over a manifest."""
    hub, signer = the_hub(), authenticate()
    signing.sign_query(hub, query_id, read_body(Signature), signer)
    settling.start_query(hub, query_id)
    return answer(standing.describe_query(hub, queries.find_query(hub, query_id, signer)))


@people_doors.post("/api/queries/<query_id>/withdrawal")
@describes(takes=Reason, gives=QueryStatus)
def withdraw_query(query_id: str) -> Response:
    """Take a query back, for the reason that its asker gives."""
    hub, asker = the_hub(), authenticate()
    endings.withdraw_query(hub, query_id, read_body(Reason).reason, asker)
    return answer(standing.describe_query(hub, queries.find_query(hub, query_id, asker)))


@people_doors.post("/api/queries/<query_id>/refusal")
@describes(takes=Reason, gives=QueryStatus)
def refuse_query(query_id: str) -> Response:
    """Refuse a query, for the reason that an approver gives."""
    hub, approver = the_hub(), authenticate()
    endings.refuse_query(hub, query_id, read_body(Reason).reason, approver)
    return answer(standing.describe_query(hub, queries.find_query(hub, query_id, approver)))


@people_doors.get("/api/queries/<query_id>/refusals")
@describes(gives=SignedRefusals)
def send_refusals(query_id: str) -> Response:
    """Hand out the refusals of a query as the nodes signed them, to whoever is told of them."""
    hub, reader = the_hub(), authenticate()
    query = queries.find_query(hub, query_id, reader)
    return answer(SignedRefusals(refusals=dispatch.read_refusals(hub, query.digest)))


@people_doors.get("/api/queries/<query_id>/foreseen-check")
@describes(gives=ForeseenCheck)
def foresee_check(query_id: str) -> Response:
    """Say whether what a query asks for will wait for an output checker, and why."""
    hub, reader = the_hub(), authenticate()
    return answer(checks.foresee_check(hub, queries.find_query(hub, query_id, reader)))


@people_doors.post("/api/queries/<query_id>/notice")
@describes(takes=Reason, gives=QueryStatus)
def give_notice(query_id: str) -> Response:
    """Say of a release that it is withdrawn, for the reason that an output checker gives."""
    hub, checker = the_hub(), authenticate()
    endings.give_notice(hub, query_id, read_body(Reason).reason, checker)
    return answer(standing.describe_query(hub, queries.find_query(hub, query_id, checker)))


@people_doors.get("/api/checks")
@describes(gives=CheckList)
def list_checks() -> Response:
    """List the releases that wait for an output checker, with what was found."""
    return answer(checks.list_checks(the_hub(), authenticate()))


@people_doors.post("/api/checks/<query_id>")
@describes(takes=CheckDecision)
def decide_check(query_id: str) -> Response:
    """Take in what an output checker decides."""
    hub, checker = the_hub(), authenticate()
    deciding.decide_release(hub, query_id, read_body(CheckDecision), checker)
    return Response(status=204)


@people_doors.get("/api/queries/<query_id>/proof")
@describes(gives="text/plain")
def send_proof(query_id: str) -> Response:
    """Hand out the proof that the release of a query stands in the hub's log."""
    hub, reader = the_hub(), authenticate()
    proof = proofs.prove_release(hub, queries.find_for_release(hub, query_id, reader))
    _record_copy(query_id, reader, SUFFIX.removeprefix("."))
    return Response(proof, content_type="text/plain; charset=utf-8")


@people_doors.get("/api/queries/<query_id>/release")
@describes(gives=ReleaseDocument)
def send_release(query_id: str) -> Response:
    """Hand out the release of a query: to whoever may have safe aggregates, and to the nodes that it was asked of."""
    hub, reader = the_hub(), authenticate()
    document = release.find_release(hub, queries.find_for_release(hub, query_id, reader))
    _record_copy(query_id, reader, "json")
    return Response(document, content_type="application/json")


@people_doors.get("/api/queries/<query_id>/preset")
@describes(gives="application/json")
def send_rules(query_id: str) -> Response:
    """Hand out the rules of the preset that protects a query, to whoever may have its manifest."""
    hub, reader = the_hub(), authenticate()
    rules = release.find_rules(hub, queries.find_for_verifying(hub, query_id, reader))
    return Response(rules, content_type="application/json")


@people_doors.get("/api/releases/<cited>")
@describes(gives=ReleaseStanding)
def send_standing(cited: str) -> Response:
    """Say which query a release answers and whether it still stands, by its own id or its query's."""
    return answer(release.find_standing(the_hub(), cited, authenticate()))


def _record_copy(query_id: str, reader: Member, form: str) -> None:
    standing = release.find_standing(the_hub(), query_id, reader)
    record_copy(the_hub(), reader, form=form, reference=query_id, release=standing.release_id)

"""Where queries stand: the list of those that a visitor may see, and one query step by step."""

from flask import Blueprint, render_template

from federation.endings import describe_act
from federation.exchange import QueryState, QueryStatus
from federation.manifest import SUM_PATHS, Manifest
from federation.problems import ProblemRaised
from federation.reading import LEAVES_BY, describe_protection, describe_terms
from federation.register import Member
from federation.web.site import allow_script
from hub import standing
from hub.checks import foresee_check
from hub.pages.journey import list_signers, list_steps
from hub.pages.visitor import may, may_ask, may_list_queries, require_visitor, require_visitor_who, the_hub
from hub.queries import StoredQuery, find_query
from hub.query_states import TRANSITIONS
from hub.settling import settle_due
from hub.sums.progress import describe_sum
from query_engine.geography import load_authorities
from query_engine.wording.description import Paragraph, describe_plan

queries = Blueprint("queries", __name__)

OUTCOMES = {
    "answered": ("Answered", "green"),
    "refused": ("Refused", "red"),
    "held": ("Held by its officer", "yellow"),
    "awaited": ("Awaited", "grey"),
}
"""What the page says of a node's outcome, and in which colour."""


@queries.get("/queries")
def show_queries() -> str:
    """List the queries that the visitor may see."""
    visitor = require_visitor_who(may_list_queries, "you may open a query whose address you were given, and list none")
    listed = standing.list_queries(the_hub(), visitor)
    released = sum(each.state is QueryState.RELEASED for each in listed)
    withdrawn = standing.list_withdrawn(the_hub(), visitor)
    return render_template(
        "queries.html", queries=listed, withdrawn=withdrawn, may_ask=may_ask(visitor), released=released
    )


@queries.get("/queries/<query_id>")
def show_query(query_id: str) -> str:
    """Show where one query stands."""
    hub, visitor = the_hub(), require_visitor()
    settle_due(hub, hub.clock())
    query = find_query(hub, query_id, visitor)
    status = standing.describe_query(hub, query)
    moving = bool(TRANSITIONS[status.state])
    if moving:
        allow_script(asking=True)
    dead_end = standing.describe_dead_end(hub, query)
    is_draft = query.state is QueryState.DRAFTED and not dead_end
    progress = describe_sum(hub, query) if query.manifest.path in SUM_PATHS else None
    return render_template(
        "query.html",
        status=status,
        manifest=query.manifest,
        described=_describe_plan(query),
        leaves=describe_leaving(query.manifest),
        protection=describe_protection(query.manifest),
        steps=list_steps(status, hub.party.member_id, progress, is_run=bool(query.manifest.template)),
        signers=list_signers(status, hub.register().members),
        command="" if dead_end else _next_command(visitor, status.state, status.asker, status.signers),
        dead_end=dead_end,
        will_wait=foresee_check(hub, query).reason if is_draft else "",
        moving=moving,
        ended=describe_act(status.ending, hub.party.member_id) if status.ending else "",
        counted=count_answers(status),
        asks_again=may_ask(visitor),
        outcomes=OUTCOMES,
        authorities=load_authorities(),
    )


def count_answers(status: QueryStatus) -> str:
    """Return in a sentence how many authorities stand where."""
    counts = {outcome: sum(node.outcome == outcome for node in status.nodes) for outcome in OUTCOMES}
    told = (f"{counts[outcome]} {words.lower()}" for outcome, (words, _) in OUTCOMES.items() if counts[outcome])
    return f"{', '.join(told)}, of {len(status.nodes)} in all."


def describe_leaving(manifest: Manifest) -> list[Paragraph]:
    """Return by which path a query's figures leave the authorities and on what terms, as its approvers read it."""
    leaving: list[Paragraph] = [("Leaves by", [f"{manifest.path}: {LEAVES_BY[manifest.path]}"])]
    return leaving if manifest.sum is None else [*leaving, *describe_terms(manifest.sum, len(manifest.roster))]


def _describe_plan(query: StoredQuery) -> list[Paragraph]:
    """Return the plan in words, or its id alone where the catalogue of today plans the question no more."""
    try:
        return describe_plan(query.plan)
    except ProblemRaised:
        return [("Plan", [f"{query.manifest.plan_id}, under catalogue version {query.manifest.catalogue_version}"])]


def _next_command(visitor: Member, state: QueryState, asker: str, signers: tuple[str, ...]) -> str:
    """Return the command by which the visitor takes the query on, on their own machine; empty where they cannot."""
    if state is QueryState.DRAFTED and visitor.id == asker:
        return "circe query sign"
    if (
        state is QueryState.SUBMITTED
        and visitor.id not in signers
        and may(visitor, "federation", "approve", "manifest")
    ):
        return "circe approve"
    return ""

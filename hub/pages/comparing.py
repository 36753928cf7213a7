"""The page on which two releases stand side by side: one's own to choose from, others by their address."""

from flask import Blueprint, render_template, request

from federation.comparison import Side, compare, read_side
from federation.exchange import QueryState, QueryStatus, ReleaseDocument
from federation.problems import ProblemRaised
from federation.register import Member
from federation.wire import MAX_BATCH_BYTES, decode_document
from hub.pages.visitor import require_visitor, the_hub
from hub.queries import find_for_release
from hub.release import find_release
from hub.standing import list_queries

comparing = Blueprint("comparing", __name__)

ROWS_COMPARED = 400
"""Rows of a comparison that the page shows."""


@comparing.get("/compare")
def show_comparison() -> str:
    """Choose two releases, or show two that are chosen."""
    visitor = require_visitor()
    first, second = request.args.get("first", ""), request.args.get("second", "")
    sides = _read_sides(first, second, visitor) if first and second else None
    choices = _list_choices(visitor, first, second)
    return render_template(
        "compare.html",
        choices=choices,
        first=first,
        second=second,
        sides=sides,
        found=compare(*sides) if sides else None,
        most=ROWS_COMPARED,
    )


def list_released(visitor: Member) -> list[QueryStatus]:
    """Return the released queries that the visitor may see, newest first."""
    return [each for each in list_queries(the_hub(), visitor) if each.state is QueryState.RELEASED]


def _list_choices(visitor: Member, *given: str) -> list[tuple[str, str]]:
    """Return what there is to choose from: the visitor's own, and before them somebody else's that was given."""
    own = {each.query_id: name_choice(each) for each in list_released(visitor)}
    others = [find_for_release(the_hub(), query_id, visitor) for query_id in given if query_id not in {"", *own}]
    named = {each.query_id: f"{each.manifest.purpose[:60]} ({each.query_id})" for each in others}
    return list({**named, **own}.items())


def name_choice(status: QueryStatus) -> str:
    """Return how a released query is offered for choice."""
    return f"{status.purpose[:60]} ({status.query_id})"


def _read_sides(first: str, second: str, visitor: Member) -> tuple[Side, Side]:
    if first == second:
        raise ProblemRaised(404, "same_release", "choose two different releases to compare")
    return _read_side(first, visitor), _read_side(second, visitor)


def _read_side(query_id: str, visitor: Member) -> Side:
    """Read one side. Raises a 404 problem for a query that has no table that the visitor may have."""
    hub = the_hub()
    query = find_for_release(hub, query_id, visitor)
    document = decode_document(find_release(hub, query), ReleaseDocument, limit=MAX_BATCH_BYTES)
    side = read_side(document, query.manifest, hub.party.presets)
    if side is None:
        raise ProblemRaised(404, "no_table", "models are not compared term by term: read them one after the other")
    return side

"""The node's audit log, for the authority's information governance officer. That it is read is logged first."""

from typing import Any

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from audit.event import Action
from federation.web.description import describes
from federation.web.log_copies import take_found, take_whole, verify_party_log
from federation.web.log_page import Door, render_log
from federation.web.log_search import LogQuery, read_query, read_tokens
from federation.witnessing import WITNESSES_OF_A_NODE
from node.disclosures.numbers import complete_numbers
from node.disclosures.tokens import list_tokens
from node.pages.staff import may, may_read_log, require_visitor_who, the_node
from node.people import Person

audit = Blueprint("audit", __name__)

NOT_YOURS = "the log is for this authority's information governance officer"
NOT_TO_TAKE = "the log may be read by your role, and not taken away"


@audit.get("/audit")
def show_log() -> str:
    """Show a page of the log, newest entry first, and the newest checkpoint."""
    visitor, query = require_visitor_who(may_read_log, NOT_YOURS), read_query(request.args)
    _record(visitor, query)
    return render_log(the_node().database.connection, query, _door(visitor))


@audit.post("/audit")
def search_log() -> AnyResponse | str:
    """Look for a child, who is no part of an address; whatever else is looked for has an address of its own."""
    visitor, query = require_visitor_who(may_read_log, NOT_YOURS), _read_form()
    if not query.search.subjects:
        return redirect(query.address(query.before), 303)
    _record(visitor, query)
    return render_log(the_node().database.connection, query, _door(visitor))


@audit.post("/audit/verify")
def verify() -> str:
    """Verify the log whole, and show the same page with what came of it."""
    visitor, query = require_visitor_who(may_read_log, NOT_YOURS), _read_form()
    _record(visitor, query, verified=True)
    verdict = verify_party_log(the_node().party)
    return render_log(the_node().database.connection, query, _door(visitor), verdict=verdict)


@audit.post("/audit/found")
@describes(gives=("text/csv", "application/json"))
def take_away_found() -> Response:
    """Let what was found be taken away as a file, once that is logged."""
    visitor, query = require_visitor_who(may_export_log, NOT_TO_TAKE), _read_form()
    response = take_found(the_node().database.connection, query, request.form.get("form", ""))
    _record(visitor, query, Action.AUDIT_EXPORTED, form=request.form["form"])
    return response


@audit.post("/audit/whole")
@describes(gives="application/octet-stream")
def take_away_whole() -> Response:
    """Let the whole log be taken away, once that is logged: the entry is in the file."""
    visitor = require_visitor_who(may_export_log, NOT_TO_TAKE)
    _record(visitor, read_query({}), Action.AUDIT_EXPORTED, form="whole")
    return take_whole(the_node().party.directory)


def may_export_log(visitor: Person) -> bool:
    """Whether somebody may take the log away, or parts of it."""
    return may_read_log(visitor) and may(visitor, "own_organisation", "export", "audit_log")


def _door(visitor: Person) -> Door:
    return Door(quorum=WITNESSES_OF_A_NODE, seeks_children=True, may_export=may_export_log(visitor))


def _read_form() -> LogQuery:
    """Return what a form looks for; a child by the number that was typed, or by the tokens that the page sent back."""
    node, number = the_node(), request.form.get("child", "").strip()
    if number:
        subjects = list_tokens(node, complete_numbers(node, [number]))
    else:
        subjects = read_tokens(request.form.getlist("subject"))
    return read_query(request.form, subjects)


def _record(visitor: Person, query: LogQuery, action: Action = Action.AUDIT_READ, **more: Any) -> None:
    node = the_node()
    node.record(node.event(action, f"{visitor.id} ({visitor.role})", "", **query.search.details(), **more))

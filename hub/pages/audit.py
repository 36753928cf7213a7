"""The audit log of the hub, for those whom the access matrix lets read it. That it is read is logged first."""

from typing import Any

from flask import Blueprint, Response, request

from audit.event import Action
from federation.register import Member
from federation.web.description import describes
from federation.web.log_copies import take_found, take_whole, verify_party_log
from federation.web.log_page import Door, render_log
from federation.web.log_search import LogQuery, read_query
from federation.witnessing import find_quorum
from hub.copies import record_copy
from hub.pages.visitor import may, may_read_log, require_visitor_who, the_hub

audit = Blueprint("audit", __name__)

NOT_YOURS = "the hub's log is for the information governance officers of the organisation that runs the hub"
NOT_TO_TAKE = "the hub's log may be read by you, and not taken away"


@audit.get("/audit")
def show_log() -> str:
    """Show a page of the log, newest entry first, and the newest checkpoint."""
    visitor, query = require_visitor_who(may_read_log, NOT_YOURS), read_query(request.args)
    record_reading(visitor, query)
    return render_log(the_hub().database.connection, query, _door(visitor))


@audit.post("/audit/verify")
def verify() -> str:
    """Verify the log whole, and show the same page with what came of it."""
    visitor, query = require_visitor_who(may_read_log, NOT_YOURS), read_query(request.form)
    record_reading(visitor, query, verified=True)
    verdict = verify_party_log(the_hub().party)
    return render_log(the_hub().database.connection, query, _door(visitor), verdict=verdict)


@audit.post("/audit/found")
@describes(gives=("text/csv", "application/json"))
def take_away_found() -> Response:
    """Let what was found be taken away as a file, once that is logged."""
    visitor, query = require_visitor_who(may_export_log, NOT_TO_TAKE), read_query(request.form)
    response = take_found(the_hub().database.connection, query, request.form.get("form", ""))
    _record_copy(visitor, query, request.form["form"])
    return response


@audit.post("/audit/whole")
@describes(gives="application/octet-stream")
def take_away_whole() -> Response:
    """Let the whole log be taken away, once that is logged: the entry is in the file."""
    visitor = require_visitor_who(may_export_log, NOT_TO_TAKE)
    _record_copy(visitor, read_query({}), "whole")
    return take_whole(the_hub().party.directory)


def may_export_log(visitor: Member) -> bool:
    """Whether a member may take the log away, or parts of it: of their own organisation alone."""
    own = visitor.organisation == the_hub().party.profile.organisation
    return own and may_read_log(visitor) and may(visitor, "own_organisation", "export", "audit_log")


def record_reading(visitor: Member, query: LogQuery, **more: Any) -> None:
    """Log that a visitor reads the log, and what they look for."""
    hub = the_hub()
    with hub.database.transaction() as connection:
        hub.database.log.append(
            connection, hub.event(Action.AUDIT_READ, visitor.id, "", **query.search.details(), **more)
        )


def _record_copy(visitor: Member, query: LogQuery, form: str) -> None:
    record_copy(the_hub(), visitor, form=form, action=Action.AUDIT_EXPORTED, **query.search.details())


def _door(visitor: Member) -> Door:
    hub = the_hub()
    quorum = find_quorum(hub.register(), hub.party.member_id, hub.clock())
    return Door(quorum=quorum, links_queries=True, may_export=may_export_log(visitor))

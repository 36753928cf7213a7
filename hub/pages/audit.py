"""The audit log of the hub, for those whom the access matrix lets read it. That it is read is logged first."""

from flask import Blueprint, request

from audit.event import Action
from federation.register import Member
from federation.web.log_page import Search, read_search, render_log
from federation.witnessing import find_quorum
from hub.pages.visitor import may_read_log, require_visitor_who, the_hub

audit = Blueprint("audit", __name__)

NOT_YOURS = "the hub's log is for the information governance officers of the organisation that runs the hub"


@audit.get("/audit")
def show_log() -> str:
    """Show a page of the log, newest entry first, and the newest checkpoint."""
    visitor = require_visitor_who(may_read_log, NOT_YOURS)
    search = read_search(request.args)
    record_reading(visitor, search)
    hub = the_hub()
    quorum = find_quorum(hub.register(), hub.party.member_id, hub.clock())
    return render_log(hub.database.connection, search, quorum=quorum, links_queries=True)


def record_reading(visitor: Member, search: Search) -> None:
    """Log that a visitor reads the log, and what they look for."""
    hub = the_hub()
    with hub.database.transaction() as connection:
        hub.database.log.append(connection, hub.event(Action.AUDIT_READ, visitor.id, "", **search.details()))

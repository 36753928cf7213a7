"""The node's audit log, for the authority's information governance officer. That it is read is logged first."""

from flask import Blueprint, request

from audit.event import Action
from federation.web.log_page import read_search, render_log
from federation.witnessing import WITNESSES_OF_A_NODE
from node.pages.staff import may_read_log, require_visitor_who, the_node

audit = Blueprint("audit", __name__)

NOT_YOURS = "the log is for this authority's information governance officer"


@audit.get("/audit")
def show_log() -> str:
    """Show a page of the log, newest entry first, and the newest checkpoint."""
    visitor, node = require_visitor_who(may_read_log, NOT_YOURS), the_node()
    search = read_search(request.args)
    node.record(node.event(Action.AUDIT_READ, f"{visitor.id} ({visitor.role})", "", **search.details()))
    return render_log(node.database.connection, search, quorum=WITNESSES_OF_A_NODE)

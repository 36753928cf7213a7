"""A breach, or the drill of one, by a node's own log: for the authority's information governance officer."""

from flask import Blueprint

from audit.event import Action
from federation.breach_notice import Notifier
from federation.web.breach_page import Page, Scene, ask_what, show_drill
from node.pages.staff import may_read_log, require_visitor_who, the_node

breach = Blueprint("breach", __name__)

NOT_YOURS = "the breach drill is for this authority's information governance officer"


@breach.get("/breach")
def show_form() -> Page:
    """Ask what was stolen, and when it may have been used."""
    return ask_what(_open())


@breach.post("/breach")
def drill() -> Page:
    """Show what it touched, what to do, and the draft; sign, send and change nothing."""
    return show_drill(_open())


def _open() -> Scene:
    visitor, node = require_visitor_who(may_read_log, NOT_YOURS), the_node()
    reader = f"{visitor.id} ({visitor.role})"
    return Scene(
        log=node.party.member_id,
        connection=node.database.connection,
        register=node.register,
        record=lambda words: node.record(node.event(Action.AUDIT_READ, reader, "", drill=words)),
        notifier=Notifier(node.party.profile.title, node.rules().lookups.contact),
        now=node.clock(),
        has_people=True,
    )

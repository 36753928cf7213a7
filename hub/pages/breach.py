"""A breach, or the drill of one, by the hub's own log: for whoever may read that log."""

from flask import Blueprint

from audit.event import Action
from federation.breach_notice import Notifier
from federation.web.breach_page import Page, Scene, ask_what, show_drill
from hub.pages.visitor import may_read_log, require_visitor_who, the_hub

breach = Blueprint("breach", __name__)

NOT_YOURS = "the breach drill is for the information governance officers of the organisation that runs the hub"
CONTACT = "[contact]"


@breach.get("/breach")
def show_form() -> Page:
    """Ask which key was stolen, and when it may have been used."""
    return ask_what(_open())


@breach.post("/breach")
def drill() -> Page:
    """Show what it touched at the hub, what to do, and the draft; sign, send and change nothing."""
    return show_drill(_open())


def _open() -> Scene:
    visitor, hub = require_visitor_who(may_read_log, NOT_YOURS), the_hub()

    def record(words: str) -> None:
        with hub.database.transaction() as connection:
            hub.database.log.append(connection, hub.event(Action.AUDIT_READ, visitor.id, "", drill=words))

    return Scene(
        log=hub.party.member_id,
        connection=hub.database.connection,
        register=hub.register,
        record=record,
        notifier=Notifier(hub.party.profile.title, CONTACT),
        now=hub.clock(),
        has_people=False,
    )

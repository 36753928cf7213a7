"""Requests of other authorities that wait for one of our own officers, and what was decided about others."""

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from federation.state import StateError
from node.lookups.holding import decide, list_held
from node.pages.staff import may_decide_held, may_read_ours, require_visitor_who, the_node
from policies.names import CHILD_RECORD, FIELD_GROUP_MEANINGS

held = Blueprint("held", __name__)

NOT_YOURS = "held requests are for our virtual school head and our information governance officer"


@held.get("/held")
def show_held() -> str | tuple[str, int]:
    """Show what waits, and what was decided in the last two weeks."""
    require_visitor_who(may_decide_held, NOT_YOURS)
    return _show({})


@held.post("/held")
def decide_held() -> AnyResponse | str | tuple[str, int]:
    """Let one request through, less the groups that are withheld, or refuse it."""
    visitor = require_visitor_who(may_decide_held, NOT_YOURS)
    try:
        decide(
            the_node(),
            visitor,
            request.form.get("held_id", ""),
            answer=request.form.get("decision") == "answer",
            reason=request.form.get("reason", ""),
            withheld=request.form.getlist("withheld"),
        )
    except StateError as error:
        return _show({_place_of(request.form.get("held_id", "")): str(error)}, 400)
    return redirect("/held", 303)


def _place_of(held_id: str) -> str:
    """Where on the page a mistake about one request is said: at its reason, or above all where it waits no more."""
    waits = any(each.held_id == held_id and not each.decided_at for each in list_held(the_node()))
    return f"{held_id}-reason" if waits else "main"


def _show(errors: dict[str, str], status: int = 200) -> tuple[str, int]:
    """Whom a request seeks is shown to those alone who may read whose record it is."""
    visitor = require_visitor_who(may_decide_held, NOT_YOURS)
    page = render_template(
        "held.html",
        requests=list_held(the_node()),
        may_see_whom=may_read_ours(visitor),
        groups=[(group, FIELD_GROUP_MEANINGS[group]) for group in CHILD_RECORD],
        errors=errors,
    )
    return page, status

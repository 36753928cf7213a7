"""What our information governance officer has to look at: notices of lookups out of the ordinary, and their review."""

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from federation.state import StateError
from node.lookups.notices import ReviewOutcome, list_notices, review_notice
from node.pages.staff import may_read_log, require_visitor_who, the_node

notices = Blueprint("notices", __name__)

NOT_YOURS = "notices are for this authority's information governance officer"


@notices.get("/notices")
def show_notices() -> tuple[str, int]:
    """Show every notice, the open ones first."""
    require_visitor_who(may_read_log, NOT_YOURS)
    return _show({})


@notices.post("/notices")
def review() -> AnyResponse | tuple[str, int]:
    """Enter what the officer found about one notice."""
    officer, form = require_visitor_who(may_read_log, NOT_YOURS), request.form
    try:
        review_notice(
            the_node(), officer, form.get("notice_id", ""), form.get("outcome", ""), form.get("remark", "").strip()
        )
    except StateError as error:
        return _show({_place_of(form.get("notice_id", ""), form.get("outcome", "")): str(error)}, 400)
    return redirect("/notices", 303)


def _place_of(notice_id: str, outcome: str) -> str:
    """Where on the page a mistake about one notice is said: at the field, or above all where none is open."""
    is_open = any(each.notice_id == notice_id and not each.reviewed_at for each in list_notices(the_node()))
    field = "remark" if outcome in frozenset(ReviewOutcome) else "outcome"
    return f"{notice_id}-{field}" if is_open else "main"


def _show(errors: dict[str, str], status: int = 200) -> tuple[str, int]:
    found = list_notices(the_node())
    return render_template("notices.html", notices=found, outcomes=tuple(ReviewOutcome), errors=errors), status

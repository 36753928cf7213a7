"""Children who came into our care after the last load: entered, so that their record can begin, and taken off again."""

from collections.abc import Mapping

from flask import Blueprint, render_template, request

from federation.problems import ProblemRaised
from federation.state import StateError
from node.lookups.purpose import PurposeMissing
from node.pages.staff import may_set_down, require_visitor_who
from node.pages.tracking_forms import child_meant, reference_to, visit_stated
from node.tracking.newcomers import Newcomer, NewcomerUnclear, enter_newcomer, read_newcomer, take_off
from node.tracking.visit import Visit

newcomers = Blueprint("newcomers", __name__)

NOT_YOURS = "children are entered by the virtual school: your role may not"

FIELDS = Newcomer.__struct_fields__

Page = tuple[str, int]


@newcomers.post("/tracking/newcomer")
def show_form() -> Page:
    """Show the form in which a child is entered, and who was entered before."""
    require_visitor_who(may_set_down, NOT_YOURS)
    return _show(_begin(), {})


@newcomers.post("/tracking/newcomer/enter")
def enter() -> Page:
    """Enter a child."""
    visitor = require_visitor_who(may_set_down, NOT_YOURS)
    visit = _begin()
    try:
        told = read_newcomer({name: request.form.get(name, "") for name in FIELDS})
        enter_newcomer(visit.node, visitor, told, request.form.get("reason", ""))
    except NewcomerUnclear as unclear:
        return _show(visit, unclear.errors, 400)
    except StateError as error:
        return _show(visit, {"number" if request.form.get("reason", "").strip() else "reason": str(error)}, 400)
    return _show(_begin(), {}, done="The child is on the list, and the record can begin")


@newcomers.post("/tracking/newcomer/off")
def end() -> Page:
    """Take a child off the list who has left our care again."""
    visitor = require_visitor_who(may_set_down, NOT_YOURS)
    visit = _begin()
    try:
        child = child_meant(visit)
        take_off(visit.node, visitor, child.token, request.form.get("reason", ""))
    except StateError as error:
        return _show(visit, {f"reason-{reference_to(child)}" if child.is_newcomer else "main": str(error)}, 400)
    return _show(_begin(), {}, done="The child is off the list; what was set down is kept")


def _begin() -> Visit:
    try:
        return visit_stated()
    except PurposeMissing as missing:
        raise ProblemRaised(400, "purpose_missing", str(missing)) from None


def _show(visit: Visit, errors: Mapping[str, str], status: int = 200, *, done: str = "") -> Page:
    """What was typed about a child is not sent back with an error, but for what names nobody."""
    entered = [child for child in visit.children if child.is_newcomer]
    visit.sign_for(entered, page="newcomers")
    page = render_template(
        "tracking/newcomer.html",
        visit=visit,
        entered=[(child, reference_to(child)) for child in entered],
        errors=errors,
        done=done,
        reason=request.form.get("reason", "") if errors else "",
    )
    return page, status

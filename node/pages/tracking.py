"""Tracking: the caseload with what calls for attention, what has changed, schools and the cohort's progress.

A purpose is asked for first. It goes along in every form, and is logged with each child shown.
"""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, render_template, request

from node.lookups.purpose import PurposeMissing
from node.pages.staff import may_read_tracking, may_set_down, require_visitor_who
from node.pages.tracking_forms import NOT_YOURS, reference_to, visit_stated
from node.tracking.caseload import count_flags, list_caseload, list_schools
from node.tracking.changes import list_changes
from node.tracking.flags import URGENT, Flag
from node.tracking.progress import draw_cohort
from node.tracking.visit import Visit

tracking = Blueprint("tracking", __name__)

SUBJECTS = ("english", "mathematics", "reading", "writing", "science")


@tracking.get("/tracking")
def ask_purpose() -> str:
    """Ask why the records are read."""
    require_visitor_who(may_read_tracking, NOT_YOURS)
    return render_template("tracking/purpose.html", purpose="", errors={})


def _show(render: Callable[[Visit], str]) -> tuple[str, int] | str:
    """Show a page about the whole caseload, once the purpose has been logged."""
    try:
        visit = visit_stated()
    except PurposeMissing as missing:
        asked = request.form.get("purpose", "")
        return render_template("tracking/purpose.html", purpose=asked, errors={"purpose": str(missing)}), 400
    visit.sign_for(visit.children, page=str(request.url_rule))
    return render(visit)


def _render(template: str, visit: Visit, **told: Any) -> str:
    references = {child.token: reference_to(child) for child in visit.children}
    return render_template(f"tracking/{template}.html", visit=visit, references=references, **told)


@tracking.post("/tracking")
def show_caseload() -> tuple[str, int] | str:
    """Show every child whose record the visitor may read, or those with one flag, the most urgent first."""

    def render(visit: Visit) -> str:
        cases, wanted = list_caseload(visit), request.form.get("flag", "")
        shown = [case for case in cases if not wanted or any(each.flag.value == wanted for each in case.flags)]
        label = {flag.value: flag.label for flag in Flag}.get(wanted, "")
        told = {"raised": count_flags(cases), "wanted": label, "urgent": URGENT}
        return _render("caseload", visit, cases=shown, may_set_down=may_set_down(visit.person), **told)

    return _show(render)


@tracking.post("/tracking/changes")
def show_changes() -> tuple[str, int] | str:
    """Show what has changed since the visitor last looked."""
    return _show(lambda visit: _render("changes", visit, news=list_changes(visit)))


@tracking.post("/tracking/schools")
def show_schools() -> tuple[str, int] | str:
    """Show the caseload school by school."""
    return _show(lambda visit: _render("schools", visit, schools=list_schools(visit)))


@tracking.post("/tracking/cohort")
def show_cohort() -> tuple[str, int] | str:
    """Show how far the children have come from their starting points."""

    def render(visit: Visit) -> str:
        records = list(visit.records().values())
        shown = [chart for subject in SUBJECTS if (chart := draw_cohort(records, subject)) is not None]
        return _render("cohort", visit, shown=shown)

    return _show(render)

"""Reports of our own children: on the page, as an accessible PDF and as CSV, for a purpose, each figure logged."""

from collections.abc import Mapping

from flask import Blueprint, Response, render_template, request

from federation.problems import ProblemRaised
from federation.reports.written import WrittenReport
from federation.state import StateError
from federation.web.attachment import attach
from federation.web.description import describes
from node.figures.reports import list_own_reports, write_own_report
from node.lookups.purpose import PurposeMissing
from node.pages.figures import NOT_YOURS, offer_scopes, offer_years, read_choice, sees_any_school
from node.pages.staff import may_see_figures, require_visitor_who, the_node
from node.people import Person
from policies.access_policy import AccessDenied

reports = Blueprint("reports", __name__)

FIELDS = ("report", "year", "whose", "school", "purpose")

Page = tuple[str, int]


@reports.get("/reports")
def choose() -> Page:
    """Ask which report, of whom, and why."""
    return _show_form(require_visitor_who(may_see_figures, NOT_YOURS), {})


@reports.post("/reports")
@describes(gives=("text/html", "application/pdf", "text/csv"))
def show() -> Page | Response:
    """Show a report, or hand it out as a file, once each of its figures is logged."""
    visitor, form = require_visitor_who(may_see_figures, NOT_YOURS), request.form
    purpose, (year, whose) = form.get("purpose", ""), read_choice()
    if year is None:
        return _show_form(visitor, {"year": "choose an academic year"}, 400)
    if not purpose.strip():
        return _show_form(visitor, {"purpose": "say why the figures are read: it is logged"}, 400)
    try:
        written = write_own_report(the_node(), visitor, purpose, form.get("report", ""), year, whose)
    except PurposeMissing as missing:
        return _show_form(visitor, {"purpose": str(missing)}, 400)
    except StateError as error:
        return _show_form(visitor, {"school" if form.get("school") else "report": str(error)}, 400)
    except AccessDenied as denied:
        raise ProblemRaised(403, "not_permitted", denied.text) from None
    return _hand_out(written, form.get("form", ""), {name: form.get(name, "") for name in FIELDS})


def _hand_out(written: WrittenReport, form: str, asked: Mapping[str, str]) -> Page | Response:
    match form:
        case "pdf":
            from federation.reports.paper import write_paper

            return attach(write_paper(written), "application/pdf", f"{written.file_name}.pdf")
        case "csv":
            from federation.reports.tidy import write_tidy

            return attach(write_tidy(written), "text/csv; charset=utf-8", f"{written.file_name}.csv")
        case _:
            return render_template("report.html", written=written, asked=asked), 200


def _show_form(visitor: Person, errors: dict[str, str], status: int = 200) -> Page:
    page = render_template(
        "report_form.html",
        reports=[(each.name, each.title) for each in list_own_reports()],
        years=offer_years(),
        scopes=list(offer_scopes(visitor)),
        any_school=sees_any_school(visitor),
        given={name: request.form.get(name, "") for name in FIELDS},
        errors=errors,
    )
    return page, status

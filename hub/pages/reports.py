"""Reports: chosen by what they tell, of which place and year; on the page, as an accessible PDF and as CSV.

A report has what its reader may see of releases, and nothing else: whoever may see no query reads of every figure that
it is not yet released.
"""

import re
from collections.abc import Iterator

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from federation.problems import ProblemRaised
from federation.register import Member
from federation.reports.declared import Report, find_report, load_reports
from federation.reports.measures import load_measures
from federation.reports.metrics import Metric, load_metrics
from federation.reports.places import LEVELS, Place, find_place, list_places
from federation.reports.release_shelf import ReleaseShelf
from federation.reports.writing import write_report
from federation.reports.written import WrittenReport
from federation.state import StateError
from federation.web.description import describes
from hub.copies import hand_out
from hub.pages.draft_form import list_years
from hub.pages.funnel_chart import draw_funnel
from hub.pages.visitor import may_ask, require_visitor, the_hub
from hub.reports.seen import HubReleases
from query_engine.catalogue import load_catalogue

reports = Blueprint("reports", __name__)

_CITED = re.compile(r"\bR-[0-9a-f]{16}\b")
_EACH_DETAIL, _MOST_DETAILS = 10, 28

NATION = "nation"
NEWEST = "202425"
"""The year that is chosen where none is: the last of which the Department has published."""


@reports.get("/reports")
def list_reports() -> AnyResponse | str:
    """List the reports, and go to one that was chosen."""
    visitor = require_visitor()
    chosen = request.args.get("report", "")
    if chosen:
        report, place, year = _read_choice(chosen)
        return redirect(f"/reports/{report.name}?place={place.address}&year={year}")
    return render_template(
        "reports.html",
        reports=load_reports(),
        names=[(each.name, each.title) for each in load_reports()],
        metrics=[(each, name_measures(each)) for each in load_metrics()],
        places=list(offer_places()),
        years=list_years(load_catalogue()),
        newest=NEWEST,
        may_ask=may_ask(visitor),
    )


@reports.get("/reports/<name>")
def show_report(name: str) -> str:
    """Show a report of a place and a year."""
    visitor = require_visitor()
    written = _write(name, visitor)
    return render_template(
        "report.html",
        written=written,
        charts={each.title: draw_funnel(each.funnel) for each in written.sections if each.funnel},
        place=written.place.address,
        places=list(offer_places()),
        years=list_years(load_catalogue()),
        names=[(each.name, each.title) for each in load_reports()],
        missing=list(written.list_missing()) if may_ask(visitor) else [],
    )


@reports.get("/reports/<name>.pdf")
@describes(gives="application/pdf")
def send_paper(name: str) -> Response:
    """Hand out a report as an accessible PDF."""
    from federation.reports.paper import write_paper

    written = _write(name, require_visitor())
    return _hand_out(written, write_paper(written), "application/pdf", "pdf")


@reports.get("/reports/<name>.csv")
@describes(gives="text/csv")
def send_tidy(name: str) -> Response:
    """Hand out a report's figures as tidy CSV."""
    from federation.reports.tidy import write_tidy

    written = _write(name, require_visitor())
    return _hand_out(written, write_tidy(written), "text/csv; charset=utf-8", "csv")


def name_measures(metric: Metric) -> str:
    """Return what tells a metric, or why nothing does."""
    titles = [load_measures().find_measure(name).title for name in metric.measures]
    return metric.why_not or "; ".join(titles)


def offer_places() -> Iterator[tuple[str, str]]:
    """Yield the places that a report can be of, as the address and as people name them."""
    yield NATION, "England"
    for level in reversed(LEVELS[:-1]):
        for place in list_places(level):
            yield place.address, f"{place.name} ({place.code})" if level == "authority" else place.name


def read_place(text: str) -> Place:
    """Return the place that an address names. Raises a 404 problem."""
    level, _, code = text.partition(":")
    try:
        return find_place(level, code)
    except StateError as error:
        raise ProblemRaised(404, "place_unknown", str(error)) from None


def read_year() -> int:
    """Return the academic year that an address names. Raises a 404 problem for one that the catalogue has not."""
    year = request.args.get("year", NEWEST)
    if year not in {known for known, _ in list_years(load_catalogue())}:
        raise ProblemRaised(404, "year_unknown", "the catalogue has no such academic year: give six figures, as 202425")
    return int(year)


def _write(name: str, visitor: Member) -> WrittenReport:
    report, place, year = _read_choice(name)
    return write_report(report, place, year, ReleaseShelf(HubReleases(the_hub(), visitor), year))


def _hand_out(written: WrittenReport, content: str | bytes, kind: str, form: str) -> Response:
    name, taken = f"{written.file_name}.{form}", {"report": written.file_name, **_name_releases(written)}
    return hand_out(the_hub(), require_visitor(), content, kind, name, form=form, **taken)


def _name_releases(written: WrittenReport) -> dict[str, str]:
    """The releases that a report cites, as an entry of the log has room for them: some to each detail."""
    cited = _CITED.findall(" ".join(written.sources))
    groups = [cited[first : first + _EACH_DETAIL] for first in range(0, len(cited), _EACH_DETAIL)]
    return {f"releases.{number}": " ".join(group) for number, group in enumerate(groups[:_MOST_DETAILS])}


def _read_choice(name: str) -> tuple[Report, Place, int]:
    """Read which report, of where and when. Raises 404 problems."""
    try:
        report = find_report(name)
    except StateError as error:
        raise ProblemRaised(404, "report_unknown", str(error)) from None
    place = read_place(request.args.get("place", NATION))
    if place.level not in report.levels:
        levels = " or ".join(report.levels)
        raise ProblemRaised(404, "place_unknown", f"this report is of an {levels}: choose another place")
    return report, place, read_year()

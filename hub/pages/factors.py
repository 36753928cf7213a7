"""Any factor or combination against any result: a question put together from lists, checked, and taken to its draft.

Nothing that is typed gets into the question. It is drafted, signed and approved as every question is.
"""

from dataclasses import asdict

from flask import Blueprint, render_template, request

from federation.manifest import Path
from federation.problems import ProblemRaised
from federation.reports.declared import MOST_FACTORS
from federation.reports.measures import Factor, Measure, load_measures, write_question
from federation.reports.places import LEVELS, Level
from federation.state import StateError
from hub.pages.asking import NOT_YOURS
from hub.pages.draft_form import DraftForm, list_years
from hub.pages.instant import check_instantly
from hub.pages.reports import read_year
from hub.pages.visitor import may_ask, require_visitor_who, the_hub
from query_engine.catalogue import load_catalogue

factors = Blueprint("factors", __name__)

OF: dict[Level, str] = {
    "nation": "England, as a total with noise",
    "region": "Each region, as totals with noise",
    "authority": "Rows of each authority, protected there",
}


@factors.get("/reports/ask")
def put_together() -> str:
    """Choose a result and factors; then read the question and its check, and take it to the draft."""
    asker = require_visitor_who(may_ask, NOT_YOURS)
    known, chosen = load_measures(), request.args.get("measure", "")
    form = _write_form(*_read_choice()) if chosen else None
    return render_template(
        "factors.html",
        measures=[(each.name, f"{each.topic.capitalize()}: {each.title}") for each in known.measure],
        factors=[(each.name, each.title) for each in known.factor],
        levels=list(OF.items()),
        years=list_years(load_catalogue()),
        given={name: request.args.get(name, "") for name in ("measure", "by", "and", "level", "year")},
        form=form,
        fields=asdict(form) if form else {},
        instant=check_instantly(the_hub(), form, asker) if form else None,
    )


def _read_choice() -> tuple[Measure, tuple[Factor, ...], Level, int]:
    """Read what was chosen. Raises 404 problems for what is in no list."""
    known, level = load_measures(), request.args.get("level", "nation")
    names = dict.fromkeys(each for name in ("by", "and") if (each := request.args.get(name, "")))
    try:
        measure, factors = known.find_measure(request.args.get("measure", "")), known.find_factors(names)
    except StateError as error:
        raise ProblemRaised(404, "choice_unknown", str(error)) from None
    if level not in LEVELS or len(factors) > MOST_FACTORS:
        raise ProblemRaised(
            404, "choice_unknown", f"choose one of {', '.join(LEVELS)}, and {MOST_FACTORS} factors at most"
        )
    return measure, factors, next(each for each in LEVELS if each == level), read_year()


def _write_form(measure: Measure, factors: tuple[Factor, ...], level: Level, year: int) -> DraftForm:
    by = " and ".join(each.title for each in factors)
    return DraftForm(
        purpose=f"For reports: {measure.title}{f', by {by}' if by else ''}",
        academic_year=str(year),
        path=Path.PER_AUTHORITY if level == "authority" else Path.NOISY_SUM,
        sql=write_question(measure, factors, year, by_region=level == "region"),
    )

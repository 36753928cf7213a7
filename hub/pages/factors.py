"""Any factor or combination against any result: a question put together from lists, checked, and taken to its draft.

Nothing that is typed gets into the question. Where a template of the asker's has standing approval for it, its next run
is drafted at once; else the question is drafted, signed and approved as every question is.
"""

from collections.abc import Mapping
from dataclasses import asdict

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from federation.manifest import Path
from federation.problems import ProblemRaised
from federation.register import Member
from federation.reports.declared import MOST_FACTORS
from federation.reports.like_for_like import write_case_mix, write_model
from federation.reports.measures import Factor, Measure, load_measures, write_question
from federation.state import StateError
from hub.covering import Covered, find_covering
from hub.pages.asking import NOT_YOURS
from hub.pages.draft_form import DraftForm, list_years
from hub.pages.instant import check_instantly
from hub.pages.reports import read_year
from hub.pages.visitor import may_ask, require_visitor_who, the_hub
from hub.runs import store_run
from query_engine.catalogue import load_catalogue

factors = Blueprint("factors", __name__)

MODEL, CASE_MIX = "model", "case_mix"

OF: Mapping[str, str] = {
    "nation": "England, as a total with noise",
    "region": "Each region, as totals with noise",
    "authority": "Rows of each authority, protected there",
    MODEL: "England's model, for like for like",
    CASE_MIX: "Rows of each authority by what the model takes into account",
}
"""Of what a question can be; the last two have no factor but the model's own."""


@factors.get("/reports/ask")
def put_together() -> str:
    """Choose a result and factors; then read the question and its check, and run it or take it to the draft."""
    asker = require_visitor_who(may_ask, NOT_YOURS)
    known, chosen = load_measures(), request.args.get("measure", "")
    form = _write_form() if chosen else None
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
        covered=_find_covering(form, asker) if form else None,
    )


@factors.post("/reports/ask")
def run_template() -> AnyResponse:
    """Draft the run of a template that asks what was chosen, and go to it."""
    asker = require_visitor_who(may_ask, NOT_YOURS)
    covered = _find_covering(_write_form(), asker)
    if covered is None:
        raise ProblemRaised(409, "not_covered", "no template of yours stands for this any more: take it to the draft")
    return redirect(f"/queries/{covered.asked_as or store_run(the_hub(), covered.run)}", 303)


def _find_covering(form: DraftForm, asker: Member) -> Covered | None:
    """Return the run that asks the same of all authorities together, whose own rows no template has."""
    if form.path == Path.PER_AUTHORITY:
        return None
    return find_covering(the_hub(), form.sql, form.academic_year, asker, the_hub().clock())


def _write_form() -> DraftForm:
    """The draft of what was chosen. Raises 404 problems for what is in no list."""
    known, level, year = load_measures(), request.args.get("level", "nation"), read_year()
    names = dict.fromkeys(each for name in ("by", "and") if (each := request.args.get(name, "")))
    if level not in OF or len(names) > MOST_FACTORS:
        raise ProblemRaised(404, "choice_unknown", f"choose one of {', '.join(OF)}, and {MOST_FACTORS} factors at most")
    try:
        measure, factors = known.find_measure(request.args.get("measure", "")), known.find_factors(names)
        sql = _write_sql(measure, factors, level, year)
    except StateError as error:
        raise ProblemRaised(404, "choice_unknown", str(error)) from None
    by = " and ".join(each.title for each in factors)
    return DraftForm(
        purpose=f"For reports: {measure.title}{f', by {by}' if by else ''}",
        academic_year=str(year),
        path=Path.PER_AUTHORITY if level in ("authority", CASE_MIX) else Path.NOISY_SUM,
        sql=sql,
    )


def _write_sql(measure: Measure, factors: tuple[Factor, ...], level: str, year: int) -> str:
    if level == MODEL:
        return write_model(measure, year)
    if level == CASE_MIX:
        return write_case_mix(measure, year)
    return write_question(measure, factors, year, by_region=level == "region")

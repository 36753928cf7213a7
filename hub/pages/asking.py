"""Asking a question: write it, see what it plans or where it is refused, and have it drafted.

A draft is not yet a submission. It becomes one when its asker has read the manifest on their own machine and signed it
there; this page could show one question and hold another.
"""

from dataclasses import asdict

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from audit.event import Action
from disclosure_control.expectation import foresee
from disclosure_control.noise.terms import NoiseRefused
from disclosure_control.rewrites import propose_rewrites
from federation.manifest import SUM_PATHS, Path
from federation.problems import ProblemRaised
from federation.project import Project
from federation.reading import LEAVES_BY
from federation.register import MemberKind
from hub.pages.budget import Cost, foresee_cost
from hub.pages.draft_form import (
    EXAMPLE,
    MECHANISMS,
    PATHS,
    VALID_HOURS,
    DraftForm,
    Errors,
    Refusal,
    check_fields,
    describe_refusal,
    list_presets,
    list_years,
    read_form,
    start_form,
)
from hub.pages.visitor import may_ask, require_visitor_who, the_hub
from hub.projects import list_projects
from hub.queries import draft_query
from query_engine.catalogue import load_catalogue
from query_engine.planning.record_keys import plan_for_keys
from query_engine.question import Question, read_question
from query_engine.refusal import QueryRefused
from query_engine.wording.description import describe_plan
from query_engine.wording.explaining import describe_view

asking = Blueprint("asking", __name__)

NOT_YOURS = "questions are asked by researchers and analysts; see what is asked under Queries"

PROBLEM_FIELDS = {
    "not_loggable": "purpose",
    "preset_not_in_project": "preset",
    "preset_unknown": "preset",
    "project_unknown": "project",
    "budget_short": "epsilon",
    "epsilon_refused": "epsilon",
    "terms_invalid": "dropouts",
    "year_unknown": "academic_year",
}
"""The field that a problem of the hub is about; any other is about the SQL."""


@asking.get("/queries/new")
def show_form() -> str:
    """Show the empty form."""
    projects = list_projects(the_hub(), require_visitor_who(may_ask, NOT_YOURS).id)
    return _render_form(start_form(projects, the_hub().party.presets), projects)


@asking.post("/queries/new")
def take_form() -> AnyResponse | str | tuple[str, int]:
    """Take the form a step on: check it, change it again, or draft the query."""
    asker, form = require_visitor_who(may_ask, NOT_YOURS), read_form(request.form)
    projects = list_projects(the_hub(), asker.id)
    step = request.form.get("step", "check")
    if step == "edit":
        return _render_form(form, projects)
    errors = check_fields(form, projects)
    if errors:
        return _render_form(form, projects, errors), 422
    try:
        question = read_question(form.sql)
        preset = the_hub().party.presets.load(form.preset)
        plan = plan_for_keys(question.plan, Path(form.path).value, preset.record_keys)
        # The purpose goes into the audit log, which takes no pupil's number: better said now than after the review.
        the_hub().event(Action.QUERY_DRAFTED, asker.id, "", purpose=form.purpose)
        if step == "draft":
            return redirect(f"/queries/{draft_query(the_hub(), form.to_draft(), asker)}", 303)
    except QueryRefused as refused:
        errors = {"sql": f"The query is refused: {refused.text}"}
        return _render_form(form, projects, errors, describe_refusal(form.sql, refused)), 422
    except ProblemRaised as raised:
        field = PROBLEM_FIELDS.get(raised.problem.code, "sql")
        return _render_form(form, projects, {field: raised.problem.detail}), 422
    try:
        cost = foresee_cost(the_hub(), form.to_draft(), plan, asker) if form.path == Path.NOISY_SUM else None
    except NoiseRefused as refused:
        return _render_form(form, projects, {"epsilon": f"This cannot be noised so: {refused}"}), 422
    return _render_review(form, projects, question, cost)


def _render_form(
    form: DraftForm, projects: tuple[Project, ...], errors: Errors | None = None, refusal: Refusal | None = None
) -> str:
    shelf = the_hub().party.presets
    return render_template(
        "asking.html",
        form=form,
        projects=[(project.name, project.title, "") for project in projects],
        presets=[(name, shelf.load(name).title, f"Preset {name}") for name in list_presets(projects, shelf)],
        paths=[(path.value, *words) for path, words in PATHS.items()],
        mechanisms=list(MECHANISMS.items()),
        years=list_years(load_catalogue()),
        tables=tuple(load_catalogue().tables),
        errors=errors or {},
        refusal=refusal,
        example=EXAMPLE,
    )


def _render_review(form: DraftForm, projects: tuple[Project, ...], question: Question, cost: Cost | None) -> str:
    hub, path = the_hub(), Path(form.path)
    preset = hub.party.presets.load(form.preset)
    plan = plan_for_keys(question.plan, path.value, preset.record_keys)
    is_total = path in SUM_PATHS
    return render_template(
        "asking_review.html",
        form=form,
        fields=asdict(form),
        project=next(project for project in projects if project.name == form.project),
        plan=plan,
        is_total=is_total,
        cost=cost,
        leaves_by=LEAVES_BY[path],
        preset=preset,
        nodes=sum(1 for _ in hub.register().active(MemberKind.NODE, hub.clock())),
        days=VALID_HOURS // 24,
        described=describe_plan(plan),
        shown=list(describe_view(question.view)),
        warnings=question.cautions,
        expected=None if is_total else foresee(plan, preset),
        # A manifest is about one academic year, so years cannot be pooled here.
        rewrites=() if is_total else propose_rewrites(plan, preset, pool_years=False),
    )

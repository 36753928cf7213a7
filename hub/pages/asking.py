"""Asking a question: write it, see what it plans or where it is refused, try it on made-up data, and have it drafted.

A draft is not yet a submission. It becomes one when its asker has read the manifest on their own machine and signed it
there; this page could show one question and hold another.
"""

from dataclasses import asdict

from flask import Blueprint, get_template_attribute, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from audit.event import Action
from disclosure_control.foreseen.certain import foresee_certain
from disclosure_control.foreseen.expectation import foresee
from disclosure_control.foreseen.rewrites import propose_rewrites
from disclosure_control.models.release import ReleasedModel
from disclosure_control.noise.terms import NoiseRefused
from disclosure_control.presets.preset import Preset
from disclosure_control.release.gate import ReleasedTable
from disclosure_control.release.showing import show_table
from federation.manifest import SUM_PATHS, Path
from federation.problems import ProblemRaised
from federation.project import Project
from federation.reading import LEAVES_BY
from federation.register import MemberKind
from federation.web.site import allow_script
from hub.drafting import draft_query
from hub.dry_run import require_copy, run_dry
from hub.pages.again import ask_about_next, ask_again
from hub.pages.bars import draw_bars
from hub.pages.budget import Cost, foresee_cost
from hub.pages.draft_form import (
    EXAMPLE,
    MECHANISMS,
    PATHS,
    TERMS,
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
from hub.pages.instant import check_instantly
from hub.pages.shown_rows import show_rows
from hub.pages.visitor import may_ask, require_visitor_who, the_hub
from hub.pages.words import PHRASES, list_words
from hub.projects import list_projects
from hub.queries import find_query
from hub.synthetic import find_copy
from query_engine.catalogue import load_catalogue
from query_engine.planning.plan import QueryPlan
from query_engine.planning.record_keys import plan_for_keys
from query_engine.question import Question, read_question
from query_engine.refusal import QueryRefused
from query_engine.wording.description import describe_plan
from query_engine.wording.explaining import describe_view

asking = Blueprint("asking", __name__)

NOT_YOURS = "questions are asked by researchers and analysts; see what is asked under Queries"

ROWS_TRIED = 200
"""Rows of a dry run that its page shows."""

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
    """Show the form: empty, or with a question that was asked before, about its own snapshot or the next."""
    hub, asker = the_hub(), require_visitor_who(may_ask, NOT_YOURS)
    projects = list_projects(hub, asker.id)
    before, following = request.args.get("again", ""), request.args.get("next", "")
    if not before and not following:
        return _render_form(start_form(projects, hub.party.presets), projects)
    manifest = find_query(hub, before or following, asker).manifest
    return _render_form(ask_about_next(manifest) if following else ask_again(manifest), projects)


@asking.post("/queries/new")
def take_form() -> AnyResponse | str | tuple[str, int]:
    """Take the form a step on: check it, try it, change it again, or draft the query."""
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
        if step == "try":
            return _render_tried(form, question, plan, preset)
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


@asking.post("/queries/new/check")
def check_now() -> str:
    """Say of a question that is being written what its check will: a part of the page, for the page's own script."""
    asker = require_visitor_who(may_ask, NOT_YOURS)
    instant = check_instantly(the_hub(), read_form(request.form), asker)
    draw = get_template_attribute("question_check.html", "checked")
    drawn: str = draw(instant)
    return drawn


def _render_form(
    form: DraftForm, projects: tuple[Project, ...], errors: Errors | None = None, refusal: Refusal | None = None
) -> str:
    allow_script(asking=True)
    shelf = the_hub().party.presets
    return render_template(
        "asking.html",
        form=form,
        projects=[(project.name, project.title, "") for project in projects],
        presets=[(name, shelf.load(name).title, f"Preset {name}") for name in list_presets(projects, shelf)],
        paths=[(path.value, *words) for path, words in PATHS.items()],
        mechanisms=list(MECHANISMS.items()),
        years=list_years(load_catalogue()),
        terms=list(TERMS.items()),
        tables=list_words(),
        phrases=PHRASES,
        errors=errors or {},
        refusal=refusal,
        example=EXAMPLE,
        can_try=find_copy(the_hub()) is not None,
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
        certain=() if is_total else foresee_certain(plan, preset),
        # A manifest is about one academic year, so years cannot be pooled here.
        rewrites=() if is_total else propose_rewrites(plan, preset, pool_years=False),
        can_try=find_copy(hub) is not None,
    )


def _render_tried(form: DraftForm, question: Question, plan: QueryPlan, preset: Preset) -> str:
    """The page of a dry run: a table or a model of nobody, as the release would look. Raises 404 and 422 problems."""
    copy = require_copy(the_hub())
    found = run_dry(copy, form.to_draft(), plan, preset)
    return render_template(
        "dry_run.html",
        form=form,
        fields=asdict(form),
        copy=copy,
        preset=preset,
        **(_show_tried_model(found) if isinstance(found, ReleasedModel) else _show_tried_table(found, form.sql)),
    )


def _show_tried_table(table: ReleasedTable, sql: str) -> dict[str, object]:
    shown = show_table(table, sql, part=slice(0, ROWS_TRIED), presets=the_hub().party.presets)
    return {"model": None, "table": table, "shown": shown, "rows": list(show_rows(shown)), "bars": draw_bars(shown)}


def _show_tried_model(model: ReleasedModel) -> dict[str, object]:
    return {"model": model, "table": None, "shown": None, "rows": [], "bars": ()}

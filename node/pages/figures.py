"""Figures of our own children for those of our people who get no records: protected, for a purpose, and logged."""

from collections.abc import Iterator
from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from federation.manifest import Path
from federation.plans import derive_plan
from federation.problems import ProblemRaised
from federation.reports.written import name_year
from federation.state import StateError
from node.figures.comparing import Beside, find_beside
from node.figures.declared import load_declared
from node.figures.reading import Line, name_columns, read_lines
from node.figures.releases import fetch_releases
from node.figures.scope import ALL_OURS, AUTHORITY, OWN_SCHOOLS, request_released
from node.figures.showing import Shown, Wish, show_figure
from node.lookups.purpose import PurposeMissing
from node.pages.schools import name_known_school
from node.pages.staff import may, may_see_figures, require_visitor_who, the_node
from node.pages.through_hub import reach_hub
from node.people import Person
from node.refusal import Refused
from policies.access_policy import AccessDenied

figures = Blueprint("figures", __name__)

NOT_YOURS = "figures are for those whom the access policy lets see aggregates"

Page = tuple[str, int]


@dataclass(frozen=True)
class Told:
    """A shown figure as the page has it: its heading, the headings and lines of its table."""

    title: str
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    preset: str
    snapshot: str


@figures.get("/figures")
def ask_figure() -> Page:
    """Ask which figure, of whom, and why."""
    return _show_form(require_visitor_who(may_see_figures, NOT_YOURS), {})


@figures.post("/figures")
def show_figures() -> Page:
    """Show a figure, and what stands beside it, once that is logged."""
    visitor, form = require_visitor_who(may_see_figures, NOT_YOURS), request.form
    purpose, (year, whose) = form.get("purpose", ""), read_choice()
    if year is None:
        return _show_form(visitor, {"year": "choose an academic year"}, 400)
    wish = Wish(form.get("measure", ""), form.get("by", ""), year, whose)
    try:
        shown = show_figure(the_node(), visitor, purpose, wish)
    except PurposeMissing as missing:
        return _show_form(visitor, {"purpose": str(missing)}, 400)
    except StateError as error:
        return _show_form(visitor, {"school" if form.get("school") else "measure": str(error)}, 400)
    except AccessDenied as denied:
        raise ProblemRaised(403, "not_permitted", denied.text) from None
    except Refused as refused:
        return _show_form(visitor, {"measure": refused.text}, 409)
    return _show(visitor, purpose, shown), 200


@figures.post("/figures/releases")
def fetch() -> AnyResponse:
    """Fetch what has been released since over our figures and those of others."""
    visitor, node = require_visitor_who(may_see_figures, NOT_YOURS), the_node()
    try:
        with reach_hub(node) as hub:
            fetch_releases(node, hub, visitor)
    except AccessDenied as denied:
        raise ProblemRaised(403, "not_permitted", denied.text) from None
    return redirect("/figures", 303)


def _show(visitor: Person, purpose: str, shown: Shown) -> str:
    measure, year, policy = shown.asked.measure, shown.asked.year, the_node().policy()
    told = [_tell(shown)]
    if shown.asked.scope.schools and policy.permits(ALL_OURS.request(visitor.role)):
        told.append(_tell(show_figure(the_node(), visitor, purpose, Wish(measure.name, "", year, AUTHORITY))))
    beside = find_beside(the_node(), measure, year) if policy.permits(request_released(visitor.role)) else ()
    return render_template(
        "figures.html",
        measure=measure,
        by=shown.asked.by,
        year=name_year(year),
        told=told,
        beside=beside,
        england=_target(beside),
        purpose=purpose,
        least=shown.preset.smallest_count_shown,
        base=shown.preset.rounding_base,
        small=bool(shown.asked.scope.schools),
    )


def _tell(shown: Shown) -> Told:
    asked = shown.asked
    plan = derive_plan(asked.sql, Path.PER_AUTHORITY)
    lines = read_lines(asked.measure, plan, shown.table.rows, shown.preset)
    return Told(_name_scope(shown), name_columns(asked.measure), lines, shown.preset.name, shown.snapshot)


def _name_scope(shown: Shown) -> str:
    schools = sorted(shown.asked.scope.schools)
    if not schools:
        return "All children in our care"
    if len(schools) == 1:
        return f"Our children at school {name_known_school(schools[0])}"
    return f"Our children at your {len(schools)} schools together"


def _target(beside: tuple[Beside, ...]) -> float | None:
    """The share of England, around which the funnel is drawn."""
    share = next((each.share for each in beside if each.place == "England"), None)
    return None if share is None else float(share)


def offer_scopes(visitor: Person) -> Iterator[tuple[str, str]]:
    """Yield whose figures somebody may ask for, as the form sends it and as people name it."""
    if the_node().policy().permits(ALL_OURS.request(visitor.role)):
        yield AUTHORITY, "all children in our care"
    if len(visitor.works_at) > 1:
        yield OWN_SCHOOLS, f"those at your {len(visitor.works_at)} schools together"
    for urn in visitor.works_at:
        yield str(urn), f"those at school {name_known_school(urn)}"


def sees_any_school(visitor: Person) -> bool:
    """Whether somebody may ask for figures of our children at any school."""
    return may(visitor, "home", "aggregate", "school_aggregates")


def read_choice() -> tuple[int | None, str]:
    """Return the academic year of a form, None where it has none, and whose figures are asked for."""
    year, whose = request.form.get("year", ""), request.form.get("whose", AUTHORITY)
    is_year = year.isascii() and year.isdigit() and len(year) == 6
    return int(year) if is_year else None, request.form.get("school", "").strip() or whose


def offer_years() -> list[tuple[str, str]]:
    """Return the academic years that can be asked for, the newest first, as the form sends and as people name them."""
    snapshot = the_node().store.current()
    years = sorted(snapshot.academic_years, reverse=True) if snapshot else ()
    return [(str(year), name_year(year)) for year in years]


def _show_form(visitor: Person, errors: dict[str, str], status: int = 200) -> Page:
    declared = load_declared()
    page = render_template(
        "figures_form.html",
        measures=[(each.name, f"{each.topic.capitalize()}: {each.title}") for each in declared.measure],
        breakdowns=[("", "nothing")] + [(each.name, each.title) for each in declared.breakdown],
        years=offer_years(),
        scopes=list(offer_scopes(visitor)),
        any_school=sees_any_school(visitor),
        given={name: request.form.get(name, "") for name in ("measure", "by", "year", "whose", "school", "purpose")},
        errors=errors,
    )
    return page, status

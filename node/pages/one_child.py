"""One child: over our own records, or at the node of one other authority. Whom we seek is sent in a form, never in an
address; the search is logged whatever it finds."""

from collections.abc import Mapping, Sequence

from flask import Blueprint, render_template, request

from federation.lookups import ChildSought, LookupOutcome
from federation.state import StateError
from node.lookups.area_children import FIELDS as AREA_FIELDS
from node.lookups.area_children import find_area_child
from node.lookups.errand import LookupResult
from node.lookups.file_fields import FILE_FIELDS
from node.lookups.one_child import LISTING, QUESTIONS, ask_one_child, find_own_child
from node.lookups.purpose import PurposeMissing
from node.lookups.sought_child import SoughtUnclear, read_sought
from node.pages.area import HEADINGS
from node.pages.staff import list_area_relations, may_search, require_visitor_who, the_node
from node.pages.through_hub import PATIENCE, reach_hub
from node.pages.tracking_forms import reference_by_number
from node.people import Person
from node.tracking.summary import ChildSummary
from node.tracking.told_child import summarise_told
from policies.names import Action, Relation

one_child = Blueprint("one_child", __name__)

NOT_YOURS = "single children are sought by the virtual school: your role may not"

FIELDS = ("upn", "la_child_id", "forename", "surname", "date_of_birth", "loosely")
"""What the form has of whom is sought."""

Page = str | tuple[str, int]


@one_child.get("/child")
def ask_whom() -> Page:
    """Ask whom is sought, where and why."""
    require_visitor_who(may_search, NOT_YOURS)
    return _show_form({})


@one_child.post("/child")
def show_child() -> Page:
    """Seek the child, and show what was found or who did not tell, and why."""
    visitor = require_visitor_who(may_search, NOT_YOURS)
    purpose, where = request.form.get("purpose", ""), request.form.get("where", "")
    try:
        sought = read_sought({name: request.form.get(name, "") for name in FIELDS})
        if where == "here":
            return _show_own(visitor, purpose, sought)
        if relation := next((each for each in list_area_relations(visitor, Action.SEARCH) if each == where), None):
            return _show_area(visitor, purpose, relation, sought)
        found = ask_authority(visitor, purpose, sought, where, request.form.get("at", "").strip())
    except SoughtUnclear as unclear:
        return _show_form(unclear.errors, 400)
    except PurposeMissing as missing:
        return _show_form({"purpose": str(missing)}, 400)
    except StateError as unclear:
        return _show_form({"at" if where in QUESTIONS else "where": str(unclear)}, 400)
    tracked = [summarise_told(the_node(), answer, file) for answer in found.answers for file in answer.files]
    return show_answer(found, purpose, tracked)


def ask_authority(visitor: Person, purpose: str, sought: ChildSought, whose: str, at: str) -> LookupResult:
    """Ask through the hub. Raises as `ask_one_child`, and a 503 problem where the hub cannot be reached."""
    node = the_node()
    with reach_hub(node) as hub:
        return ask_one_child(node, hub, visitor, purpose, sought, whose=whose, at=at, patience=PATIENCE)


def _show_own(visitor: Person, purpose: str, sought: ChildSought) -> Page:
    rows = find_own_child(the_node(), visitor.id, purpose, sought)
    files = [list(zip(LISTING.columns, row, strict=True)) for row in rows]
    shown = {
        "source": "",
        "purpose": purpose,
        "answer": None,
        "waits": False,
        "missing": (),
        "tracked": (),
        "references": [reference_by_number(number) for number, *_ in rows],
    }
    return render_template("child_found.html", files=files, **shown)


def _show_area(visitor: Person, purpose: str, relation: Relation, sought: ChildSought) -> Page:
    found = find_area_child(the_node(), visitor.id, purpose, relation, sought)
    files = [list(zip(AREA_FIELDS, row, strict=True)) for row in found.rows]
    shown = {"source": "", "purpose": purpose, "answer": None, "waits": False, "missing": (), "tracked": ()}
    return render_template("child_found.html", files=files, references=(), **shown)


def show_answer(found: LookupResult, purpose: str, tracked: Sequence[ChildSummary | str | None] = ()) -> str:
    """Show what the one asked authority answered, and what it said of each child's tracking record."""
    answer = found.answers[0] if found.answers else None
    return render_template(
        "child_found.html",
        files=[[(name, getattr(file, name)) for name in FILE_FIELDS] for file in answer.files] if answer else [],
        source=answer.authority if answer else "",
        purpose=purpose,
        answer=answer,
        waits=answer is not None and answer.outcome is LookupOutcome.HELD,
        missing=found.missing,
        tracked=tracked,
        references=(),
    )


def _show_form(errors: Mapping[str, str], status: int = 200) -> Page:
    """Show the form. Where something is wrong, what was typed about the child is typed again, and not sent back."""
    given = {name: request.form.get(name, "") for name in ("purpose", "where", "at")}
    visitor = require_visitor_who(may_search, NOT_YOURS)
    areas = [
        (relation, f"Children of our schools who are not in care: {HEADINGS[relation][0].lower()}", "")
        for relation in list_area_relations(visitor, Action.SEARCH)
    ]
    return render_template("child_form.html", errors=errors, given=given, areas=areas), status

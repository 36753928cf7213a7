"""The class list of a designated teacher: children in care at their school, from every home authority."""

from flask import Blueprint, render_template, request

from federation.state import StateError
from node.lookups.class_list import OURS, ClassList, read_class
from node.lookups.file_fields import FILE_FIELDS
from node.lookups.purpose import PurposeMissing
from node.pages.placed_here import child_first
from node.pages.staff import may_read_class, require_visitor_who, the_node
from node.pages.through_hub import PATIENCE, reach_hub
from node.people import Person

class_list = Blueprint("class_list", __name__)

NOT_YOURS = "a class list is for the designated teacher of a school"

Page = tuple[str, int]


@class_list.get("/class-list")
def ask_purpose() -> Page:
    """Ask why the list is read."""
    require_visitor_who(may_read_class, NOT_YOURS)
    return _show_form("", {})


@class_list.post("/class-list")
def show_class() -> Page:
    """Show the children in care at the visitor's school, and who did not tell of theirs."""
    visitor = require_visitor_who(may_read_class, NOT_YOURS)
    purpose = request.form.get("purpose", "")
    try:
        found = ask_everybody(visitor, purpose)
    except (PurposeMissing, StateError) as missing:
        return _show_form(purpose, {"purpose": str(missing)}, 400)
    rows = [child_first((the_node().authority if home == OURS else home, *file)) for home, *file in found.rows]
    columns = [index for index in range(1 + len(FILE_FIELDS)) if any(row[index] is not None for row in rows)]
    headings = child_first(("home", *FILE_FIELDS))
    page = render_template(
        "class_list.html",
        school=visitor.school_urn,
        columns=[headings[index] for index in columns],
        rows=[[row[index] for index in columns] for row in rows],
        missing=found.others.missing,
        refusals=[answer for answer in found.others.answers if answer.code],
        purpose=purpose,
    )
    return page, 200


def ask_everybody(visitor: Person, purpose: str) -> ClassList:
    """Read our own and ask the others. Raises as `read_class`, and a 503 problem where the hub cannot be reached."""
    node = the_node()
    with reach_hub(node) as hub:
        return read_class(node, hub, visitor, purpose, patience=PATIENCE)


def _show_form(purpose: str, errors: dict[str, str], status: int = 200) -> Page:
    return render_template("class_list_purpose.html", purpose=purpose, errors=errors), status

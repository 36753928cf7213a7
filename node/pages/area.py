"""Children of our area who are not in care: those of one status, where our policy has the duty to them switched on.

They are on a page of their own, never among the children in care.
"""

from collections.abc import Mapping

from flask import Blueprint, render_template, request

from federation.state import StateError
from node.lookups.area_children import FIELDS, list_area_children
from node.lookups.purpose import PurposeMissing
from node.pages.staff import list_area_relations, may_read_area, require_visitor_who, the_node
from policies.names import BY_AREA, Action, Relation

area = Blueprint("area", __name__)

NOT_YOURS = (
    "children who are not in care are shown where the authority's own access policy has switched that on for your role"
)

HEADINGS: Mapping[Relation, tuple[str, str]] = {
    Relation.PREVIOUSLY_HERE: (
        "Previously looked after",
        "By anybody: adopted, or under a special guardianship, residence or child arrangements order, as parents told "
        "the school, or by our own return.",
    ),
    Relation.IN_NEED_HERE: ("In need", "By the children in need census, or our own list."),
    Relation.KINSHIP_HERE: ("In kinship care", "With relatives or friends, by our own list."),
}
"""What the children of each status are called on a page, and who they are."""

STATUS = tuple(FIELDS).index("status")
"""The one column that the heading says already: every child of a list has it alike."""


@area.get("/area")
def ask_status() -> tuple[str, int]:
    """Ask which children are meant, and why."""
    require_visitor_who(may_read_area, NOT_YOURS)
    return _show_form({})


@area.post("/area")
def show_area() -> tuple[str, int] | str:
    """Show the children of one status, once the purpose has been logged."""
    visitor = require_visitor_who(may_read_area, NOT_YOURS)
    purpose, wanted = request.form.get("purpose", ""), request.form.get("status", "")
    relation = next((each for each in list_area_relations(visitor, Action.LIST) if BY_AREA[each] == wanted), None)
    if relation is None:
        return _show_form({"status": "choose whom you need the list of"}, 400)
    try:
        found = list_area_children(the_node(), visitor.id, purpose, relation)
    except PurposeMissing as missing:
        return _show_form({"purpose": str(missing)}, 400)
    except StateError as not_made:
        return _show_form({"status": str(not_made)}, 400)
    told = [index for index, _ in enumerate(FIELDS) if any(row[index] is not None for row in found.rows)]
    shown = [index for index in told if index != STATUS]
    return render_template(
        "area.html",
        title=HEADINGS[relation][0],
        meaning=HEADINGS[relation][1],
        columns=[name for index, name in enumerate(FIELDS) if index in shown],
        rows=[[row[index] for index in shown] for row in found.rows],
        snapshot=found.snapshot,
        purpose=purpose,
    )


def _show_form(errors: Mapping[str, str], status: int = 200) -> tuple[str, int]:
    visitor = require_visitor_who(may_read_area, NOT_YOURS)
    statuses = [(BY_AREA[relation], *HEADINGS[relation]) for relation in list_area_relations(visitor, Action.LIST)]
    given = {name: request.form.get(name, "") for name in ("purpose", "status")}
    return render_template("area_form.html", statuses=statuses, given=given, errors=errors), status

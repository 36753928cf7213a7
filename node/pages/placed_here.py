"""Children of other authorities who are educated in our area: asked of every other node, for a purpose.

Each home authority decides what we see. Nodes that have not answered are named.
"""

from collections.abc import Sequence
from typing import TypeVar

from flask import Blueprint, render_template, request

from federation.state import StateError
from node.lookups.asking import ask_placed_here
from node.lookups.command import HEADINGS, list_rows
from node.lookups.errand import LookupResult
from node.lookups.on_our_rolls import list_on_our_rolls
from node.lookups.purpose import PurposeMissing
from node.pages.staff import may_read_placed_here, require_visitor_who, the_node
from node.pages.through_hub import PATIENCE, reach_hub
from node.people import Person
from policies.access_policy import AccessDenied

placed_here = Blueprint("placed_here", __name__)

Cell = TypeVar("Cell")

NOT_YOURS = "other authorities' children are looked up by the virtual school: your role may not"


@placed_here.get("/placed-here")
def ask_purpose() -> str:
    """Ask why other authorities are asked."""
    require_visitor_who(may_read_placed_here, NOT_YOURS)
    return render_template("placed_here_purpose.html", purpose="", errors={})


@placed_here.post("/placed-here")
def show_placed_here() -> tuple[str, int] | str:
    """Ask every other node, and show what they answered and who did not."""
    visitor = require_visitor_who(may_read_placed_here, NOT_YOURS)
    purpose = request.form.get("purpose", "")
    try:
        found = ask_others(visitor, purpose)
    except PurposeMissing as missing:
        return render_template("placed_here_purpose.html", purpose=purpose, errors={"purpose": str(missing)}), 400
    refusals = [answer for answer in found.answers if answer.code]
    return render_template(
        "placed_here.html",
        columns=[heading[0].upper() + heading[1:] for heading in child_first(HEADINGS)],
        rows=[child_first(row) for row in list_rows(found)],
        missing=found.missing,
        refusals=refusals,
        contacts=[(answer.authority, answer.contact) for answer in found.answers if answer.children],
        purpose=purpose,
    )


def child_first(row: Sequence[Cell]) -> Sequence[Cell]:
    """A row with the child at its head, and then the home, by which whoever listens could not tell rows apart."""
    home, child, *others = row
    return child, home, *others


@placed_here.post("/placed-here/on-our-rolls")
def show_on_our_rolls() -> tuple[str, int] | str:
    """Show the children in others' care whom our own files tell of; nobody else is asked."""
    visitor = require_visitor_who(may_read_placed_here, NOT_YOURS)
    purpose = request.form.get("purpose", "")
    try:
        found = list_on_our_rolls(the_node(), visitor.id, purpose)
    except (PurposeMissing, StateError) as missing:
        return render_template("placed_here_purpose.html", purpose=purpose, errors={"purpose": str(missing)}), 400
    except AccessDenied:
        # The policy, or the role, was changed between the two requests.
        require_visitor_who(lambda _: False, NOT_YOURS)
        raise
    return render_template("on_our_rolls.html", rows=[child.row for child in found], purpose=purpose)


def ask_others(visitor: Person, purpose: str) -> LookupResult:
    """Ask through the hub. Raises `PurposeMissing`, and a 503 problem where the hub cannot be reached."""
    node = the_node()
    with reach_hub(node) as hub:
        return ask_placed_here(node, hub, visitor, purpose, patience=PATIENCE)

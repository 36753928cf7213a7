"""Children who were named to the visitor: by our own authority, or by another that is asked alone."""

from flask import Blueprint, render_template, request

from federation.lookups import ChildFile
from federation.state import StateError
from node.lookups.asking import ask_lookup
from node.lookups.delegation.shelf import list_come_to
from node.lookups.errand import LookupResult
from node.lookups.file_fields import FILE_FIELDS
from node.lookups.named_children import NAMED_TO_US, read_named_to
from node.lookups.purpose import PurposeMissing
from node.pages.staff import may_read_named, require_visitor_who, the_node
from node.pages.through_hub import PATIENCE, reach_hub
from node.people import Person
from node.tracking.told_child import summarise_named, summarise_told

named = Blueprint("named", __name__)

NOT_YOURS = "no child can be named to your role"

Page = tuple[str, int]


@named.get("/named")
def ask_purpose() -> Page:
    """Ask which authority named children, and why they are read."""
    require_visitor_who(may_read_named, NOT_YOURS)
    return _show_form({})


@named.post("/named")
def show_named() -> Page:
    """Show the children who are named to the visitor now, once that is logged."""
    visitor = require_visitor_who(may_read_named, NOT_YOURS)
    purpose, at = request.form.get("purpose", ""), request.form.get("at", "").strip()
    try:
        if at in ("", the_node().authority):
            return _show_files(read_named_to(the_node(), visitor.id, purpose), purpose, None)
        return _show_files((), purpose, ask_authority(visitor, purpose, at))
    except PurposeMissing as missing:
        return _show_form({"purpose": str(missing)}, 400)
    except StateError as unknown:
        return _show_form({"at": str(unknown)}, 400)


def ask_authority(visitor: Person, purpose: str, at: str) -> LookupResult:
    """Ask through the hub. Raises as `ask_lookup`, and a 503 problem where the hub cannot be reached."""
    node = the_node()
    with reach_hub(node) as hub:
        return ask_lookup(node, hub, visitor, purpose, NAMED_TO_US, at=at, patience=PATIENCE)


def _show_files(files: tuple[ChildFile, ...], purpose: str, found: LookupResult | None) -> Page:
    answers = found.answers if found else ()
    own = [(file, summarise_named(the_node(), file)) for file in files]
    theirs = [(file, summarise_told(the_node(), answer, file)) for answer in answers for file in answer.files]
    page = render_template(
        "named.html",
        files=[([(name, getattr(file, name)) for name in FILE_FIELDS], told) for file, told in (*own, *theirs)],
        refusals=[answer for answer in answers if answer.code],
        missing=found.missing if found else (),
        purpose=purpose,
    )
    return page, 200


def _show_form(errors: dict[str, str], status: int = 200) -> Page:
    node, visitor = the_node(), require_visitor_who(may_read_named, NOT_YOURS)
    page = render_template(
        "named_form.html",
        come=list_come_to(node, visitor),
        today=node.clock().date(),
        errors=errors,
        given={name: request.form.get(name, "") for name in ("purpose", "at")},
    )
    return page, status

"""Naming children of ours to another authority's virtual school head, or one child to one of our own people."""

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from federation.problems import ProblemRaised
from federation.state import StateError
from node.lookups.delegations import give_delegation, list_given, revoke_delegation
from node.lookups.drafts import read_draft
from node.pages.staff import may_delegate, require_visitor_who, the_node
from policies.access_policy import AccessDenied
from policies.names import CHILD_RECORD, FIELD_GROUP_MEANINGS

delegations = Blueprint("delegations", __name__)

NOT_YOURS = "naming our children to others is for the virtual school head"


@delegations.get("/delegations")
def show_delegations() -> tuple[str, int]:
    """Show what was given, and the form for another."""
    require_visitor_who(may_delegate, NOT_YOURS)
    return _show({})


@delegations.post("/delegations")
def give() -> AnyResponse | tuple[str, int]:
    """Sign a delegation and keep it."""
    visitor, form = require_visitor_who(may_delegate, NOT_YOURS), request.form
    try:
        draft = read_draft(
            authority=form.get("authority", ""),
            person=form.get("person", ""),
            children=form.get("children", ""),
            groups=form.getlist("groups"),
            first=form.get("first", ""),
            last=form.get("last", ""),
            purpose=form.get("purpose", ""),
        )
        give_delegation(the_node(), visitor, draft)
    except StateError as error:
        return _show({"children": str(error)}, 400)
    except AccessDenied as denied:
        raise ProblemRaised(403, "not_permitted", denied.text) from None
    return redirect("/delegations", 303)


@delegations.post("/delegations/revoke")
def revoke() -> AnyResponse | tuple[str, int]:
    """End a delegation now."""
    visitor = require_visitor_who(may_delegate, NOT_YOURS)
    try:
        revoke_delegation(the_node(), visitor, request.form.get("delegation_id", ""))
    except StateError as error:
        return _show({"children": str(error)}, 400)
    except AccessDenied as denied:
        raise ProblemRaised(403, "not_permitted", denied.text) from None
    return redirect("/delegations", 303)


def _show(errors: dict[str, str], status: int = 200) -> tuple[str, int]:
    node = the_node()
    page = render_template(
        "delegations.html",
        given=list_given(node),
        today=node.clock().date(),
        own=node.authority,
        groups=[(group, FIELD_GROUP_MEANINGS[group]) for group in CHILD_RECORD],
        errors=errors,
    )
    return page, status

"""Naming children of ours to another authority's virtual school head, or one child to one of our own people.

Two steps: the delegation is written and shown; the giver's passkey answers the hash of its exact bytes, and it is
given. The receiving node is told of it then, and of its end.
"""

from contextlib import suppress

from flask import Blueprint, redirect, render_template, request
from werkzeug.datastructures import ImmutableMultiDict, MultiDict
from werkzeug.wrappers import Response as AnyResponse

from federation.problems import ProblemRaised
from federation.state import StateError
from federation.web.site import allow_script
from federation.webauthn import Assertion, WebAuthnRefused, decode_base64url, encode_base64url
from node.lookups.delegation.drafts import DraftInvalid, read_draft
from node.lookups.delegation.giving import Written, revoke_delegation, sign_with_passkey, write_delegation
from node.lookups.delegation.shelf import is_still_signed, list_given
from node.lookups.delegation.telling import list_untold, tell_receivers
from node.pages.staff import may_delegate, require_visitor_who, the_node
from node.pages.through_hub import reach_hub
from policies.access_policy import AccessDenied
from policies.names import CHILD_RECORD, FIELD_GROUP_MEANINGS

delegations = Blueprint("delegations", __name__)

NOT_YOURS = "naming our children to others is for the virtual school head"

TELLING_SECONDS = 5
"""How long a page waits for the receiving node to say that it has heard."""

KEPT_TYPED = ("authority", "person", "first", "last", "purpose")
"""What a form that was refused is filled in with again: all but children's numbers, which go back to no browser."""

NOTHING = ImmutableMultiDict[str, str]()

Page = tuple[str, int]


@delegations.get("/delegations")
def show_delegations() -> Page:
    """Show what was given, and the form for another."""
    require_visitor_who(may_delegate, NOT_YOURS)
    return _show({})


@delegations.post("/delegations")
def write() -> Page:
    """Write a delegation, and show what the giver's passkey is about to sign."""
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
        return _show_written(write_delegation(the_node(), visitor, draft))
    except DraftInvalid as invalid:
        return _show(dict(invalid.errors), 400, form)
    except StateError as error:
        return _show({}, 400, form, problem=str(error))
    except AccessDenied as denied:
        raise ProblemRaised(403, "not_permitted", denied.text) from None


def _show_written(written: Written) -> Page:
    allow_script()
    page = render_template(
        "delegation_sign.html",
        it=written.delegation,
        own=the_node().authority,
        ticket=encode_base64url(written.challenge),
        relying_party=written.relying_party,
    )
    return page, 200


@delegations.post("/delegations/sign")
def sign() -> AnyResponse | Page:
    """Take in the passkey's answer, and tell the receiving node."""
    visitor, form = require_visitor_who(may_delegate, NOT_YOURS), request.form
    try:
        parts = [decode_base64url(form.get(name, "")) for name in Assertion.__dataclass_fields__]
        credential = decode_base64url(form.get("credential", ""))
        sign_with_passkey(the_node(), visitor, form.get("delegation_id", ""), credential, Assertion(*parts))
    except WebAuthnRefused as refused:
        raise ProblemRaised(400, "passkey_unreadable", str(refused)) from None
    except StateError as error:
        return _show({}, 400, problem=str(error))
    except AccessDenied as denied:
        raise ProblemRaised(403, "not_permitted", denied.text) from None
    return _tell()


@delegations.post("/delegations/revoke")
def revoke() -> AnyResponse | Page:
    """End a delegation now."""
    visitor = require_visitor_who(may_delegate, NOT_YOURS)
    try:
        revoke_delegation(the_node(), visitor, request.form.get("delegation_id", ""))
    except StateError as error:
        return _show({}, 400, problem=str(error))
    except AccessDenied as denied:
        raise ProblemRaised(403, "not_permitted", denied.text) from None
    return _tell()


@delegations.post("/delegations/tell")
def tell() -> AnyResponse:
    """Tell the receiving nodes once more what they have not heard, or did not take."""
    require_visitor_who(may_delegate, NOT_YOURS)
    return _tell(anew=True)


def _tell(*, anew: bool = False) -> AnyResponse:
    """Tell whoever has not heard, and go back to the list, which says who has: it is given or ended all the same."""
    node = the_node()
    if list_untold(node, anew=anew):
        with suppress(ProblemRaised), reach_hub(node) as hub:
            tell_receivers(node, hub, patience=TELLING_SECONDS, anew=anew)
    return redirect("/delegations", 303)


def _show(
    errors: dict[str, str], status: int = 200, typed: MultiDict[str, str] = NOTHING, *, problem: str = ""
) -> Page:
    """Return the page with what is wrong: at the fields that it is about, or with the whole."""
    node = the_node()
    page = render_template(
        "delegations.html",
        given=[(one, is_still_signed(node, one)) for one in list_given(node)],
        today=node.clock().date(),
        own=node.authority,
        groups=[(group, FIELD_GROUP_MEANINGS[group]) for group in CHILD_RECORD],
        typed={name: typed.get(name, "") for name in KEPT_TYPED},
        ticked=typed.getlist("groups"),
        errors=errors,
        problem=problem,
    )
    return page, status

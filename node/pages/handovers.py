"""Hand-overs: one child's record offered to another authority, signed by passkey; and what others offer us.

The list names no child. Whoever opens an offer sees whose record it is, once that is logged; of an accepted one, what
came with it.
"""

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from federation.handovers import DeclineReason, Occasion
from federation.problems import ProblemRaised
from federation.state import StateError
from federation.web.site import allow_script
from federation.webauthn import Assertion, WebAuthnRefused, decode_base64url, encode_base64url
from node.lookups.handover.deciding import Place, accept, decline, find_place_for, find_waiting
from node.lookups.handover.offering import (
    Wish,
    Written,
    find_to_send,
    send_offer,
    sign_with_passkey,
    withdraw_offer,
    write_offer,
)
from node.lookups.handover.reading import Shown, show_come
from node.lookups.handover.shelf import State, clear, list_come, list_given
from node.lookups.purpose import PurposeMissing
from node.pages.staff import may_delegate, require_visitor_who, the_node
from node.pages.through_hub import PATIENCE, reach_hub
from node.pages.tracking_forms import child_meant, reference_to, visit_stated
from node.tracking.known import KnownChild
from node.tracking.record import RecordMoved
from node.tracking.visit import Visit
from policies.access_policy import AccessDenied
from policies.names import CHILD_RECORD, FIELD_GROUP_MEANINGS, FieldGroup

handovers = Blueprint("handovers", __name__)

NOT_YOURS = "handing records over is for the virtual school head"

Page = tuple[str, int]


@handovers.get("/handovers")
def show_handovers() -> Page:
    """Show what waits for us, and where everything else stands."""
    require_visitor_who(may_delegate, NOT_YOURS)
    return _show({})


def _show(errors: dict[str, str], status: int = 200) -> Page:
    node = the_node()
    clear(node)
    page = render_template("handovers.html", come=list_come(node), given=list_given(node), State=State, errors=errors)
    return page, status


@handovers.post("/handovers/form")
def show_form() -> Page:
    """Show the form in which one child's record is offered."""
    require_visitor_who(may_delegate, NOT_YOURS)
    return _show_form(*_child_meant(), {})


def _child_meant() -> tuple[Visit, KnownChild]:
    try:
        visit = visit_stated()
    except PurposeMissing as missing:
        raise ProblemRaised(400, "purpose_missing", str(missing)) from None
    child = child_meant(visit)
    visit.sign_for([child], page="handover")
    return visit, child


def _show_form(visit: Visit, child: KnownChild, errors: dict[str, str], status: int = 200) -> Page:
    given = {name: request.form.get(name, "") for name in ("authority", "occasion", "why")}
    groups = [(group, FIELD_GROUP_MEANINGS[group]) for group in CHILD_RECORD if group is not FieldGroup.IDENTITY]
    page = render_template(
        "handover_form.html",
        visit=visit,
        child=child,
        reference=reference_to(child),
        occasions=[(each.value, f"{each.meaning[0].upper()}{each.meaning[1:]}", "") for each in Occasion],
        groups=groups,
        given=given,
        errors=errors,
    )
    return page, status


@handovers.post("/handovers/write")
def write() -> Page:
    """Write the offer, and show what the head's passkey is about to sign."""
    visitor, form = require_visitor_who(may_delegate, NOT_YOURS), request.form
    visit, child = _child_meant()
    wish = Wish(
        child.token,
        form.get("authority", "").strip(),
        form.get("occasion", ""),
        form.get("why", ""),
        tuple(form.getlist("withheld")),
    )
    try:
        written = write_offer(the_node(), visitor, wish)
    except StateError as error:
        return _show_form(visit, child, {"authority": str(error)}, 400)
    except AccessDenied as denied:
        raise ProblemRaised(403, "not_permitted", denied.text) from None
    return _show_written(child, written)


def _show_written(child: KnownChild, written: Written) -> Page:
    allow_script()
    page = render_template(
        "handover_sign.html",
        child=child,
        offer=written.offer,
        ticket=encode_base64url(written.challenge),
        relying_party=written.relying_party,
    )
    return page, 200


@handovers.post("/handovers/sign")
def sign() -> AnyResponse | Page:
    """Take in the passkey's answer, and send the offer."""
    visitor, form = require_visitor_who(may_delegate, NOT_YOURS), request.form
    handover_id = form.get("handover", "")
    try:
        parts = [decode_base64url(form.get(name, "")) for name in Assertion.__dataclass_fields__]
        credential = decode_base64url(form.get("credential", ""))
        sign_with_passkey(the_node(), visitor, handover_id, credential, Assertion(*parts))
    except WebAuthnRefused as refused:
        raise ProblemRaised(400, "passkey_unreadable", str(refused)) from None
    except StateError as error:
        return _show({"handover": str(error)}, 400)
    return _send(handover_id)


@handovers.post("/handovers/send")
def send() -> AnyResponse | Page:
    """Send an offer once more that the other node has not confirmed."""
    require_visitor_who(may_delegate, NOT_YOURS)
    return _send(request.form.get("handover", ""))


def _send(handover_id: str) -> AnyResponse | Page:
    visitor, node = require_visitor_who(may_delegate, NOT_YOURS), the_node()
    try:
        find_to_send(node, visitor, handover_id)
        with reach_hub(node, "it is kept, and can be sent again from the list") as hub:
            send_offer(node, hub, visitor, handover_id, patience=PATIENCE)
    except StateError as error:
        return _show({"handover": str(error)}, 400)
    return redirect("/handovers", 303)


@handovers.post("/handovers/withdraw")
def withdraw() -> AnyResponse | Page:
    """Take an offer back."""
    visitor = require_visitor_who(may_delegate, NOT_YOURS)
    try:
        withdraw_offer(the_node(), visitor, request.form.get("handover", ""))
    except StateError as error:
        return _show({"handover": str(error)}, 400)
    return redirect("/handovers", 303)


@handovers.post("/handovers/open")
def open_one() -> Page:
    """Show one offer that came to us: whose record it is, and of an accepted one the copy."""
    return _open({})


def _open(errors: dict[str, str], status: int = 200) -> Page:
    visitor, node = require_visitor_who(may_delegate, NOT_YOURS), the_node()
    try:
        shown = show_come(node, visitor, request.form.get("handover", ""))
        place = find_place_for(node, shown.come.offer.handover_id) if shown.come.state is State.WAITING else None
    except StateError as error:
        return _show({"handover": str(error)}, 400)
    except AccessDenied as denied:
        raise ProblemRaised(403, "not_permitted", denied.text) from None
    return _render_one(shown, place, errors), status


def _render_one(shown: Shown, place: Place | None, errors: dict[str, str]) -> str:
    offer = shown.come.offer
    return render_template(
        "handover_come.html",
        shown=shown,
        offer=offer,
        place=place,
        is_new_home=offer.occasion is Occasion.NEW_HOME,
        waits=shown.come.state is State.WAITING,
        reasons=[(each.value, f"{each.meaning[0].upper()}{each.meaning[1:]}", "") for each in DeclineReason],
        errors=errors,
    )


@handovers.post("/handovers/accept")
def take() -> AnyResponse | Page:
    """Collect a record, and set it down upon the version that the page showed, or keep a copy."""
    visitor, node, form = require_visitor_who(may_delegate, NOT_YOURS), the_node(), request.form
    handover_id = form.get("handover", "")
    try:
        place = find_place_for(node, handover_id, form.get("number", ""))
        if place is not None and form.get("version", "") not in ("", str(place.version)):
            return _open({"number": "the record has moved on since this page was made: look at it again"}, 409)
        with reach_hub(node) as hub:
            accept(node, hub, visitor, handover_id, place, patience=PATIENCE)
    except RecordMoved as moved:
        return _open({"number": str(moved)}, 409)
    except StateError as error:
        return _open({"number": str(error)}, 400)
    except AccessDenied as denied:
        raise ProblemRaised(403, "not_permitted", denied.text) from None
    return redirect("/handovers", 303)


@handovers.post("/handovers/decline")
def turn_down() -> AnyResponse | Page:
    """Do not accept a record, and tell the other head why."""
    visitor, node, form = require_visitor_who(may_delegate, NOT_YOURS), the_node(), request.form
    try:
        find_waiting(node, form.get("handover", ""))
        with reach_hub(node) as hub:
            decline(node, hub, visitor, form.get("handover", ""), form.get("reason", ""), patience=PATIENCE)
    except StateError as error:
        return _open({"reason": str(error)}, 400)
    except AccessDenied as denied:
        raise ProblemRaised(403, "not_permitted", denied.text) from None
    return redirect("/handovers", 303)

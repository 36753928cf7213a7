"""Emergency access: one exactly identified child at one other authority, signed with the visitor's own passkey.

Two steps: the request is written and shown; the passkey answers the hash of its bytes, and it is sent. Without a script
there is no passkey, and without a passkey no emergency access: the page says whom to call instead.
"""

from collections.abc import Mapping

from flask import Blueprint, render_template, request

from federation.problems import ProblemRaised
from federation.state import StateError
from federation.web.site import allow_script
from federation.webauthn import Assertion, WebAuthnRefused, decode_base64url, encode_base64url
from node.lookups.emergency_asking import check_draft, check_exact, draft_emergency, send_emergency
from node.lookups.errand import LookupResult
from node.lookups.purpose import PurposeMissing
from node.lookups.sought_child import SoughtUnclear, read_sought
from node.pages.one_child import show_answer
from node.pages.staff import may_ask_in_emergency, require_visitor_who, the_node
from node.pages.through_hub import PATIENCE, reach_hub
from node.people import Person

emergency = Blueprint("emergency", __name__)

NOT_YOURS = "emergency access is for the virtual school head: your role may not"

Page = tuple[str, int]


@emergency.get("/emergency")
def ask_whom() -> Page:
    """Ask after whom, of which authority, and for what reason."""
    require_visitor_who(may_ask_in_emergency, NOT_YOURS)
    return _show_form({})


@emergency.post("/emergency")
def write_request() -> Page:
    """Write the request, and show what the passkey is about to sign."""
    visitor, form = require_visitor_who(may_ask_in_emergency, NOT_YOURS), request.form
    at, reason = form.get("at", "").strip(), form.get("purpose", "")
    try:
        given = {name: form.get(name, "").strip() for name in ("upn", "date_of_birth")}
        check_exact(**given, at=at)
        sought = read_sought(given)
        drafted = draft_emergency(the_node(), visitor, reason, sought, at)
    except PurposeMissing as missing:
        return _show_form({"purpose": str(missing)}, 400)
    except SoughtUnclear as unclear:
        return _show_form(unclear.errors, 400)
    except StateError as unclear:
        return _show_form({"at": str(unclear)}, 400)
    allow_script()
    page = render_template(
        "emergency_sign.html",
        draft_id=drafted.draft_id,
        ticket=encode_base64url(drafted.challenge),
        relying_party=drafted.relying_party,
        sought=sought,
        at=at,
        reason=reason,
    )
    return page, 200


@emergency.post("/emergency/send")
def send_request() -> Page:
    """Send the request with the passkey's answer, and show what came back."""
    visitor, form = require_visitor_who(may_ask_in_emergency, NOT_YOURS), request.form
    try:
        parts = [decode_base64url(form.get(name, "")) for name in Assertion.__dataclass_fields__]
        credential = decode_base64url(form.get("credential", ""))
        check_draft(the_node(), visitor, form.get("draft_id", ""))
        found = ask_authority(visitor, form.get("draft_id", ""), credential, Assertion(*parts))
    except WebAuthnRefused as refused:
        raise ProblemRaised(400, "passkey_unreadable", str(refused)) from None
    except StateError as error:
        return _show_form({"upn": str(error)}, 400)
    return show_answer(found, "emergency, as you stated"), 200


def ask_authority(visitor: Person, draft_id: str, credential: bytes, answer: Assertion) -> LookupResult:
    """Send through the hub. Raises as `send_emergency`, and a 503 problem where the hub cannot be reached."""
    node = the_node()
    with reach_hub(node, "call them") as hub:
        return send_emergency(node, hub, visitor, draft_id, credential, answer, patience=PATIENCE)


def _show_form(errors: Mapping[str, str], status: int = 200) -> Page:
    given = {name: request.form.get(name, "") for name in ("purpose", "at")}
    return render_template("emergency_form.html", errors=errors, given=given), status

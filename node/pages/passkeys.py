"""One's own passkeys: enrolled in a session that a one-time code began, listed, and taken away."""

from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from federation.enrolment import fingerprint
from federation.passkeys import Passkey
from federation.problems import ProblemRaised
from federation.register import public_text
from federation.web.session import Means
from federation.web.site import allow_script, change_session, current_session, the_site
from federation.web.tickets import TicketInvalid, check_ticket, derive_from_ticket, issue_ticket
from federation.webauthn import (
    Assertion,
    Ceremony,
    WebAuthnRefused,
    decode_base64url,
    encode_base64url,
    read_registration,
)
from federation.wire import encode_document
from node.pages.staff import may_sign, require_owner, the_node
from node.passkeys import KeptPasskey, enrol_passkey, list_passkeys, remove_passkey, sign_in_by_passkey
from node.people import Person

passkeys = Blueprint("passkeys", __name__)

ENROLLING, SIGNING_IN = "enrol", "sign in"
LONGEST_NAME = 60
DONE = {
    "enrolled": "the passkey is enrolled, and you are signed in with it",
    "removed": "the passkey is removed: nobody can sign in with it any more",
}


@dataclass(frozen=True)
class Asked:
    """What a page tells the script to ask a device for, all of it public."""

    ticket: str
    relying_party: str


def ask_passkey(purpose: str) -> Asked:
    """Return what the script needs on a page that asks for a passkey, which is then allowed to run it."""
    allow_script()
    session, site = current_session() or change_session(), the_site()
    ticket = issue_ticket(session, site.secret, purpose, site.host.clock())
    return Asked(encode_base64url(ticket), the_node().rules().pages.domain)


def read_ceremony(purpose: str) -> Ceremony:
    """Return what a form's passkey must have answered. Raises `TicketInvalid` and `WebAuthnRefused`."""
    session, site, rules = current_session(), the_site(), the_node().rules().pages
    ticket = decode_base64url(request.form.get("ticket", ""))
    if session is None:
        raise TicketInvalid("this page was not made for this browser: reload it and try again")
    check_ticket(ticket, session, site.secret, purpose, site.host.clock())
    return Ceremony(rules.domain, rules.address, ticket)


def read_bytes(name: str) -> bytes:
    """Return what the script wrote into a field of the form. Raises `WebAuthnRefused`."""
    return decode_base64url(request.form.get(name, ""))


def sign_in_visitor() -> Person:
    """Return the person whose passkey a form brings. Raises 400 and 403 problems."""
    try:
        answer = Assertion(*(read_bytes(name) for name in ("client_data", "authenticator_data", "signature")))
        ceremony = read_ceremony(SIGNING_IN)
    except (TicketInvalid, WebAuthnRefused) as refused:
        raise ProblemRaised(400, "passkey_unreadable", str(refused)) from None
    named, handle = request.form.get("credential", ""), request.form.get("handle", "")
    return sign_in_by_passkey(the_node(), named, handle, answer, ceremony)


@passkeys.get("/passkeys")
def show_passkeys() -> str:
    """List one's passkeys, with a form for another where a code has been used for it."""
    owner, node, session = require_owner(), the_node(), current_session()
    kept_passkeys = list_passkeys(node, owner.id)
    enrols = session is not None and session.means is Means.CODE
    return render_template(
        "passkeys.html",
        owner=owner,
        passkeys=kept_passkeys,
        asked=ask_passkey(ENROLLING) if enrols else None,
        handle=handle_of(owner),
        done=DONE.get(request.args.get("done", ""), ""),
        longest_name=LONGEST_NAME,
        for_register=[describe_for_register(kept) for kept in kept_passkeys] if may_sign(owner) else [],
    )


def describe_for_register(kept: KeptPasskey) -> tuple[str, Passkey, str]:
    """Return what the root's keeper is handed of a passkey: its name, what it is, and its fingerprint."""
    host = the_node().rules().pages.address.partition("://")[2]
    key, credential = public_text(kept.credential.public_key), public_text(kept.credential.id)
    registered = Passkey(relying_party=host, credential=credential, public_key=key)
    return kept.name, registered, fingerprint(encode_document(registered))


def handle_of(person: Person) -> str:
    """Return what devices know a person by: always the same here, and nothing that names them."""
    return encode_base64url(derive_from_ticket(person.id.encode(), the_site().secret, "user handle"))


@passkeys.post("/passkeys")
def add_passkey() -> AnyResponse:
    """Enrol a passkey; its device has verified its owner, who is signed in by it from now on."""
    owner, session = require_owner(), current_session()
    if session is None or session.means is not Means.CODE:
        raise ProblemRaised(403, "code_needed", "a passkey is enrolled with a one-time code: ask for a sign-in link")
    name = " ".join(request.form.get("name", "").split())[:LONGEST_NAME] or "My passkey"
    try:
        ceremony = read_ceremony(ENROLLING)
        credential = read_registration(read_bytes("client_data"), read_bytes("authenticator_data"), ceremony)
        enrol_passkey(the_node(), owner, name, credential, handle_of(owner), ceremony.challenge)
    except (TicketInvalid, WebAuthnRefused) as refused:
        raise ProblemRaised(400, "passkey_not_enrolled", f"the passkey was not enrolled: {refused}") from None
    change_session(owner.id, Means.PASSKEY)
    return redirect("/passkeys?done=enrolled", 303)


@passkeys.post("/passkeys/remove")
def drop_passkey() -> AnyResponse:
    """Take one of one's own passkeys away. It ends every session of one's own, but this one goes on as a new one."""
    owner, session = require_owner(), current_session()
    remove_passkey(the_node(), owner.id, request.form.get("passkey", ""), f"{owner.id} ({owner.role})")
    change_session(owner.id, session.means if session else Means.NONE)
    return redirect("/passkeys?done=removed", 303)

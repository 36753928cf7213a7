"""The home page of a node, and signing in and out."""

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from federation.web.session import Means
from federation.web.site import change_session, counting_failures
from node.lookups.notices import count_open
from node.pages.navigation import list_sections
from node.pages.passkeys import SIGNING_IN, ask_passkey, sign_in_visitor
from node.pages.providers import offer_providers
from node.pages.staff import find_visitor, may_read_log, the_node
from node.sign_in import use_code
from policies.names import ROLE_MEANINGS

home = Blueprint("home", __name__)


@home.get("/")
def show_home() -> str:
    """Say what this place is, what is loaded, and what the visitor can do here."""
    visitor = find_visitor()
    if visitor is None:
        return render_template("home.html")
    snapshot = the_node().store.current()
    return render_template(
        "home_signed_in.html",
        meaning=ROLE_MEANINGS[visitor.role],
        snapshot=snapshot,
        open_notices=count_open(the_node()) if may_read_log(visitor) else 0,
        sections=list(list_sections(visitor)),
    )


@home.get("/sign-in")
def show_sign_in() -> str:
    """Offer every way to sign in. A program that follows links, as mail scanners do, uses nothing up."""
    node = the_node()
    return render_template(
        "sign_in.html", asked=ask_passkey(SIGNING_IN), rules=node.rules().pages, providers=offer_providers(node)
    )


@home.post("/sign-in")
def sign_in() -> AnyResponse:
    """Use a code up and begin a session, which has a passkey enrolled first."""
    with counting_failures():
        person = use_code(the_node(), request.form.get("code", "").strip())
    change_session(person.id, Means.CODE)
    return redirect("/passkeys", 303)


@home.post("/sign-in/passkey")
def sign_in_with_passkey() -> AnyResponse:
    """Verify a passkey and begin a session."""
    with counting_failures():
        person = sign_in_visitor()
    change_session(person.id, Means.PASSKEY)
    return redirect("/", 303)


@home.post("/sign-out")
def sign_out() -> AnyResponse:
    """End the session, wherever a copy of its cookie may be."""
    change_session()
    return redirect("/", 303)

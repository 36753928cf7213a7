"""The home page of a node, and signing in and out."""

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from federation.web.site import change_session
from node.pages.staff import find_visitor, list_navigation, the_node
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
        pages=[(address, text) for address, text, _ in list_navigation(visitor) if address != "/"],
    )


@home.get("/sign-in")
def show_sign_in() -> str:
    """Show the button that uses a code up. A program that follows links, as mail scanners do, uses nothing up."""
    return render_template("sign_in.html", code=request.args.get("code", ""))


@home.post("/sign-in")
def sign_in() -> AnyResponse:
    """Use a code up and begin a session."""
    change_session(use_code(the_node(), request.form.get("code", "")).id)
    return redirect("/", 303)


@home.post("/sign-out")
def sign_out() -> AnyResponse:
    """End the session in this browser."""
    change_session()
    return redirect("/", 303)

"""The home page, and signing in and out."""

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from federation.web.session import Means
from federation.web.site import allow_script, change_session, counting_failures
from hub.pages.visitor import find_visitor, may_ask, may_list_queries, may_read_log, the_hub
from hub.sign_in import use_code
from hub.standing import list_queries, list_withdrawn

home = Blueprint("home", __name__)

SHOWN_QUERIES = 5
"""How many of a visitor's newest queries the home page shows."""


@home.get("/")
def show_home() -> str:
    """Say what Circe is and what the visitor can do here."""
    visitor = find_visitor()
    if visitor is None:
        return render_template("home.html")
    return render_template(
        "home_signed_in.html",
        queries=list_queries(the_hub(), visitor, most=SHOWN_QUERIES),
        withdrawn=list_withdrawn(the_hub(), visitor),
        may_ask=may_ask(visitor),
        may_list=may_list_queries(visitor),
        may_read_log=may_read_log(visitor),
    )


@home.get("/sign-in")
def show_sign_in() -> str:
    """Show the form that uses a code up. A program that follows links, as mail scanners do, uses nothing up."""
    allow_script()
    return render_template("sign_in.html")


@home.post("/sign-in")
def sign_in() -> AnyResponse:
    """Use a code up and begin a session."""
    with counting_failures():
        member = use_code(the_hub(), request.form.get("code", "").strip())
    change_session(member.id, Means.CODE)
    return redirect("/", 303)


@home.post("/sign-out")
def sign_out() -> AnyResponse:
    """End the session, wherever a copy of its cookie may be."""
    change_session()
    return redirect("/", 303)

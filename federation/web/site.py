"""A party's pages as one site: its sessions, its forms, its headers, and how a page says no.

`open_site` makes an application serve pages. Doors for software (`/api`, `/federation`) stay outside: they are signed
request by request and need neither cookie nor token.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Protocol

from flask import Blueprint, Flask, Response, current_app, g, render_template, request, url_for
from jinja2 import StrictUndefined
from markupsafe import Markup

from audit.event import tell_action
from federation.number_columns import find_number_columns
from federation.problems import Problem, ProblemRaised
from federation.state import Party
from federation.told_days import tell_day
from federation.web.ended_sessions import end_session, is_ended, note_session
from federation.web.headers import set_headers
from federation.web.rate_limit import RateLimit, TooMany
from federation.web.refused_pages import Refuser, note_refused_page
from federation.web.routes import note_route
from federation.web.session import (
    SEEN_ANEW,
    FormStale,
    Limits,
    LimitsOf,
    Means,
    Session,
    SessionInvalid,
    check_form_token,
    form_token,
    load_secret,
    name_cookie,
    read_session,
    see_again,
    start_session,
    write_session,
)
from federation.web.sign_in_codes import Doorkeeper
from policies.words import name_role

ASSETS = Path(__file__).with_name("assets")

MAX_FORM_BYTES = 64 * 1024
"""The largest form that a page takes in."""

SENTENCES = {
    400: "The request cannot be read: go back, reload the page and try again.",
    404: "There is no page at this address: check it, or start again from the home page.",
    405: "This page cannot be used in that way: start again from the home page.",
    413: "What was sent is too large: shorten it and try again.",
}
"""What a page says of an error that the framework noticed, which comes with no sentence of its own."""

NOBODY_HERE = "no_such_child"
"""The code of a problem with a form that names a child in a way that is nobody's in this session."""

BY_ITSELF = "X-Circe-By-Itself"
"""The header of a request that a page's script makes with nobody doing anything."""

MOST_FAILURES, FAILURES_WITHIN = 20, timedelta(minutes=15)
"""How often one address may fail to sign in, in a while."""

Navigation = tuple[str, str, bool]
"""One entry of a page's navigation: address, text, and whether it is where the visitor is."""


@dataclass(frozen=True)
class Section:
    """A part of the main navigation: what it is called, and its pages, of which it leads to the first."""

    title: str
    pages: tuple[Navigation, ...]

    @property
    def text(self) -> str:
        """What leads to it: a section of one page is called as the page is."""
        return self.title if len(self.pages) > 1 else self.pages[0][1]

    @property
    def address(self) -> str:
        """Where it leads to."""
        return self.pages[0][0]

    @property
    def is_here(self) -> bool:
        """Whether the visitor is on one of its pages."""
        return any(is_here for _, _, is_here in self.pages)


kit = Blueprint("kit", __name__, template_folder="templates", static_folder="assets", static_url_path="/assets")


class Host(Doorkeeper, Refuser, Protocol):
    """A party that serves pages. Its database has the tables that signing in and out, and refusing, need."""

    @property
    def party(self) -> Party:
        """Whose pages these are."""


@dataclass(frozen=True)
class Site:
    """What all pages of one party share. `doors` are the first words of paths that serve software.

    `uploads` are the paths to which whoever has signed in may send files, with the most bytes that each takes in.
    """

    title: str
    cookie: str
    secret: bytes
    host: Host
    doors: frozenset[str]
    limits_of: LimitsOf
    uploads: Mapping[str, int] = field(default_factory=dict)
    failures: RateLimit = field(default_factory=lambda: RateLimit(MOST_FAILURES, FAILURES_WITHIN))


def open_site(
    app: Flask,
    host: Host,
    doors: Iterable[str] = (),
    limits_of: LimitsOf = lambda _: Limits(),
    uploads: Mapping[str, int] | None = None,
) -> None:
    """Make an application serve a party's pages."""
    party = host.party
    secret = load_secret(party.directory)
    cookie = name_cookie(party.member_id, secret)
    app.extensions["site"] = Site(party.profile.title, cookie, secret, host, frozenset(doors), limits_of, uploads or {})
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(
        sentence=as_sentence, breakable=as_breakable, day=tell_day, role=name_role, done=tell_action
    )
    app.jinja_env.globals.update(asset=asset_address, form_token=current_form_token, number_columns=find_number_columns)
    app.context_processor(lambda: {"site": the_site()})
    app.register_blueprint(kit)
    app.before_request(check_form)
    app.after_request(finish_response)
    app.after_request(note_route)


def the_site() -> Site:
    """The site that this application serves."""
    site: Site = current_app.extensions["site"]
    return site


def is_page() -> bool:
    """Whether this request is for a page, or goes to a door for software."""
    return request.path.split("/")[1] not in the_site().doors


def current_session() -> Session | None:
    """The session of whoever makes this request, if there is a good one."""
    if "session" not in g:
        g.session = _read_cookie(the_site())
    session: Session | None = g.session
    return session


def _read_cookie(site: Site) -> Session | None:
    try:
        found = read_session(request.cookies.get(_cookie_name(), ""), site.secret, site.host.clock(), site.limits_of)
    except SessionInvalid:
        return None
    if is_ended(site.host, found):
        g.ended_session = found
        return None
    return found


def navigation_entry(address: str, text: str) -> Navigation:
    """One entry of a page's navigation."""
    return address, text, request.path == address or (address != "/" and request.path.startswith(f"{address}/"))


def make_section(title: str, pages: Iterable[Navigation]) -> Section:
    """A part of the main navigation, of one page at least."""
    return Section(title, tuple(pages))


def change_session(member: str = "", means: Means = Means.NONE) -> Session:
    """Start a new session, for a member or for nobody, and have the response carry it. The one before is ended."""
    before = current_session()
    if before is not None and before.member:
        end_session(the_site().host, before, signed_out=not member)
    session = start_session(the_site().host.clock(), member, means)
    if member:
        note_session(the_site().host, session)
    g.session = g.new_session = session
    return session


def allow_script(*, asking: bool = False) -> None:
    """Let the page that answers this request run our own script files; `asking` lets these ask us for more."""
    g.scripted, g.asking = True, asking


@contextmanager
def counting_failures() -> Iterator[None]:
    """Try to sign somebody in. Raises a 429 problem where their address has failed too often, and counts failures."""
    failures, caller, now = the_site().failures, request.remote_addr or "", the_site().host.clock()
    try:
        failures.check(caller, now)
        yield
    except TooMany:
        raise ProblemRaised(
            429, "too_many_failures", "too many attempts to sign in have failed: wait a quarter of an hour"
        ) from None
    except ProblemRaised as raised:
        if raised.problem.status == 403:
            failures.count(caller, now)
        raise


def current_form_token() -> str:
    """The token for a form on this page; a visitor without a session gets one."""
    return form_token(current_session() or change_session(), the_site().secret)


def check_form() -> None:
    """Raise a 400 problem for a form that was not made here, for this session.

    Where no page takes the form, that is what is answered: nothing would be done with it.
    """
    if request.method in ("GET", "HEAD", "OPTIONS") or not is_page() or request.routing_exception is not None:
        return
    found = current_session()
    most = the_site().uploads.get(request.path, MAX_FORM_BYTES) if found and found.member else MAX_FORM_BYTES
    request.max_content_length = most
    # Without a session, a new one is compared with: its token is in no form.
    session = found or start_session(the_site().host.clock())
    try:
        check_form_token(session, the_site().secret, request.form.get("form_token", ""))
    except FormStale:
        raise ProblemRaised(
            400, "form_stale", "this form is out of date: go back, reload the page and send it again"
        ) from None


def finish_response(response: Response) -> Response:
    """Set the headers, and the cookie of a session that has changed."""
    asset = request.endpoint == "kit.static"
    kept = asset and response.status_code in (200, 304)
    scripted, asking = g.get("scripted", False), g.get("asking", False)
    set_headers(response.headers, secure=request.is_secure, kept=kept, scripted=scripted, asking=asking)
    if not asset and is_page():
        _keep_session()
    if "new_session" in g:
        response.set_cookie(
            _cookie_name(),
            write_session(g.new_session, the_site().secret),
            secure=request.is_secure,
            httponly=True,
            samesite="Lax",
        )
    return response


def _keep_session() -> None:
    """Have a session that is in use say so, in a new cookie now and then.

    A page that looks again by itself is not in use for that: whoever left it open may have left.
    """
    session, now = current_session(), the_site().host.clock()
    if session is None or not session.member or BY_ITSELF in request.headers:
        return
    if now - session.seen >= SEEN_ANEW:
        g.new_session = see_again(session, now)


def _cookie_name() -> str:
    """The prefix, which browsers know, keeps a cookie to the one host that set it over TLS."""
    return ("__Host-" if request.is_secure else "") + the_site().cookie


def note_refusal(problem: Problem) -> None:
    """Log a page that is refused to somebody who has signed in, or to whoever has a session of theirs that was ended.

    Browsers forget an ended session: who still has one has kept a copy. So it is with a child named as in a session
    that is not this one, which no page of this one does.
    """
    if request.url_rule is None:
        return
    session, page = current_session(), f"{request.method} {request.url_rule.rule}"
    if session is not None and session.member:
        if problem.status == 403 or problem.code == NOBODY_HERE:
            note_refused_page(the_site().host, session.member, page, problem.code)
    elif "ended_session" in g:
        note_refused_page(the_site().host, g.ended_session.member, page, "session_ended")


def render_problem(problem: Problem) -> Response:
    """Return a page that says in one sentence what was wrong and what to do."""
    page = render_template("kit/problem.html", title=problem.title, text=problem.detail)
    return Response(page, problem.status, content_type="text/html; charset=utf-8")


def as_sentence(text: str) -> str:
    """Return a text that begins with a capital letter and ends with a full stop."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!", ":")) else ".")


def as_breakable(name: str) -> Markup:
    """Return a name that may be broken after its underscores, without a character more when it is copied."""
    return Markup("_<wbr>").join(name.split("_"))


def asset_address(name: str) -> str:
    """Return the address of an asset, which changes with its content, so that caches may keep it for good."""
    return url_for("kit.static", filename=name, v=_fingerprint(name))


@cache
def _fingerprint(name: str) -> str:
    return hashlib.sha256((ASSETS / name).read_bytes()).hexdigest()[:8]

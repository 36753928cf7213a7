"""A breach, or the drill of one: what a stolen key touched in our log, what to do, and a draft of the notice."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from flask import Blueprint, render_template, request

from audit.event import Action, EventInvalid
from audit.log import LogUnreadable
from audit.search import Search, find_entries
from federation.breach import Span, find_reach, find_stolen
from federation.breach_notice import Notifier, list_steps, write_notice
from federation.drill import Logged
from federation.state import StateError
from node.pages.staff import may_read_log, require_visitor_who, the_node
from node.service import Node

breach = Blueprint("breach", __name__)

NOT_YOURS = "the breach drill is for this authority's information governance officer"

MOST_READ = 200_000
"""Entries of a span that the page reads; `circe audit breach` verifies and reads them all."""

MOST_SHOWN = 200
"""Entries that the page lists; it counts them all."""

Page = tuple[str, int]


@breach.get("/breach")
def ask_what() -> Page:
    """Ask what was stolen, and when it may have been used."""
    require_visitor_who(may_read_log, NOT_YOURS)
    return _show_form({})


@breach.post("/breach")
def drill() -> Page:
    """Show what it touched, what to do, and the draft; sign, send and change nothing."""
    visitor, form, node = require_visitor_who(may_read_log, NOT_YOURS), request.form, the_node()
    try:
        named = {name: form.get(name, "").strip() for name in ("person", "member", "key")}
        stolen = find_stolen(node.register(), **named)
        span = Span(_read_moment("since"), _read_moment("until") if form.get("until", "").strip() else node.clock())
        aware_at = _read_moment("aware") if form.get("aware", "").strip() else node.clock()
        logged = read_span(node, span)
        node.record(node.event(Action.AUDIT_READ, f"{visitor.id} ({visitor.role})", "", drill=stolen.words))
    except (StateError, LogUnreadable, EventInvalid) as unclear:
        return _show_form({"person": str(unclear)}, 400)
    reach = find_reach(logged, stolen, span)
    notifier = Notifier(node.party.profile.title, node.rules().lookups.contact)
    page = render_template(
        "breach.html",
        stolen=stolen,
        span=span,
        reach=reach,
        touched=reach.touched[:MOST_SHOWN],
        cut=len(logged) >= MOST_READ,
        steps=list_steps(stolen),
        notice=write_notice(reach, stolen, span, notifier, aware_at=aware_at, now=node.clock()),
    )
    return page, 200


def read_span(node: Node, span: Span) -> list[Logged]:
    """Return what our log has of a span of time, oldest first, as far as a page reads it."""
    search = Search(since=span.since, until=span.until)
    found = find_entries(node.database.connection, search, most=MOST_READ)
    log = node.party.member_id
    return [Logged(log, each.index, each.to_event()) for each in found if each.deleted_by is None][::-1]


def _read_moment(name: str) -> datetime:
    text = request.form.get(name, "").strip()
    for form in ("%Y-%m-%d", "%Y-%m-%d %H:%M"):
        try:
            moment = datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
        return moment + (timedelta(days=1) if name == "until" and form == "%Y-%m-%d" else timedelta(0))
    raise StateError("a moment is a day, with or without a time, as in 2026-11-29 or 2026-11-29 14:30 (UTC)")


def _show_form(errors: Mapping[str, str], status: int = 200) -> Page:
    given = {name: request.form.get(name, "") for name in ("person", "member", "key", "since", "until", "aware")}
    return render_template("breach_form.html", errors=errors, given=given), status

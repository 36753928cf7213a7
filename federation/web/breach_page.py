"""A breach, or the drill of one: what a stolen key touched in a party's own log, what to do, and a draft of the notice.

The same at a node and at the hub. Nothing is signed, sent or changed; that the log was read for it is an entry.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask import render_template, request

from audit.connection import Connection
from audit.event import EventInvalid
from audit.log import LogUnreadable
from audit.search import Search, find_entries
from federation.breach import Span, find_reach, find_stolen
from federation.breach_notice import Notifier, list_steps, write_notice
from federation.drill import Logged
from federation.register import Register
from federation.state import StateError

__all__ = ["MOST_READ", "Page", "Scene", "ask_what", "show_drill"]

MOST_READ = 200_000
"""Entries of a span that the page reads; `circe audit breach` verifies and reads them all."""

MOST_SHOWN = 200
"""Entries that the page lists; it counts them all."""

Page = tuple[str, int]


@dataclass(frozen=True)
class Scene:
    """Whose log is read, by which register names are found, and who would notify.

    `record` writes the entry that the log was read, given what was said to be stolen. `has_people` tells whether
    somebody may be named who is no member of the register.
    """

    log: str
    connection: Connection
    register: Callable[[], Register]
    record: Callable[[str], object]
    notifier: Notifier
    now: datetime
    has_people: bool


def ask_what(scene: Scene, errors: Mapping[str, str] | None = None, status: int = 200) -> Page:
    """Ask what was stolen, and when it may have been used."""
    given = {name: request.form.get(name, "") for name in ("person", "member", "key", "since", "until", "aware")}
    page = render_template("kit/breach_form.html", errors=errors or {}, given=given, has_people=scene.has_people)
    return page, status


def show_drill(scene: Scene) -> Page:
    """Show what it touched, what to do, and the draft; or the form again, where that does not say what was stolen."""
    form = request.form
    try:
        names = ("person", "member", "key") if scene.has_people else ("member", "key")
        stolen = find_stolen(scene.register(), at=scene.log, **{name: form.get(name, "").strip() for name in names})
        span = Span(_read_moment("since"), _read_moment("until", scene.now))
        aware_at = _read_moment("aware", scene.now)
        logged = read_span(scene, span)
        scene.record(stolen.words)
    except (StateError, LogUnreadable, EventInvalid) as unclear:
        return ask_what(scene, {"person" if scene.has_people else "member": str(unclear)}, 400)
    reach = find_reach(logged, stolen, span)
    page = render_template(
        "kit/breach.html",
        stolen=stolen,
        span=span,
        reach=reach,
        touched=reach.touched[:MOST_SHOWN],
        cut=len(logged) >= MOST_READ,
        steps=list_steps(stolen, reach),
        notice=write_notice(reach, stolen, span, scene.notifier, aware_at=aware_at, now=scene.now),
    )
    return page, 200


def read_span(scene: Scene, span: Span) -> list[Logged]:
    """Return what the log has of a span of time, oldest first, as far as a page reads it."""
    found = find_entries(scene.connection, Search(since=span.since, until=span.until), most=MOST_READ)
    return [Logged(scene.log, each.index, each.to_event()) for each in found if each.deleted_by is None][::-1]


def _read_moment(name: str, otherwise: datetime | None = None) -> datetime:
    text = request.form.get(name, "").strip()
    if not text and otherwise is not None:
        return otherwise
    for form in ("%Y-%m-%d", "%Y-%m-%d %H:%M"):
        try:
            moment = datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
        return moment + (timedelta(days=1) if name == "until" and form == "%Y-%m-%d" else timedelta(0))
    raise StateError("a moment is a day, with or without a time, as in 2026-11-29 or 2026-11-29 14:30 (UTC)")

"""A breach, or the drill of one: what a stolen key touched in a party's own log, what to do, and a draft of the notice.

The same at a node and at the hub. Nothing is signed, sent or changed; that the log was read for it is an entry.
A page reads so many entries and no more: where there are others, it says plainly what they are missing from, there and
in the draft, and gives the command that reads them all.
"""

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

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
from federation.typed_days import read_day

__all__ = ["MOST_READ", "Page", "Scene", "ask_what", "show_drill"]

MOST_READ = 200_000
"""Entries of a span that the page reads, the newest; `circe audit breach` verifies and reads them all."""

MOST_SHOWN = 200
"""Entries that the page lists; it counts them all."""

Page = tuple[str, int]

_TIME = re.compile(r"\s([0-9]{1,2}:[0-9]{2})\Z", re.ASCII)


class MomentUnclear(StateError):
    """What was typed into a field is no moment, or none that fits the others."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


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


@dataclass(frozen=True)
class Reading:
    """What the page has read of a span, oldest first; `since` is when that begins, where it has not read it all."""

    logged: list[Logged]
    since: datetime | None


def ask_what(scene: Scene, errors: Mapping[str, str] | None = None, status: int = 200) -> Page:
    """Ask what was stolen, and when it may have been used."""
    given = {name: request.form.get(name, "") for name in ("person", "member", "key", "since", "until", "aware")}
    page = render_template("kit/breach_form.html", errors=errors or {}, given=given, has_people=scene.has_people)
    return page, status


def show_drill(scene: Scene) -> Page:
    """Show what it touched, what to do, and the draft; or the form again, where that does not say what was stolen."""
    names = ("person", "member", "key") if scene.has_people else ("member", "key")
    given = {name: request.form.get(name, "").strip() for name in names}
    try:
        register = scene.register()
        stolen = find_stolen(register, at=scene.log, **given)
        span = _read_whole_span(scene.now)
        aware_at = _read_moment("aware", scene.now)
        read = read_span(scene, span)
        scene.record(stolen.words)
    except MomentUnclear as unclear:
        return ask_what(scene, {unclear.field: str(unclear)}, 400)
    except (StateError, LogUnreadable, EventInvalid) as unclear:
        return ask_what(scene, {next(filter(given.get, names), names[0]): str(unclear)}, 400)
    reach = find_reach(read.logged, stolen, span, register.members)
    page = render_template(
        "kit/breach.html",
        stolen=stolen,
        span=span,
        reach=reach,
        touched=reach.touched[:MOST_SHOWN],
        read_since=read.since,
        most_read=MOST_READ,
        command=write_command(given, span, aware_at),
        steps=list_steps(stolen, reach),
        notice=write_notice(
            reach, stolen, span, scene.notifier, aware_at=aware_at, now=scene.now, read_since=read.since
        ),
    )
    return page, 200


def read_span(scene: Scene, span: Span) -> Reading:
    """Return what the log has of a span of time, as far as a page reads it."""
    found = list(find_entries(scene.connection, Search(since=span.since, until=span.until), most=MOST_READ + 1))
    kept = [each for each in found[:MOST_READ] if each.deleted_by is None]
    logged = [Logged(scene.log, each.index, each.to_event()) for each in reversed(kept)]
    earliest = logged[0].event.at if logged else span.until
    return Reading(logged, earliest if len(found) > MOST_READ else None)


def write_command(given: Mapping[str, str], span: Span, aware_at: datetime) -> str:
    """Return the command that reads all that the log has of it, into a table for a spreadsheet, and drafts anew."""
    moments = {"--since": span.since, "--until": span.until, "--aware": aware_at}
    words = [
        *("circe", "audit", "breach", "--state", "DIR"),
        *(word for name, text in given.items() if text for word in (f"--{name}", text)),
        *(word for name, at in moments.items() for word in (name, f"{at:%Y-%m-%dT%H:%M:%SZ}")),
        *("--notice", "notice.txt", "--format", "csv"),
    ]
    return shlex.join(words)


def _read_whole_span(now: datetime) -> Span:
    since, until = _read_moment("since"), _read_moment("until", now)
    try:
        return Span(since, until)
    except StateError as empty:
        raise MomentUnclear("until", str(empty)) from None


def _read_moment(name: str, otherwise: datetime | None = None) -> datetime:
    """Return the moment of a field; a day alone is its beginning, and at the end of a span its end."""
    text = request.form.get(name, "").strip()
    if not text and otherwise is not None:
        return otherwise
    try:
        found = _TIME.search(text)
        if found is None:
            return datetime.combine(read_day(text), time(), UTC) + timedelta(days=name == "until")
        return datetime.combine(read_day(text[: found.start()]), time.fromisoformat(found[1].zfill(5)), UTC)
    except (ValueError, OverflowError):
        text = "write a day, with or without a time in UTC, as in 29/11/2026 or 29/11/2026 14:30"
        raise MomentUnclear(name, text) from None

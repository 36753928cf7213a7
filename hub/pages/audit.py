"""The audit log of the hub, for those whom the access matrix lets read it. That it is read is logged first."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import dropwhile, islice
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, render_template, request

from audit.entry import Entry
from audit.event import Action, AuditEvent, EventInvalid, parse_action
from audit.log import read_checkpoint, read_entries
from federation.problems import ProblemRaised
from federation.register import Member
from hub.pages.visitor import may_read_log, require_visitor_who, the_hub

audit = Blueprint("audit", __name__)

ENTRIES_SHOWN = 50
"""Entries on one page."""

NOT_YOURS = "the hub's log is for the information governance officers of the organisation that runs the hub"


@dataclass(frozen=True)
class Search:
    """What is looked for; an empty text means that it does not matter. `before` is the entry to go on from."""

    action: str = ""
    actor: str = ""
    reference: str = ""
    before: int | None = None

    def address(self, before: int | None = None) -> str:
        """Return the address of this search from an entry on, or from the newest."""
        asked = {"action": self.action, "actor": self.actor, "reference": self.reference, "before": before}
        query = urlencode({name: value for name, value in asked.items() if value})
        return f"/audit?{query}" if query else "/audit"


@dataclass(frozen=True)
class Line:
    """One entry of the log; `event` is None where what is stored is not an event."""

    index: int
    event: AuditEvent | None


@audit.get("/audit")
def show_log() -> str:
    """Show a page of the log, newest entry first, and the newest checkpoint."""
    visitor = require_visitor_who(may_read_log, NOT_YOURS)
    search = read_search(request.args)
    record_reading(visitor, search)
    lines = tuple(read_lines(search))
    return render_template(
        "audit.html",
        search=search,
        lines=lines[:ENTRIES_SHOWN],
        older=search.address(lines[ENTRIES_SHOWN - 1].index) if len(lines) > ENTRIES_SHOWN else "",
        actions=[(action.value, action.meaning) for action in Action],
        checkpoint=read_checkpoint(the_hub().database.connection).note.decode(errors="replace"),
    )


def read_search(asked: dict[str, str]) -> Search:
    """Return what a visitor looks for. Raises a 400 problem."""
    action, before = asked.get("action", ""), asked.get("before", "")
    try:
        if action:
            parse_action(action)
    except EventInvalid as error:
        raise ProblemRaised(400, "action_unknown", str(error)) from None
    if before and not (before.isascii() and before.isdecimal() and len(before) < 16):
        raise ProblemRaised(400, "malformed", "before is the number of an entry")
    texts = {name: asked.get(name, "").strip() for name in ("actor", "reference")}
    return Search(action, texts["actor"], texts["reference"], int(before) if before else None)


def record_reading(visitor: Member, search: Search) -> None:
    """Log that a visitor reads the log, and what they look for."""
    hub = the_hub()
    looked_for = {"action": search.action, "actor": search.actor, "reference": search.reference}
    details: dict[str, Any] = {f"searched.{name}": value for name, value in looked_for.items() if value}
    with hub.database.transaction() as connection:
        hub.database.log.append(connection, hub.event(Action.AUDIT_READ, visitor.id, "", **details))


def read_lines(search: Search) -> Iterator[Line]:
    """Yield the entries of one page and one more, if there is one."""
    found = read_entries(
        the_hub().database.connection,
        action=parse_action(search.action) if search.action else None,
        actor=search.actor or None,
        reference=search.reference or None,
    )
    # Pages go by entry, not by count: the log grows while it is read, by the reading itself.
    wanted = dropwhile(lambda entry: search.before is not None and entry.index >= search.before, found)
    return map(read_line, islice(wanted, ENTRIES_SHOWN + 1))


def read_line(entry: Entry) -> Line:
    """Return an entry as the page shows it."""
    try:
        return Line(entry.index, entry.to_event())
    except EventInvalid:
        return Line(entry.index, None)

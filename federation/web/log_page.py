"""A page of an audit log, newest entry first, and what is looked for in it: the same at the hub and at a node."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import dropwhile, islice
from typing import Any
from urllib.parse import urlencode

from flask import render_template

from audit.connection import Connection
from audit.entry import Entry
from audit.event import Action, AuditEvent, EventInvalid, parse_action
from audit.listing import EntryUnreadable
from audit.log import read_checkpoint, read_entries
from audit.pattern_reading import read_findings
from audit.patterns import Finding
from audit.witness_listing import MEANINGS, read_witnesses
from federation.problems import ProblemRaised

ENTRIES_SHOWN = 50
"""Entries on one page."""


ENTRIES_SEARCHED = 2_000
"""The newest entries that the page looks through for unusual patterns; `circe audit patterns` reads them all."""

FINDINGS_SHOWN = 20
"""Unusual patterns on the page."""


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

    def details(self) -> dict[str, Any]:
        """Return what is looked for, as the log keeps it."""
        looked_for = {"action": self.action, "actor": self.actor, "reference": self.reference}
        return {f"searched.{name}": value for name, value in looked_for.items() if value}


@dataclass(frozen=True)
class Line:
    """One entry of the log; `event` is None where what is stored is not an event."""

    index: int
    event: AuditEvent | None


def read_search(asked: Mapping[str, str]) -> Search:
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


def render_log(connection: Connection, search: Search, *, quorum: int, links_queries: bool = False) -> str:
    """Return the page of a log that a search is about, its newest checkpoint, and how many have witnessed it."""
    lines = tuple(read_lines(connection, search))
    return render_template(
        "kit/log.html",
        search=search,
        lines=lines[:ENTRIES_SHOWN],
        older=search.address(lines[ENTRIES_SHOWN - 1].index) if len(lines) > ENTRIES_SHOWN else "",
        actions=[(action.value, action.meaning) for action in Action],
        checkpoint=read_checkpoint(connection).note.decode(errors="replace"),
        witnesses=read_witnesses(connection, quorum),
        findings=_read_unusual(connection) if search == Search() else None,
        entries_searched=ENTRIES_SEARCHED,
        meanings=MEANINGS,
        links_queries=links_queries,
    )


def _read_unusual(connection: Connection) -> list[Finding]:
    """Return what is unusual in the newest entries; a log that cannot be read says so where its lines are shown."""
    try:
        return read_findings(connection, limit=ENTRIES_SEARCHED)[:FINDINGS_SHOWN]
    except EntryUnreadable:
        return []


def read_lines(connection: Connection, search: Search) -> Iterator[Line]:
    """Yield the entries of one page and one more, if there is one."""
    found = read_entries(
        connection,
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

"""A page of an audit log, newest entry first, and what is looked for in it: the same at the hub and at a node."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import render_template

from audit.connection import Connection
from audit.entry import Entry
from audit.event import Action, AuditEvent, EventInvalid, Outcome
from audit.listing import EntryUnreadable
from audit.log import read_checkpoint
from audit.pattern_reading import read_again, read_findings
from audit.patterns import ELSEWHERE, LOOKS, Finding, is_copy
from audit.search import READ_AT_ONCE, Search, find_entries, find_page
from audit.witness_listing import MEANINGS, read_witnesses
from federation.web.log_copies import MOST_TAKEN, Verdict
from federation.web.log_search import LogQuery

ENTRIES_SHOWN = 50
"""Entries on one page."""


ENTRIES_SEARCHED = 2_000
"""The newest entries that the page looks through for unusual patterns; `circe audit patterns` reads them all."""

FINDINGS_SHOWN = 20
"""Unusual patterns on the page."""


@dataclass(frozen=True)
class Line:
    """One entry of the log; `event` is None where its body was deleted, or is not an event."""

    index: int
    event: AuditEvent | None
    deleted_by: int | None = None


@dataclass(frozen=True)
class Doings:
    """What one of this party's people did, as far as the newest entries say.

    `elsewhere` counts entries of what somebody was told here whom another authority calls by the same name.
    """

    entries: int
    looked: int
    children: int
    refused: int
    copied: int
    first: datetime
    last: datetime
    elsewhere: int


@dataclass(frozen=True)
class Door:
    """What a party's page of its log offers beyond reading it."""

    quorum: int
    links_queries: bool = False
    seeks_children: bool = False
    may_export: bool = False


def render_log(
    connection: Connection,
    query: LogQuery,
    door: Door,
    *,
    verdict: Verdict | None = None,
) -> str:
    """Return the page of a log that a search is about, its newest checkpoint, and how many have witnessed it."""
    search = query.search
    page = find_page(connection, search, before=query.before, most=ENTRIES_SHOWN)
    looks_for_patterns = search in (Search(), Search(actor=search.actor)) and query.before is None
    findings = _read_unusual(connection, search.actor) if looks_for_patterns else None
    return render_template(
        "kit/log.html",
        query=query,
        fields=query.fields(),
        lines=tuple(map(read_line, page.entries)),
        before=page.before,
        read_through=READ_AT_ONCE if page.before is not None and len(page.entries) < ENTRIES_SHOWN else None,
        actions=[(action.value, action.meaning) for action in Action],
        outcomes=[(outcome.value, outcome.value) for outcome in Outcome],
        checkpoint=read_checkpoint(connection).note.decode(errors="replace"),
        witnesses=read_witnesses(connection, door.quorum),
        findings=None if findings is None else findings[:FINDINGS_SHOWN],
        flags=_flag(findings or ()),
        doings=_sum_up(connection, search.actor) if search == Search(actor=search.actor) and search.actor else None,
        entries_searched=ENTRIES_SEARCHED,
        meanings=MEANINGS,
        door=door,
        verdict=verdict,
        most_taken=MOST_TAKEN,
    )


def _read_unusual(connection: Connection, actor: str) -> list[Finding]:
    """Return what is unusual in the newest entries; a log that cannot be read says so where its lines are shown."""
    try:
        return read_findings(connection, actor=actor, limit=ENTRIES_SEARCHED)
    except EntryUnreadable:
        return []


def _flag(findings: Sequence[Finding]) -> Mapping[int, Sequence[str]]:
    flags: dict[int, list[str]] = defaultdict(list)
    for finding in findings:
        flags[finding.index].append(finding.pattern)
    return flags


def _sum_up(connection: Connection, actor: str) -> Doings | None:
    """Return what a person's newest entries come to."""
    found = find_entries(connection, Search(actor=actor), most=ENTRIES_SEARCHED)
    named = [event for event in (read_line(entry).event for entry in found) if event is not None]
    events = [event for event in named if event.action not in ELSEWHERE]
    if not events:
        return None
    looks = [event for event in events if event.action in LOOKS]
    return Doings(
        entries=len(events),
        looked=len({event.reference or event.at for event in looks}),
        children=len({event.subject for event in looks if event.subject}),
        refused=sum(event.outcome is Outcome.REFUSED for event in events),
        copied=sum(map(is_copy, events)),
        first=min(event.at for event in events),
        last=max(event.at for event in events),
        elsewhere=len(named) - len(events),
    )


def read_line(entry: Entry) -> Line:
    """Return an entry as the page shows it."""
    if entry.deleted_by is not None:
        return Line(entry.index, None, entry.deleted_by)
    try:
        return Line(entry.index, read_again(entry))
    except EventInvalid:
        return Line(entry.index, None)

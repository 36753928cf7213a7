"""What a visitor looks for in a log, as a form and an address have it, and the search that this is.

Days are meant whole, the last one too. Whoever is looked for is never part of an address where they are a child: their
log tokens go back and forth in the body of a form.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from urllib.parse import urlencode

from audit.event import Action, AuditEvent, EventInvalid, Outcome, parse_action, parse_outcome
from audit.search import Search
from federation.problems import ProblemRaised
from federation.typed_days import DAY_FORMS, read_day

TEXTS = ("actor", "acting_for", "purpose", "reference", "policy_version")
CHOICES = ("action", "outcome")
DAYS = {"since": "from", "until": "to"}

MOST_TOKENS = 1024
"""How many log tokens one child can be looked for by: each of their numbers with every authority of the register."""

_DAY = timedelta(days=1)
_TOKEN = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class LogQuery:
    """A search, and the entry to go on from, None for the newest."""

    search: Search
    before: int | None = None

    def fields(self) -> dict[str, str]:
        """Return what is looked for as a form has it, less whoever is."""
        search = self.search
        texts = {name: getattr(search, name) for name in TEXTS}
        since = f"{search.since:%Y-%m-%d}" if search.since else ""
        until = f"{search.until - _DAY:%Y-%m-%d}" if search.until else ""
        return {**texts, "action": search.action or "", "outcome": search.outcome or "", "since": since, "until": until}

    def hidden(self) -> Iterator[tuple[str, str]]:
        """Yield what a form has to send back in order to mean the same."""
        yield from ((name, value) for name, value in self.fields().items() if value)
        yield from (("subject", token) for token in self.search.subjects)

    def address(self, before: int | None = None) -> str:
        """Return the address of this search from an entry on, or from the newest; a child is no part of it."""
        asked = {**self.fields(), "before": before}
        query = urlencode({name: value for name, value in asked.items() if value})
        return f"/audit?{query}" if query else "/audit"


def read_query(asked: Mapping[str, str], subjects: tuple[str, ...] = ()) -> LogQuery:
    """Return what a visitor looks for. Raises a 400 or a 422 problem."""
    before = asked.get("before", "")
    if before and not (before.isascii() and before.isdecimal() and len(before) < 16):
        raise ProblemRaised(400, "malformed", "before is the number of an entry")
    search = Search(
        action=_read_action(asked.get("action", "")),
        outcome=_read_outcome(asked.get("outcome", "")),
        since=_read_day("since", asked),
        until=_read_day("until", asked, after=_DAY),
        subjects=subjects,
        **{name: asked.get(name, "").strip() for name in TEXTS},
    )
    try:  # That it is looked for is logged, so it has to be what a log may have.
        AuditEvent(at=datetime.now(UTC), actor="visitor", action=Action.AUDIT_READ, details=search.details())
    except EventInvalid as error:
        text = f"{error}: a child is looked for in the field for that alone"
        raise ProblemRaised(422, "not_loggable", text) from None
    return LogQuery(search, int(before) if before else None)


def read_tokens(tokens: list[str]) -> tuple[str, ...]:
    """Return the log tokens that a form sent back. Raises a 400 problem."""
    if len(tokens) > MOST_TOKENS or not all(_TOKEN.fullmatch(token) for token in tokens):
        raise ProblemRaised(400, "malformed", "a child is sent back as the page had it")
    return tuple(tokens)


def _read_action(text: str) -> Action | None:
    try:
        return parse_action(text) if text else None
    except EventInvalid as error:
        raise ProblemRaised(400, "action_unknown", str(error)) from None


def _read_outcome(text: str) -> Outcome | None:
    try:
        return parse_outcome(text) if text else None
    except EventInvalid as error:
        raise ProblemRaised(400, "outcome_unknown", str(error)) from None


def _read_day(name: str, asked: Mapping[str, str], after: timedelta = timedelta(0)) -> datetime | None:
    text = asked.get(name, "").strip()
    try:
        return datetime.combine(read_day(text), time(), UTC) + after if text else None
    except (ValueError, OverflowError):
        raise ProblemRaised(400, "malformed", f"{DAYS[name]}: write the day as {DAY_FORMS}") from None

"""How long the body of an entry is kept, by what it is about; then it is deleted, and its hash stays for ever.

    kind       years  which entries
    children      25  what is about children: lookups, claims, delegations, hand-overs, lists, tracking, requests
    acts           6  queries and sums, members, policy, loads, and who read the log
    signins        2  signing in and out, passkeys, and pages refused
    (kept)         -  deletions and holds themselves, and releases, whose proof anybody may ask for

No statute names a period for such a log; UK GDPR, Art. 5(1)(e), asks for one that is stated and no longer than its
purpose. A claim can be brought for six years (Limitation Act 1980, ss. 2 and 9), and by somebody who was a child for
six from their eighteenth birthday on (s. 28): from birth that is 24, and one more for a claim to be served. A party may
state other periods in `retention.toml` in its directory:

    [years]
    children = 25
    acts = 6
    signins = 2

    [nightly]
    officer = "ig"

The officer is whoever has ordered that what is over is deleted every night, by a timer; without one nothing is deleted
but by somebody's own hand. Deletion is in the log as well (audit/deletions.py), and what a legal hold covers is passed
over (audit/holds.py).
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from audit.connection import Connection
from audit.deletions import describe_deletion
from audit.entry import NO_SALT, Entry, write_mark
from audit.event import Action, AuditEvent, EventInvalid, format_time
from audit.holds import read_holds
from audit.log import AuditLog, LogError, LogUnreadable, one_view, read_entries
from audit.tables import dialect_of, stream

FILE = "retention.toml"
"""The file in a party's directory that states other periods than the packaged ones."""

BATCH = 5_000
"""How many bodies one transaction deletes at most, under one entry."""

LONGEST_SILENCE = timedelta(days=366)
"""How long before now the newest entry can be, if the clock is to be believed: a log in use has one every day."""

_LONGEST_FILE = 4096
_MOST_YEARS = 200


class Kind(StrEnum):
    """What an entry is about, as far as it decides how long its body is kept."""

    CHILDREN = "children"
    ACTS = "acts"
    SIGNINS = "signins"
    KEPT = "kept"


_CHILDREN = ("lookup", "delegation", "handover", "notice", "claim", "children", "tracking", "subject")
_SIGNINS = ("signin", "session", "passkey", "page")
_KEPT = frozenset(
    {
        Action.AUDIT_DELETED,
        Action.HOLD_PLACED,
        Action.HOLD_LIFTED,
        Action.POLICY_ADOPTED,
        Action.QUERY_RELEASED,
        Action.RELEASE_WITHDRAWN,
    }
)


def kind_of(action: Action) -> Kind:
    """Return the kind of an action's entries."""
    if action in _KEPT:
        return Kind.KEPT
    family = action.value.partition(".")[0]
    return Kind.CHILDREN if family in _CHILDREN else Kind.SIGNINS if family in _SIGNINS else Kind.ACTS


@dataclass(frozen=True)
class Periods:
    """How many years a body is kept, by kind. Raises `LogError` for less than one year or more than two hundred."""

    children: int = 25
    acts: int = 6
    signins: int = 2

    def __post_init__(self) -> None:
        for name, years in self.by_kind().items():
            if not isinstance(years, int) or isinstance(years, bool) or not 1 <= years <= _MOST_YEARS:
                raise LogError(f"entries of the kind {name} are kept for 1 to {_MOST_YEARS} whole years")

    def by_kind(self) -> Mapping[Kind, int]:
        """Return the years of each kind that is ever deleted."""
        return {Kind.CHILDREN: self.children, Kind.ACTS: self.acts, Kind.SIGNINS: self.signins}


def years_before(now: datetime, years: int) -> datetime:
    """Return the same moment so many years before; the day before a leap day, where that year has none."""
    try:
        return now.replace(year=now.year - years)
    except ValueError:
        return now.replace(year=now.year - years, day=28)


@dataclass(frozen=True)
class Rules:
    """What a party states: its periods, and who has ordered a deletion every night, if anybody has."""

    periods: Periods = field(default_factory=Periods)
    officer: str = ""

    def ordered_by(self) -> str:
        """Return who has ordered it. Raises `LogError` where nobody has."""
        if not self.officer:
            raise LogError(
                f"say who acts with --as, or name in {FILE} who has ordered it every night: [nightly] officer"
            )
        return self.officer


def read_rules(directory: Path) -> Rules:
    """Return the rules that a party states, or the packaged ones. Raises `LogUnreadable` for a damaged file."""
    path = directory / FILE
    if not path.exists():
        return Rules()
    try:
        stated = tomllib.loads(path.read_bytes()[:_LONGEST_FILE].decode())
        match {"years": {}, "nightly": {"officer": ""}, **stated}:
            case {"years": dict(years), "nightly": {"officer": str(officer), **more}, **others} if stated:
                if not more and not others:
                    return Rules(replace(Periods(), **years), officer)
    except (ValueError, TypeError, LogError, RecursionError):
        pass
    raise LogUnreadable(
        f"{path} is damaged, so nothing is deleted: under [years] stand children, acts and signins, each a whole "
        f"number from 1 to {_MOST_YEARS}, and under [nightly] an officer"
    )


def check_clock(connection: Connection, now: datetime) -> None:
    """Check that the newest entry is no more than a year older than the clock, by which nearly all could be over.

    Raises `LogError` where it is: the clock is set ahead, or nothing has been logged for so long.
    """
    newest = next(read_entries(connection, limit=1), None)
    if newest is None:
        return
    try:
        at = newest.to_event().at
    except EventInvalid:
        raise LogUnreadable(f"entry {newest.index} is no event, so nothing is deleted: verify the log") from None
    if now - at > LONGEST_SILENCE:
        raise LogError(
            f"the newest entry of the log is of {at:%Y-%m-%d}, and the clock of this machine says {now:%Y-%m-%d}, so "
            "nothing is deleted: set the clock right; if it is right, sign in here once, which is logged, and run this "
            "again"
        )


@dataclass(frozen=True)
class Deleted:
    """What one transaction deleted: how many bodies, logged by which entry, and how many a hold kept from it."""

    entries: int
    logged_by: int | None
    held: int


def find_due(connection: Connection, periods: Periods, now: datetime) -> Iterator[tuple[Entry, AuditEvent]]:
    """Yield the entries whose time is over, oldest first, inside a transaction.

    Raises `LogUnreadable` at one that is no event: what is damaged is evidence, and stays.
    """
    over = " OR ".join(_is_of(kind, years_before(now, years)) for kind, years in periods.by_kind().items())
    for row in stream(connection, f"{dialect_of(connection).entry} WHERE {over} ORDER BY idx"):
        entry = Entry(*row)
        try:
            yield entry, entry.to_event()
        except EventInvalid:
            raise LogUnreadable(f"entry {entry.index} is no event, so nothing is deleted: verify the log") from None


def _is_of(kind: Kind, before: datetime) -> str:
    """Return the condition that an entry is of a kind and from before a moment; both are words of ours alone."""
    actions = ", ".join(f"'{action.value}'" for action in Action if kind_of(action) is kind)
    return f"(at < '{format_time(before)}' AND action IN ({actions}))"


def delete_due(
    connection: Connection, log: AuditLog, periods: Periods, *, actor: str, now: datetime, most: int = BATCH
) -> Deleted:
    """Delete bodies whose time is over, and log it, all in the caller's transaction; at most so many.

    What a hold covers stays. Where nothing is due, nothing is written. Raises `LogError` and `LogUnreadable`.
    """
    holds, due, held = read_holds(connection), [], 0
    for entry, event in find_due(connection, periods, now):
        if any(hold.covers(entry.index, event) for hold in holds):
            held += 1
            continue
        due.append(entry)
        if len(due) == most:
            break
    if not due:
        return Deleted(0, None, held)
    logged_by = log.append(connection, _log_deletion(due, periods, actor, now))
    mark = write_mark(logged_by)
    connection.executemany(
        "UPDATE audit_entries SET salt = ?, body = ? WHERE idx = ?", [(NO_SALT, mark, entry.index) for entry in due]
    )
    return Deleted(len(due), logged_by, held)


def _log_deletion(due: Sequence[Entry], periods: Periods, actor: str, now: datetime) -> AuditEvent:
    kept = {f"before.{kind}": format_time(years_before(now, years)) for kind, years in periods.by_kind().items()}
    details = describe_deletion((entry.index, entry.leaf_hash) for entry in due)
    return AuditEvent(at=now, actor=actor, action=Action.AUDIT_DELETED, details={**kept, **details})


def count_due(connection: Connection, periods: Periods, now: datetime) -> tuple[int, int]:
    """Return how many bodies would be deleted now, and how many a hold keeps, without deleting any."""
    with one_view(connection):
        holds = read_holds(connection)
        due = find_due(connection, periods, now)
        covered = [any(hold.covers(entry.index, event) for hold in holds) for entry, event in due]
    return covered.count(False), covered.count(True)

"""The tracking records in the node's own database: read whole, and added to in the transaction of the log's entry.

A change names the version that its maker saw. The primary key of the table has one entry for each version, so that two
changes of one version cannot both be kept, whatever a program forgot to compare.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from federation.database import stamp
from node.tracking.facts import Fact
from node.tracking.kinds import KINDS, kind_of, read_fact, write_fact
from node.tracking.record import Entry, TrackingRecord, check_change, check_version
from policies.names import FieldGroup

EVERYTHING = frozenset(FieldGroup)

SITTING = timedelta(minutes=30)
"""How long after somebody looked at what had changed they are still at it."""

_COLUMNS = "child, version, at, by, role, reason, kind, fact"
_ENTRIES = """SELECT child, version, at, by, role, reason, kind, fact, told_by, made_at
    FROM tracking_entries LEFT JOIN tracking_told USING (child, version)"""


def read_record(connection: sqlite3.Connection, child: str) -> TrackingRecord:
    """The record of one child, by their row token; an empty one where nothing was set down."""
    rows = connection.execute(f"{_ENTRIES} WHERE child = ? ORDER BY version", (child,))
    return TrackingRecord.of(map(_read_entry, rows))


def read_records(connection: sqlite3.Connection) -> Mapping[str, TrackingRecord]:
    """Every record that has an entry, by row token."""
    found: dict[str, list[Entry]] = {}
    for row in connection.execute(f"{_ENTRIES} ORDER BY child, version"):
        found.setdefault(row["child"], []).append(_read_entry(row))
    return {child: TrackingRecord.of(entries) for child, entries in found.items()}


def add_entries(
    connection: sqlite3.Connection,
    child: str,
    version: int,
    facts: Sequence[Fact],
    groups: frozenset[FieldGroup] = EVERYTHING,
    /,
    *,
    by: str,
    role: str,
    reason: str,
    at: datetime,
) -> TrackingRecord:
    """Add facts to a record that stands at a version, and return what it is then; all of them, or none.

    The version is that of what somebody sees who may read these groups: what they do not see holds them up no more than
    it is told them. Raises `RecordMoved`, with what they see, where it stands at another, and `FactInvalid` where a
    fact may not follow. Whoever calls holds a write transaction.
    """
    record = read_record(connection, child)
    check_version(record.seen_by(groups), version)
    for fact in facts:
        check_change(record, fact)
        entry = Entry(version=record.version + 1, at=at, by=by, role=role, reason=reason, fact=fact)
        _insert(connection, child, entry)
        record = TrackingRecord.of((*record.entries, entry))
    return record


def add_history(
    connection: sqlite3.Connection, child: str, version: int, history: Iterable[Entry], at: datetime
) -> TrackingRecord:
    """Take what another authority handed over into a record that stands at a version, all of it or nothing.

    Nothing that is there is changed, and what is there already is not added again. Raises `RecordMoved`. Whoever calls
    holds a write transaction.
    """
    record = read_record(connection, child)
    check_version(record, version)
    known = {_name_made(entry) for entry in record.entries}
    for told in history:
        if _name_made(told) not in known:
            entry = replace(told, version=record.version + 1, at=at)
            _insert(connection, child, entry)
            row = (child, entry.version, entry.told_by, stamp(entry.made))
            connection.execute("INSERT INTO tracking_told VALUES (?, ?, ?, ?)", row)
            record = TrackingRecord((*record.entries, entry), entry.version)
    return record


def _name_made(entry: Entry) -> tuple[object, ...]:
    """What an entry is known by wherever it goes: who hands it on, and our own that come back, change none of it."""
    return stamp(entry.made), entry.role, entry.reason, kind_of(entry.fact).name, entry.fact


def _insert(connection: sqlite3.Connection, child: str, entry: Entry) -> None:
    written = json.dumps(write_fact(entry.fact), sort_keys=True)
    place = (child, entry.version, stamp(entry.at))
    maker = (entry.by, entry.role, entry.reason)
    add = f"INSERT INTO tracking_entries ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - names of this file
    connection.execute(add, (*place, *maker, kind_of(entry.fact).name, written))


def _read_entry(row: sqlite3.Row) -> Entry:
    return Entry(
        version=row["version"],
        at=_read_moment(row["at"]),
        by=row["by"],
        role=row["role"],
        reason=row["reason"],
        fact=read_fact(KINDS[row["kind"]], json.loads(row["fact"])),
        told_by=row["told_by"] or "",
        made_at=_read_moment(row["made_at"]) if row["made_at"] else None,
    )


def _read_moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


@dataclass(frozen=True)
class Look:
    """Since when somebody is to be told of changes, and beside which snapshot; both empty for who never looked."""

    since: str
    snapshot: str


def note_look(connection: sqlite3.Connection, person: str, now: datetime, snapshot: str) -> Look:
    """Note that somebody looks at what has changed, in a snapshot, and return their last look before.

    Who looks again within a sitting is told of the same once more, with what came since.
    """
    row = connection.execute("SELECT * FROM tracking_sittings WHERE person = ?", (person,)).fetchone()
    seen = connection.execute("SELECT * FROM tracking_seen WHERE person = ?", (person,)).fetchone()
    is_same_sitting = row is not None and row["looked_at"] > stamp(now - SITTING)
    since = "" if row is None else str(row["told_since"] if is_same_sitting else row["looked_at"])
    beside = "" if seen is None else str(seen["told_beside"] if is_same_sitting else seen["snapshot"])
    connection.execute("INSERT OR REPLACE INTO tracking_sittings VALUES (?, ?, ?)", (person, stamp(now), since))
    connection.execute("INSERT OR REPLACE INTO tracking_seen VALUES (?, ?, ?)", (person, snapshot, beside))
    return Look(since, beside)


def entries_since(records: Iterable[tuple[str, TrackingRecord]], moment: str) -> Iterator[tuple[str, Entry]]:
    """The entries at or after a moment, written as the database has it, with the child each is of."""
    for child, record in records:
        yield from ((child, entry) for entry in record.entries if stamp(entry.at) >= moment)

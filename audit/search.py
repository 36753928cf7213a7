"""Searching a log: what is looked for, and one page of what was found, newest entry first.

An entry is found by what its body says, so a search can show nothing that is not verified with the log. Actor, child,
id, action and time have indexes. What has none (outcome, organisation, purpose, policy) is read for, so many entries at
a time: a page that says how far it has read answers soon, however long the log is.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from audit.connection import Connection
from audit.entry import Entry
from audit.event import Action, Outcome, format_time
from audit.log import LogUnreadable, read_head
from audit.tables import dialect_of, select

READ_AT_ONCE = 100_000
"""How many entries one page reads through at most, where it looks for what has no index."""


@dataclass(frozen=True)
class Search:
    """What is looked for; what is empty does not matter. `since` is inclusive, `until` not.

    `actor` is whoever acted, in whatever role; `subjects` are log tokens, of which one child can have several;
    `purpose` is any part of one.
    """

    actor: str = ""
    action: Action | None = None
    outcome: Outcome | None = None
    acting_for: str = ""
    purpose: str = ""
    reference: str = ""
    policy_version: str = ""
    subjects: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    def details(self) -> dict[str, Any]:
        """Return what is looked for, as the log keeps it: of a child, that one was sought, and not which."""
        told = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "subjects"}
        words = {f"searched.{name}": _write(value) for name, value in told.items() if value}
        return {**words, **({"searched.child": True} if self.subjects else {})}


def _write(value: object) -> str:
    return f"{value:%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else str(value)


@dataclass(frozen=True)
class Page:
    """Some entries, newest first; `before` is the entry to go on from, and None where the log has no more.

    A page may have few entries, or none, and still have more behind it: as far as was read, there are no others.
    """

    entries: tuple[Entry, ...]
    before: int | None


def find_page(connection: Connection, search: Search, *, before: int | None = None, most: int) -> Page:
    """Return the newest entries that are like that, from before an entry on.

    Pages go by entry and not by count, so that they stay what they are while the log grows. Raises `LogUnreadable`.
    """
    try:
        bounds = _find_bounds(connection, search, before)
        conditions, values = _write_conditions(connection, search)
        if bounds is None or conditions is None:
            return Page((), None)
        first, last = bounds
        least = max(first, last - READ_AT_ONCE + 1) if _reads_through(search) else first
        where = " AND ".join(["idx BETWEEN ? AND ?", *conditions])
        statement = f"{dialect_of(connection).entry} WHERE {where} ORDER BY idx DESC LIMIT ?"
        found = tuple(Entry(*row) for row in select(connection, statement, least, last, *values, most + 1))
    except connection.DatabaseError as error:
        raise LogUnreadable(f"the audit log cannot be searched ({error}): verify it") from None
    if len(found) > most:
        return Page(found[:most], found[most - 1].index)
    return Page(found, least if least > first else None)


def find_entries(
    connection: Connection, search: Search, *, before: int | None = None, most: int | None = None
) -> Iterator[Entry]:
    """Yield every entry that is like that, newest first, or so many at most. Raises `LogUnreadable`."""
    left = most
    while left is None or left > 0:
        page = find_page(connection, search, before=before, most=1_000 if left is None else min(left, 1_000))
        yield from page.entries
        before, left = page.before, None if left is None else left - len(page.entries)
        if before is None:
            return


def _reads_through(search: Search) -> bool:
    """Whether a search looks for something that has no index, and for nothing that is sure to be rare."""
    has_none = search.outcome or search.acting_for or search.purpose or search.policy_version
    return bool(has_none) and not (search.reference or search.subjects)


def _find_bounds(connection: Connection, search: Search, before: int | None) -> tuple[int, int] | None:
    """Return the first and last entry that can be meant. Times need not rise as numbers do: a clock can be put back."""
    first, last = 0, read_head(connection)[1] - 1
    if search.since or search.until:
        since = format_time(search.since) if search.since else ""
        until = format_time(search.until) if search.until else "~"
        spans = "SELECT min(idx), max(idx) FROM audit_entries WHERE at >= ? AND at < ?"
        for least, most in select(connection, spans, since, until):
            if least is None:
                return None
            first, last = int(least), int(most)
    last = last if before is None else min(last, before - 1)
    return (first, last) if first <= last else None


def _write_conditions(connection: Connection, search: Search) -> tuple[list[str] | None, list[str]]:
    """Return the conditions and their values; None for the conditions where nothing can fulfil them."""
    member = dialect_of(connection).member
    asked: dict[str, str | None] = {
        "action = ?": search.action,
        "reference = ?": search.reference,
        "at >= ?": format_time(search.since) if search.since else None,
        "at < ?": format_time(search.until) if search.until else None,
        f"{member.format('outcome')} = ?": search.outcome,
        f"{member.format('acting_for')} = ?": search.acting_for,
        f"{member.format('policy_version')} = ?": search.policy_version,
        f"lower({member.format('purpose')}) LIKE lower(?) ESCAPE '!'": _part(search.purpose),
    }
    given = {condition: value for condition, value in asked.items() if value}
    conditions, values = list(given), list(given.values())
    for column, names in (("actor", _list_actors(connection, search.actor)), ("subject", search.subjects)):
        if names is None:
            return None, []
        if names:
            conditions.append(f"{column} = ?" if len(names) == 1 else f"{column} IN ({', '.join('?' * len(names))})")
            values += names
    return conditions, values


def _part(text: str) -> str:
    """Return the pattern of whatever has a text in it."""
    return "%" + "".join(f"!{letter}" if letter in "!%_" else letter for letter in text) + "%" if text else ""


def _list_actors(connection: Connection, person: str) -> tuple[str, ...] | None:
    """Return the actors who are a person, with a role behind or none: () where nobody is sought, None for nobody."""
    if not person:
        return ()
    found = [name for (name,) in select(connection, "SELECT actor FROM audit_entries WHERE actor = ? LIMIT 1", person)]
    following = f"{person} ("
    while True:
        statement = "SELECT min(actor) FROM audit_entries WHERE actor > ? AND actor < ?"
        (following,) = next(select(connection, statement, following, f"{person} )"))
        if following is None:
            return tuple(found) or None
        found.append(following)

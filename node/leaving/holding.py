"""Queries that our rules hold: each waits for one of our own officers, who lets it through or refuses it with a reason.

A query is held once it has passed every other line of the checklist, so that nobody is asked about what is refused
anyway; and the checklist is gone through once more when it is let through. What is decided on is the query, never data.
One that nobody lets through before it expires is not answered. An officer may decide before a query comes, while it
waits for approval: a sum waits for nobody, and leaves out whoever has not decided by the time that its round begins.
"""

import sqlite3
from dataclasses import dataclass

from audit.event import Action, EventInvalid, Outcome
from federation.database import stamp
from federation.manifest import Manifest, Path
from federation.state import StateError
from node.approved import Approved
from node.leaving.ledger import find_come
from node.people import Person
from node.refusal import Refused
from node.service import Node
from policies.access_policy import AccessPolicy, AccessRequest
from policies.names import Action as PolicyAction
from policies.names import FieldGroup, Relation

HELD = "held"
TEXT = "an officer of this authority has yet to decide about this query"


class QueryHeld(Exception):
    """A query waits for an officer; the reply says so."""


@dataclass(frozen=True)
class HeldQuery:
    """One query that is held, or decided about, as our officers see it."""

    digest: str
    query_id: str
    path: str
    expires_at: str
    held_at: str
    decided_at: str
    decided_by: str
    let_through: bool
    reason: str


def check_query_officer(policy: AccessPolicy, role: str) -> None:
    """Raise `AccessDenied` for whoever may not approve queries: our officer and our approvers may."""
    policy.check(AccessRequest(role, Relation.FEDERATION, PolicyAction.APPROVE, FieldGroup.MANIFEST))


def check_not_held(node: Node, connection: sqlite3.Connection, approved: Approved) -> None:
    """Raise `QueryHeld` while nobody has decided about a query that our rules hold, `Refused` where it was refused."""
    if not node.rules().hold.holds(approved.manifest):
        return
    found = _find(connection, approved.digest)
    if found is None or not found.decided_at:
        raise QueryHeld
    if not found.let_through:
        raise Refused("officer_refused", found.reason)


def check_let_through(node: Node, connection: sqlite3.Connection, approved: Approved) -> None:
    """The same for a sum, which waits for nobody. Raises `Refused`, which holds for this attempt alone."""
    try:
        check_not_held(node, connection, approved)
    except QueryHeld:
        raise Refused(HELD, TEXT) from None


def hold_query(node: Node, digest: str, manifest: Manifest) -> None:
    """Keep a query for our officers, and log it, once."""
    with node.database.transaction() as connection:
        if _keep(connection, node, digest, manifest):
            event = node.event(
                Action.QUERY_HELD,
                manifest.asker,
                manifest.query_id,
                outcome=Outcome.HELD,
                digest=digest,
                project=manifest.project.name,
                path=manifest.path.value,
            )
            node.database.log.append(connection, event)


def _keep(connection: sqlite3.Connection, node: Node, digest: str, manifest: Manifest) -> bool:
    """Enter a query, inside the caller's transaction; return whether it is new."""
    row = (digest, manifest.query_id, manifest.path, stamp(manifest.expires_at), stamp(node.clock()))
    fresh = connection.execute(
        "INSERT INTO held_queries (digest, query_id, path, expires_at, held_at) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT DO NOTHING",
        row,
    )
    return fresh.rowcount == 1


def list_held(node: Node) -> tuple[HeldQuery, ...]:
    """Return the queries that wait for a decision, or were decided about, and have not expired; what waits first."""
    rows = node.database.connection.execute(
        "SELECT * FROM held_queries WHERE expires_at > ? ORDER BY decided_at <> '', held_at", (stamp(node.clock()),)
    )
    return tuple(map(_read, rows))


def find_held(node: Node, digest: str) -> HeldQuery | None:
    """Return what is held, or was decided, under a digest."""
    return _find(node.database.connection, digest)


def decide(node: Node, officer: Person, manifest: Manifest, digest: str, *, let_through: bool, reason: str) -> None:
    """Let a query through or refuse it, once, with the log's entry; whether it has come already or will.

    Raises `AccessDenied`, and `StateError` for one that expired or was decided about, and for a reason that is missing
    or that no log may keep.
    """
    check_query_officer(node.policy(), officer.role)
    now = stamp(node.clock())
    if stamp(manifest.expires_at) <= now:
        raise StateError("the query has expired: there is nothing to decide any more")
    text = reason.strip()
    if not text:
        raise StateError("give a reason: it is logged, and told to whoever asked if you refuse")
    try:
        event = node.event(
            Action.QUERY_DECIDED,
            f"{officer.id} ({officer.role})",
            manifest.query_id,
            outcome=Outcome.DONE if let_through else Outcome.REFUSED,
            acting_for=node.authority,
            purpose=text,
            digest=digest,
        )
    except EventInvalid as error:
        raise StateError(f"the reason cannot be logged: {error}") from None
    with node.database.transaction() as connection:
        _keep(connection, node, digest, manifest)
        done = connection.execute(
            "UPDATE held_queries SET decided_at = ?, decided_by = ?, let_through = ?, reason = ? "
            "WHERE digest = ? AND decided_at = ''",
            (now, officer.id, let_through, text, digest),
        )
        if done.rowcount != 1:
            raise StateError("this query has been decided about already")
        node.database.log.append(connection, event)


def decide_by_id(node: Node, officer: Person, query_id: str, *, let_through: bool, reason: str) -> None:
    """Decide about a query that came here. Raises as `decide`, and `StateError` where none of that id came."""
    come = find_come(node, query_id)
    if come is None:
        raise StateError("no query of that id has come here: what waits for approval is decided on its page")
    decide(node, officer, come.manifest, come.digest, let_through=let_through, reason=reason)


def list_due(node: Node) -> tuple[tuple[str, bytes], ...]:
    """Return the held queries to be answered now, by digest with their exact bytes: decided, come, and not expired.

    Sums are not among them: the hub begins their rounds.
    """
    rows = node.database.connection.execute(
        "SELECT held.digest, come.envelope FROM held_queries AS held JOIN queries_come AS come USING (digest) "
        "WHERE held.path = ? AND held.decided_at <> '' AND NOT held.done AND held.expires_at > ? "
        "ORDER BY held.decided_at",
        (Path.PER_AUTHORITY, stamp(node.clock())),
    )
    return tuple((row["digest"], bytes(row["envelope"])) for row in rows.fetchall())


def is_due(node: Node, digest: str) -> bool:
    """Whether a held query is still to be answered."""
    return any(each == digest for each, _ in list_due(node))


def note_done(node: Node, digest: str) -> None:
    """Note that a held query was answered, or that the hub takes no answer any more."""
    with node.database.transaction() as connection:
        connection.execute("UPDATE held_queries SET done = 1 WHERE digest = ?", (digest,))


def close_expired(node: Node) -> None:
    """Log, once, every query that expired while it waited for an officer."""
    now = stamp(node.clock())
    late = node.database.connection.execute(
        "SELECT digest, query_id FROM held_queries WHERE expires_at <= ? AND NOT done", (now,)
    ).fetchall()
    for row in late:
        with node.database.transaction() as connection:
            done = connection.execute(
                "UPDATE held_queries SET done = 1 WHERE digest = ? AND NOT done", (row["digest"],)
            )
            if done.rowcount:
                event = node.event(
                    Action.QUERY_EXPIRED, node.party.member_id, row["query_id"], outcome=Outcome.FAILED, held=True
                )
                node.database.log.append(connection, event)


def _find(connection: sqlite3.Connection, digest: str) -> HeldQuery | None:
    row = connection.execute("SELECT * FROM held_queries WHERE digest = ?", (digest,)).fetchone()
    return None if row is None else _read(row)


def _read(row: sqlite3.Row) -> HeldQuery:
    told = {name: row[name] for name in HeldQuery.__dataclass_fields__}
    return HeldQuery(**{**told, "let_through": bool(row["let_through"])})

"""What other authorities have claimed here: counted for every claim, matched or not, and held under a cap.

A claim that matches nobody leaves a number behind and nothing else. A child who was found stands here under this
organisation's own log token. The cap counts by the term and the day in which claims come in by this node's own clock,
so that naming another term brings nobody more of them.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from federation.claims import ClaimRequest
from node.refusal import Refused
from node.rules import ClaimRules
from node.service import Node
from node.terms import first_day, term_of
from policies.access_policy import AccessRequest
from policies.names import Action, FieldGroup, Relation


@dataclass(frozen=True)
class ClaimCount:
    """What one authority claimed here in one term, about one term. All numbers are of claims but two.

    `children` are the different children found; `contested` are those of them whom another authority claims too.
    """

    authority: str
    received_in: str
    about: str
    claims: int
    matched: int
    refused: int
    children: int
    contested: int


@dataclass(frozen=True)
class ClaimedChild:
    """A child on our rolls whom an authority claimed, under our own log token, and when first."""

    authority: str
    about: str
    child: str
    day: str
    contested: bool


def admit_claims(connection: sqlite3.Connection, request: ClaimRequest, rules: ClaimRules, today: date) -> None:
    """Count a page of claims before any is looked at. Raises `Refused` where a cap leaves no room for all of them."""
    so_far, term = "SELECT coalesce(sum(claims), 0) FROM claims_received WHERE", first_day(term_of(today))
    of_term = connection.execute(f"{so_far} authority = ? AND day >= ?", (request.authority, term.isoformat()))
    if of_term.fetchone()[0] + len(request.children) > rules.most_children_per_authority:
        raise Refused("term_cap", "more children are claimed in this term than this authority's rules allow")
    of_day = connection.execute(f"{so_far} day = ?", (today.isoformat(),))
    if of_day.fetchone()[0] + len(request.children) > rules.most_claims_a_day:
        raise Refused("day_cap", "more claims came in today than this authority's rules allow: ask again tomorrow")
    _add(connection, request, today, claims=len(request.children))


def count_refused(connection: sqlite3.Connection, request: ClaimRequest, today: date) -> None:
    """Count the claims of a page that was refused. They tell their sender nothing, so they use up no cap."""
    _add(connection, request, today, refused=len(request.children))


def count_matched(connection: sqlite3.Connection, request: ClaimRequest, today: date, children: Iterable[str]) -> None:
    """Count the claims that found a child, and note the children by our own tokens."""
    found = list(children)
    _add(connection, request, today, matched=len(found))
    connection.executemany(
        "INSERT OR IGNORE INTO claims_matched VALUES (?, ?, ?, ?)",
        [(request.authority, request.term, child, today.isoformat()) for child in found],
    )


def _add(
    connection: sqlite3.Connection,
    request: ClaimRequest,
    today: date,
    claims: int = 0,
    matched: int = 0,
    refused: int = 0,
) -> None:
    connection.execute(
        "INSERT INTO claims_received VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
        "claims = claims + excluded.claims, matched = matched + excluded.matched, refused = refused + excluded.refused",
        (request.authority, today.isoformat(), request.term, claims, matched, refused),
    )


def admit_officer(node: Node, person_id: str, *, copying: bool = False) -> None:
    """Let one of the node's people read who was claimed here: those who may read the log, where the same is said.

    Raises `StateError` for somebody the node does not know, and `AccessDenied` for any other role.
    """
    officer = node.find_person(person_id)
    for action in (Action.AUDIT, Action.EXPORT) if copying else (Action.AUDIT,):
        node.policy().check(AccessRequest(officer.role, Relation.OWN_ORGANISATION, action, FieldGroup.AUDIT_LOG))


def list_children(node: Node) -> list[ClaimedChild]:
    """Return every child that was claimed and found here, by authority."""
    rows = node.database.connection.execute(
        "SELECT *, EXISTS (SELECT 1 FROM claims_matched AS other WHERE other.child = this.child "
        "AND other.about = this.about AND other.authority <> this.authority) AS contested "
        "FROM claims_matched AS this ORDER BY authority, about, day, child"
    )
    return [ClaimedChild(**{**row, "contested": bool(row["contested"])}) for row in map(dict, rows)]


def list_counts(node: Node) -> list[ClaimCount]:
    """Return what was claimed here, by authority, the term it came in and the term it was about."""
    counts: dict[tuple[str, str, str], list[int]] = {}
    for row in node.database.connection.execute("SELECT * FROM claims_received ORDER BY authority, day, about"):
        key = (row["authority"], str(term_of(date.fromisoformat(row["day"]))), row["about"])
        known = counts.setdefault(key, [0, 0, 0])
        counts[key] = [known[0] + row["claims"], known[1] + row["matched"], known[2] + row["refused"]]
    found = list_children(node)
    return [_count(key, figures, found) for key, figures in counts.items()]


def _count(key: tuple[str, str, str], figures: Sequence[int], found: Iterable[ClaimedChild]) -> ClaimCount:
    theirs = [
        child for child in found if (child.authority, str(term_of(date.fromisoformat(child.day))), child.about) == key
    ]
    claims, matched, refused = figures
    contested = sum(child.contested for child in theirs)
    return ClaimCount(*key, claims, matched, refused, children=len(theirs), contested=contested)

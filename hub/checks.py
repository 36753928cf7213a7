"""Releases that wait for an output checker, and what each is told of them.

What was found is kept until it is decided and no longer, and so is a total that waits: as it would be released, since
the sum itself is gone. The log says who decided, and nothing of what was found.
"""

import json
from dataclasses import dataclass

from audit.connection import Connection, Row
from audit.event import Action, Outcome
from disclosure_control.release.gate import ReleaseRefused
from federation.exchange import CheckList, ForeseenCheck, PendingCheck, QueryState, ReleaseDocument
from federation.manifest import Path
from federation.problems import ProblemRaised
from federation.register import Member
from federation.wire import MAX_BATCH_BYTES, decode_document, encode_document
from hub.gate import Verdict, find_totals, judge_total
from hub.queries import StoredQuery, read_query
from hub.query_states import UNDER_WAY, move_query
from hub.service import Hub

__all__ = [
    "AS_IT_IS",
    "Waiting",
    "add_findings",
    "check_checker",
    "foresee_check",
    "forget_check",
    "hold_release",
    "list_checks",
    "take_up",
]

AS_IT_IS = "it is a total, which has no rows of authorities to leave out: approve it as it is, or refuse it"
"""What can be decided of a total that waits."""

WILL_WAIT = (
    "its total will wait for an output checker before it is released: earlier totals overlap with it in more ways than "
    "can be looked at all at once"
)
"""What its asker is told of a total that will wait."""


@dataclass(frozen=True)
class Waiting:
    """A release that waits: what its checker has been told, of whom, and beside which queries' releases.

    Rows of authorities are put together from their replies when it is decided; a `total` is there as it will be.
    """

    query: StoredQuery
    words: tuple[str, ...]
    told: frozenset[str]
    beside: tuple[str, ...]
    total: ReleaseDocument | None


def hold_release(
    hub: Hub,
    connection: Connection,
    query: StoredQuery,
    verdict: Verdict,
    beside: tuple[str, ...],
    total: ReleaseDocument | None = None,
) -> None:
    """Set a release aside for a checker, in the caller's transaction, unless it is there already.

    `beside` are the queries whose releases it was held against.
    """
    if not move_query(connection, query.query_id, QueryState.RUNNING, QueryState.CHECKING):
        return
    found = json.dumps(list(verdict.words)), json.dumps(sorted(verdict.told)), json.dumps(beside)
    connection.execute("INSERT INTO checks VALUES (?, ?, ?, ?)", (query.query_id, *found))
    if total is not None:
        connection.execute("INSERT INTO held_totals VALUES (?, ?)", (query.query_id, encode_document(total)))
    event = hub.event(
        Action.RELEASE_HELD,
        hub.party.member_id,
        query.query_id,
        outcome=Outcome.HELD,
        found=len(verdict.words),
        withheld=len(verdict.told),
    )
    hub.database.log.append(connection, event)


def foresee_check(hub: Hub, query: StoredQuery) -> ForeseenCheck:
    """Say whether what a query asks for will wait for a checker, by the totals that there are now.

    Of rows of authorities it cannot be known before they have answered.
    """
    manifest, ahead = query.manifest, (QueryState.DRAFTED, QueryState.SUBMITTED, *UNDER_WAY)
    if query.state not in ahead or manifest.path is not Path.EXACT_SUM or manifest.cell_key is not None:
        return ForeseenCheck(reason="")
    try:
        verdict = judge_total(find_totals(hub, manifest, query.plan), query.plan)
    except ReleaseRefused:
        return ForeseenCheck(reason="")  # It will be withheld, and not wait.
    return ForeseenCheck(reason="" if verdict.is_safe else WILL_WAIT)


def list_checks(hub: Hub, reader: Member) -> CheckList:
    """Return what waits, for a checker. Raises a 403 problem for anybody else."""
    check_checker(hub, reader)
    rows = hub.database.connection.execute(
        "SELECT *, query_id IN (SELECT query_id FROM held_totals) AS is_total "
        "FROM checks JOIN queries USING (query_id) ORDER BY drafted_at"
    )
    return CheckList(checks=tuple(map(_describe, rows)))


def _describe(row: Row) -> PendingCheck:
    """What was found of one; of a total also that it is released whole or not at all."""
    query, words = read_query(row), tuple(json.loads(row["words"]))
    manifest = query.manifest
    return PendingCheck(
        query_id=query.query_id,
        purpose=manifest.purpose,
        sql=manifest.sql,
        found=(*words, f"{AS_IT_IS.capitalize()}.") if row["is_total"] else words,
        withheld=tuple(json.loads(row["told"])),
    )


def check_checker(hub: Hub, member: Member) -> None:
    """Raise a 403 problem unless the access matrix lets a member decide on outputs."""
    hub.check_access(member.kind, "federation", "approve", "aggregates")


def take_up(hub: Hub, query_id: str) -> Waiting:
    """Return a release that waits. Raises a 404 problem."""
    row = hub.database.connection.execute(
        "SELECT * FROM checks JOIN queries USING (query_id) LEFT JOIN held_totals USING (query_id) WHERE query_id = ?",
        (query_id,),
    ).fetchone()
    if row is None:
        raise ProblemRaised(404, "check_unknown", "no release of that query waits for an output checker")
    words, told, beside = (tuple(json.loads(row[each])) for each in ("words", "told", "beside"))
    held = row["document"]
    total = None if held is None else decode_document(bytes(held), ReleaseDocument, limit=MAX_BATCH_BYTES)
    return Waiting(read_query(row), words, frozenset(told), beside, total)


def add_findings(connection: Connection, waiting: Waiting, verdict: Verdict, beside: tuple[str, ...]) -> None:
    """Have its checker read what was found since, in the caller's transaction."""
    words, told = list(dict.fromkeys((*waiting.words, *verdict.words))), sorted(waiting.told | verdict.told)
    connection.execute(
        "UPDATE checks SET words = ?, told = ?, beside = ? WHERE query_id = ?",
        (json.dumps(words), json.dumps(told), json.dumps(beside), waiting.query.query_id),
    )


def forget_check(connection: Connection, query_id: str) -> None:
    """Forget what was found and what was held, in the caller's transaction: it is decided."""
    connection.execute("DELETE FROM checks WHERE query_id = ?", (query_id,))
    connection.execute("DELETE FROM held_totals WHERE query_id = ?", (query_id,))

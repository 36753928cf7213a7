"""What an output checker decides of a release that waits: to let go what is left of it, or none of it.

A checker may leave further authorities out, never show more than the gate lets through.
"""

from collections.abc import Mapping

from audit.connection import Connection
from audit.event import Action
from disclosure_control.release.gate import ReleasedTable
from federation.exchange import CheckDecision, QueryState, ReleaseDocument
from federation.manifest import Reply
from federation.problems import ProblemRaised
from federation.register import Member
from federation.releases import load_approved_preset
from hub.checks import AS_IT_IS, Waiting, add_findings, check_checker, forget_check, take_up
from hub.dispatch import read_replies
from hub.endings import end_query
from hub.gate import judge_rows, name_beside
from hub.queries import StoredQuery
from hub.release import combine_replies, describe_rows, keep_release
from hub.service import Hub


def decide_release(hub: Hub, query_id: str, decision: CheckDecision, checker: Member) -> None:
    """Act on what an output checker decides of a release that waits. Raises a 403, a 404, a 409 and a 422 problem.

    What was found is forgotten with it.
    """
    check_checker(hub, checker)
    waiting = take_up(hub, query_id)
    if decision.release:
        _let_go(hub, waiting, frozenset(decision.withhold), checker)
        hub.database.erase_deleted()
    else:
        end_query(hub, waiting.query, QueryState.REFUSED, Action.QUERY_WITHHELD, checker.id, decision.reason)
    hub.bell.ring(query_id)


def _let_go(hub: Hub, waiting: Waiting, withhold: frozenset[str], checker: Member) -> None:
    if waiting.total is None:
        _let_rows_go(hub, waiting, waiting.told | withhold, checker)
    elif withhold:
        raise ProblemRaised(422, "nothing_to_leave_out", AS_IT_IS)
    else:
        _let_total_go(hub, waiting.query, waiting.total, checker)


def _let_rows_go(hub: Hub, waiting: Waiting, left_out: frozenset[str], checker: Member) -> None:
    """Release what waited without these authorities, unless others that were released meanwhile tell more with it."""
    query = waiting.query
    replies = read_replies(hub, query.digest)
    table = combine_replies(hub, query, replies, left_out)
    beside = _judge_again(hub, waiting, table, replies, left_out)
    document = describe_rows(hub, query, table, replies)
    with hub.database.transaction() as connection:
        if name_beside(hub, connection, query.manifest) != beside:
            raise ProblemRaised(409, "overtaken", "another release was made at this moment: decide again")
        _keep(hub, connection, query, document, checker)


def _let_total_go(hub: Hub, query: StoredQuery, total: ReleaseDocument, checker: Member) -> None:
    """Release a total as it was held. What was released since was protected beside it, so that nothing more is told."""
    with hub.database.transaction() as connection:
        _keep(hub, connection, query, total, checker)


def _keep(hub: Hub, connection: Connection, query: StoredQuery, document: ReleaseDocument, checker: Member) -> None:
    forget_check(connection, query.query_id)
    if not keep_release(hub, connection, query, document, checker.id):
        raise ProblemRaised(409, "state", "the query has moved on meanwhile: look at where it stands")


def _judge_again(
    hub: Hub, waiting: Waiting, table: ReleasedTable, replies: Mapping[str, Reply], left_out: frozenset[str]
) -> tuple[str, ...]:
    """Check that a release tells nothing beside those made while it waited that its checker has not read.

    Returns the queries whose releases it was held against. Raises a 409 problem, once what was found is there to read.
    """
    query = waiting.query
    beside = name_beside(hub, hub.database.connection, query.manifest)
    if beside == waiting.beside:
        return beside
    preset = load_approved_preset(query.manifest, hub.party.presets)
    verdict = judge_rows(hub, query.manifest, table, replies, preset)
    told_more = not (verdict.told <= left_out and set(verdict.words) <= set(waiting.words))
    with hub.database.transaction() as connection:
        add_findings(connection, waiting, verdict, beside)
    if told_more:
        text = "more is told beside releases that were made while it waited: read what was found, and decide again"
        raise ProblemRaised(409, "told_meanwhile", text)
    return beside

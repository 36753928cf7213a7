"""Settling: what becomes of queries when they are approved, when everybody has answered, or when their time is up.

A question by `per_authority` is released once every node has replied; a sum goes its own way, step by step. Most is
done when something comes in. For the rest, time that has passed, the hub looks every second.
"""

import logging
import threading
from datetime import datetime

from audit.event import Action
from disclosure_control.release.gate import ReleaseRefused
from federation.exchange import QueryState
from federation.manifest import SUM_PATHS, Reply
from federation.manifest import Outcome as ReplyOutcome
from federation.service_log import name_error
from hub.dispatch import offer_manifest, read_progress
from hub.endings import close_query, end_refused
from hub.queries import StoredQuery, find_approved, find_due, find_running, list_due, queries_under_way
from hub.query_states import UNDER_WAY
from hub.relay import delete_expired
from hub.release import release_query
from hub.repeating import keep_doing
from hub.service import Hub
from hub.sums.advancing import advance_query
from hub.sums.arrivals import note_refusal
from hub.sums.slots import prepare

log = logging.getLogger("circe.hub")

EVERY_SECONDS = 1.0
"""How often the hub looks what has fallen due."""


def settle_query(hub: Hub, query_id: str) -> None:
    """Release a running query once every node of its roster has answered.

    While another thread settles, it is left to that thread or to the next look.
    """
    if find_due(hub, query_id, hub.clock()) is None:
        return
    with hub.settling.take() as taken:
        query = find_due(hub, query_id, hub.clock()) if taken else None
        if query is not None:
            _settle(hub, query, hub.clock())


def start_query(hub: Hub, query_id: str) -> None:
    """Send out a query that has just been approved: to the nodes at once, or as a sum when they are ready for it.

    A second call changes nothing, and `keep_up` does what is left undone where the hub is stopped before it.
    """
    query = find_approved(hub, query_id)
    if query is not None:
        _send_out(hub, query, hub.clock())


def _send_out(hub: Hub, query: StoredQuery, now: datetime) -> None:
    if query.manifest.path in SUM_PATHS:
        advance_query(hub, query, now)
    elif now < query.manifest.expires_at:
        offer_manifest(hub, query)
    else:
        close_query(hub, query, QueryState.UNFINISHED, Action.QUERY_UNFINISHED)


def note_reply(hub: Hub, reply: Reply) -> None:
    """Act on a reply that has just been kept: the query may be finished, or a sum have to do without the node."""
    if reply.outcome is ReplyOutcome.HELD:
        return
    query = find_running(hub, reply.manifest_digest)
    if query is not None and query.manifest.path in SUM_PATHS:
        note_refusal(hub, query, reply.node, reply.code or reply.outcome)
        advance_query(hub, query, hub.clock())
    else:
        settle_query(hub, reply.query_id)


def settle_due(hub: Hub, now: datetime) -> None:
    """Settle what is due: release what nodes have answered, and say of the rest what became of it."""
    if _find_due(hub, now):
        with hub.settling.take() as taken:
            for query in _find_due(hub, now) if taken else ():
                _settle(hub, query, now)
    delete_expired(hub, now)


def _find_due(hub: Hub, now: datetime) -> tuple[StoredQuery, ...]:
    """Return what is due and no sum: a sum is taken on by what comes in for it, and by `keep_up`.

    Every poll comes by here, and hundreds of sums may wait to be sent out: each is read once, for it stays a sum.
    """
    due, known = list_due(hub, now), hub.sums.passed_over
    known.intersection_update(due)
    fresh = (find_due(hub, query_id, now) for digest, query_id in due.items() if digest not in known)
    found = [query for query in fresh if query is not None]
    known.update(query.digest for query in found if _is_sum(query))
    return tuple(query for query in found if not _is_sum(query))


def keep_up(hub: Hub, now: datetime) -> None:
    """Do what has fallen due by itself: send out and settle queries, take sums on, and deal for those to come."""
    settle_due(hub, now)
    for query in queries_under_way(hub, SUM_PATHS):
        _settle(hub, query, now)
    prepare(hub, now)


def _is_sum(query: StoredQuery) -> bool:
    return query.state in UNDER_WAY and query.manifest.path in SUM_PATHS


def _settle(hub: Hub, query: StoredQuery, now: datetime) -> None:
    """Settle one query. Whatever goes wrong with it stays with it: the polls of all nodes come by here."""
    try:
        if _is_sum(query):
            advance_query(hub, query, now)
        elif query.state is QueryState.APPROVED:
            _send_out(hub, query, now)
        elif query.state is QueryState.RUNNING:
            finish_query(hub, query)
        else:
            close_query(hub, query, QueryState.EXPIRED, Action.QUERY_EXPIRED)
    except Exception as error:
        log.error("%s cannot be settled now: %s", query.query_id, name_error(error))  # noqa: TRY400 - no traceback


def finish_query(hub: Hub, query: StoredQuery) -> None:
    """Release a running query if any node has answered it. What all have refused is refused.

    A table that the release gate refuses is withheld for good.
    """
    replied = read_progress(hub, query.digest)
    if not any(said.outcome == ReplyOutcome.ANSWERED for said in replied.values()):
        if len(replied) == len(query.manifest.roster):
            refused, why = tuple(replied.values()), "every authority that was asked refused it"
            with hub.database.transaction() as connection:
                end_refused(hub, connection, query, refused, why)
            hub.bell.ring(query.query_id)
            return
        close_query(hub, query, QueryState.UNFINISHED, Action.QUERY_UNFINISHED)
        return
    try:
        release_query(hub, query)
    except ReleaseRefused:
        close_query(hub, query, QueryState.UNFINISHED, Action.QUERY_WITHHELD)


def keep_time(hub: Hub, stop: threading.Event) -> threading.Thread:
    """Look every second what has fallen due, in a thread of its own, until told to stop."""
    return keep_doing("keeping time", lambda: keep_up(hub, hub.clock()), EVERY_SECONDS, stop)

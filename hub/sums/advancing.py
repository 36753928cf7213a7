"""Advancing a sum (S5, S7, S10 to S12): ask the collector what is next, and do it.

Called whenever something has come in for a sum, and every second for those whose time runs out. Doing it twice changes
nothing, so whoever comes first does it.
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from audit.connection import Connection
from audit.event import Action, Outcome
from federation.envelope import seal_envelope
from federation.exchange import DeliveryKind, QueryState
from federation.manifest import Outcome as ReplyOutcome
from federation.manifest import Path
from federation.secure_sum.errors import SumFailed
from federation.secure_sum.messages import SURVIVORS_TYPE
from federation.secure_sum.steps import AskReveals, AskSurvivors, Fail, Open, Wait
from federation.sums_exchange import AbortWanted, StatementOffered
from federation.wire import Document, encode_document
from hub.dispatch import deliver, pending_receivers, read_progress
from hub.endings import close_query, close_within, end_refused
from hub.queries import StoredQuery, find_running
from hub.service import Hub
from hub.sums.attempts import (
    AttemptState,
    StoredAttempt,
    find_aborts,
    find_attempt,
    find_template,
    move_attempt,
    name_survivors_once,
)
from hub.sums.beginning import MOST_ATTEMPTS, begin_attempt
from hub.sums.culprits import list_names
from hub.sums.gathering import gather
from hub.sums.memory import Gathering
from hub.sums.totals import release_total

log = logging.getLogger("circe.hub")

SLOW = timedelta(seconds=2)
"""How long those who are asked first for their shares have, before everybody is asked."""

OPENING_TO_THE_REST = "opening to the rest"
"""By which it is remembered that they were asked, too."""

TOO_MANY_MISSING = "too_many_missing"
"""The code of an attempt that fails for those who take no part in it."""

FEWEST_SPARE = 2
"""How many more than are needed are asked first, at least."""


def advance(hub: Hub, digest: str) -> None:
    """Take one sum as far as it goes now."""
    query = find_running(hub, digest)
    if query is not None:
        advance_query(hub, query, hub.clock())


def advance_query(hub: Hub, query: StoredQuery, now: datetime) -> None:
    """Take the sum of a query that is approved or running as far as it goes now."""
    if now >= query.manifest.expires_at:
        close_query(hub, query, QueryState.UNFINISHED, Action.QUERY_UNFINISHED)
        return
    if find_attempt(hub, query.digest) is None:
        begin_attempt(hub, query, now)
        return
    if query.state is QueryState.APPROVED:
        return  # It has been begun since it was looked up, and is taken on by what comes in for it.
    with hub.sums.lock:
        # Looked for again: while this waited, another thread may have opened the sum and forgotten what was gathered.
        attempt = find_attempt(hub, query.digest)
        if attempt is not None and attempt.state is AttemptState.OPEN:
            _step(hub, query, attempt, gather(hub, query, attempt), now)
        elif attempt is not None and attempt.state is AttemptState.ABORTING:
            _begin_again(hub, query, attempt, gather(hub, query, attempt), now)


def _step(hub: Hub, query: StoredQuery, attempt: StoredAttempt, gathering: Gathering, now: datetime) -> None:
    match gathering.collector.next_step(now):
        case Wait():
            return
        case AskSurvivors(statement=statement):
            if not name_survivors_once(hub, attempt, statement):
                hub.sums.forget(attempt.place)  # Another process has named others: begin again from what is kept.
                return
            unsigned = StatementOffered(statement=seal_envelope(encode_document(statement), SURVIVORS_TYPE))
            _offer(hub, attempt, DeliveryKind.SURVIVORS, unsigned, statement.survivors)
        case AskReveals() as asked:
            _ask_reveals(hub, query, attempt, gathering.collector.arrived, asked)
        case Open(survivors=survivors):
            if not _await_others(hub, query, attempt, set(survivors) - set(gathering.collector.revealed), now):
                _open(hub, query, attempt, gathering, now)
        case Fail(code=code, culprits=culprits):
            _fail(hub, query, attempt, gathering, code, culprits, now)


def _offer(
    hub: Hub,
    attempt: StoredAttempt,
    kind: DeliveryKind,
    wanted: Document,
    receivers: Iterable[str],
) -> None:
    """Put what is wanted into inboxes, once for each hub: after a crash it is put there again, and answered alike."""
    if (kind, attempt.place) in hub.sums.offered:
        return
    hub.sums.offered[kind, attempt.place] = hub.clock()
    _put(hub, attempt, kind, wanted, receivers)


def _put(hub: Hub, attempt: StoredAttempt, kind: DeliveryKind, wanted: Document, receivers: Iterable[str]) -> None:
    fresh = sorted(set(receivers) - pending_receivers(hub, kind, attempt.reference, hub.clock()))
    body = encode_document(wanted)
    with hub.database.transaction() as connection:
        deliver(
            connection,
            kind,
            dict.fromkeys(fresh, body),
            reference=attempt.reference,
            expires_at=attempt.attempt.expires_at,
        )
    hub.bell.ring(*fresh)


def _ask_reveals(
    hub: Hub, query: StoredQuery, attempt: StoredAttempt, arrived: Sequence[str], asked: AskReveals
) -> None:
    """Ask as many for their shares as it takes, the quickest and a few to spare; the rest where those are slow (S7).

    Of an exact sum everybody is asked: whoever reveals holds the term to these survivors for good (S8).
    """
    enough = attempt.roster.threshold + max(FEWEST_SPARE, len(asked.survivors) // 20)
    quickest = [node for node in arrived if node in asked.survivors]
    if query.manifest.path is Path.NOISY_SUM:
        del quickest[enough:]
    wanted = StatementOffered(statement=asked.envelope)
    _offer(hub, attempt, DeliveryKind.OPENING, wanted, quickest)
    first, rest = (DeliveryKind.OPENING, attempt.place), (OPENING_TO_THE_REST, attempt.place)
    if rest not in hub.sums.offered and hub.clock() >= hub.sums.offered[first] + SLOW:
        hub.sums.offered[rest] = hub.clock()
        _put(hub, attempt, DeliveryKind.OPENING, wanted, set(asked.survivors) - set(quickest))


def _await_others(hub: Hub, query: StoredQuery, attempt: StoredAttempt, others: set[str], now: datetime) -> bool:
    """Whether to wait a little for the rest of an exact sum's survivors: the more hold to them, the longer that lasts.

    What certifies a term's survivors is the word of t who revealed (S9), and some change keys before it is over.
    """
    asked = hub.sums.offered.get((DeliveryKind.OPENING, attempt.place))
    return query.manifest.path is Path.EXACT_SUM and bool(others) and asked is not None and now < asked + SLOW


def _open(hub: Hub, query: StoredQuery, attempt: StoredAttempt, gathering: Gathering, now: datetime) -> None:
    """Open a sum and release what may be shown of it; nothing of the sum itself is kept."""
    try:
        vector = gathering.collector.open()
    except SumFailed as failed:
        _fail(hub, query, attempt, gathering, failed.code, failed.culprits, now)
        return
    try:
        release_total(hub, query, attempt, gathering.collector, vector)
    finally:
        hub.sums.forget(attempt.place)


def _fail(
    hub: Hub,
    query: StoredQuery,
    attempt: StoredAttempt,
    gathering: Gathering,
    code: str,
    culprits: tuple[str, ...],
    now: datetime,
) -> None:
    """Give an attempt up: log why and because of whom, and try again where that can help."""
    again = attempt.number < MOST_ATTEMPTS and code == TOO_MANY_MISSING and attempt.survivors is None
    can_help = not gathering.collector.hopeless and now < attempt.attempt.expires_at
    after = AttemptState.ABORTING if again and can_help else AttemptState.FAILED
    event = hub.event(
        Action.SUM_FAILED,
        hub.party.member_id,
        query.query_id,
        outcome=Outcome.FAILED,
        code=code,
        attempt=attempt.number,
        **list_names("because_of", culprits),
    )
    with hub.database.transaction() as connection:
        if not move_attempt(connection, attempt, after):
            return
        hub.database.log.append(connection, event)
        if after is AttemptState.FAILED:
            # Of one whose time was up those are named who did not contribute: it failed for those who did not open it.
            _end_failed(hub, connection, query, culprits if code == TOO_MANY_MISSING else ())
    log.warning("%s: attempt %d fails: %s", query.query_id, attempt.number, code)
    if after is AttemptState.ABORTING:
        _ask_aborts(hub, query, attempt)
    else:
        hub.sums.forget(attempt.place)
        hub.bell.ring(query.query_id)


def _end_failed(hub: Hub, connection: Connection, query: StoredQuery, culprits: tuple[str, ...]) -> None:
    """End a query whose last attempt failed, in that transaction: as refused, where it is for refusals alone."""
    replied = read_progress(hub, query.digest)
    refused = [said for node in culprits if (said := replied.get(node)) and said.outcome == ReplyOutcome.REFUSED]
    if refused and len(refused) == len(culprits):
        end_refused(hub, connection, query, refused, "too many authorities refused it for the others to be added up")
    else:
        close_within(hub, connection, query, QueryState.UNFINISHED, Action.QUERY_UNFINISHED)


def _ask_aborts(hub: Hub, query: StoredQuery, attempt: StoredAttempt) -> None:
    """Have the whole roster promise that an attempt is over: those that contributed can be too few for that (S12)."""
    template = find_template(hub.database.connection, query.manifest)
    aborts = find_aborts(hub.database.connection, attempt)
    wanted = AbortWanted(attempt=attempt.signed, manifest=query.envelope, template=template, aborts=aborts)
    _offer(hub, attempt, DeliveryKind.ABORT, wanted, attempt.roster.members)


def _begin_again(hub: Hub, query: StoredQuery, attempt: StoredAttempt, gathering: Gathering, now: datetime) -> None:
    """Begin the next attempt, once enough nodes have promised that this one is over, or its time is up."""
    _ask_aborts(hub, query, attempt)  # Again where the hub was stopped before it could.
    aborts = gathering.collector.aborts()
    if (aborts is not None or now >= attempt.attempt.expires_at) and begin_attempt(hub, query, now, aborts):
        hub.sums.forget(attempt.place)

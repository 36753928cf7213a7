"""Arrivals (S4, S6, S9, S12): what nodes hand in for an attempt, each verified before it is kept.

The same bytes twice count once. Something else where something is kept already is refused, and the log says whose it
was. A reveal is kept sealed under the key that dies with this hub.
"""

from collections.abc import Callable
from typing import TypeVar

from audit.connection import Connection
from audit.event import Action, Outcome
from federation.envelope import Envelope
from federation.exchange import NodeProgress
from federation.problems import ProblemRaised
from federation.register import Member
from federation.secure_sum.collector import Collector
from federation.secure_sum.digests import digest_of
from federation.secure_sum.errors import SumFailed, SumRefused
from federation.secure_sum.facts import name_abort
from federation.secure_sum.messages import CONTRIBUTION_TYPE, REVEAL_TYPE, Contribution, Reveal
from federation.secure_sum.signing import read_payload
from federation.sums_exchange import ContributionHandedIn, StatementSigned
from federation.wire import decode_document, encode_document
from hub.dispatch import keep_progress
from hub.queries import StoredQuery, find_running
from hub.service import Hub
from hub.sums.attempts import ArrivalKind, AttemptState, StoredAttempt, find_attempt
from hub.sums.gathering import gather

Take = Callable[[Collector], None]
"""Feeds a collector with what came in; raises `SumFailed` where it does not hold."""

AttemptWord = TypeVar("AttemptWord", Contribution, Reveal)
"""What says itself which attempt it is of."""

Record = Callable[[Connection], None]
"""Writes what goes with an arrival, in the same transaction."""


def accept_contribution(hub: Hub, node: Member, digest: str, sent: ContributionHandedIn) -> None:
    """Keep a node's masked vector (S4). Raises a 4xx problem."""
    query, attempt = _find(hub, digest)
    now = hub.clock()
    _check_newest(attempt, sent.contribution, CONTRIBUTION_TYPE, Contribution)

    def take(collector: Collector) -> None:
        collector.take_contribution(node.id, sent.contribution, sent.vector, sent.consent, now)

    def record(connection: Connection) -> None:
        _note_answered(hub, connection, query, sent.contribution)

    _keep(hub, query, attempt, node, ArrivalKind.CONTRIBUTION, encode_document(sent), take, record)


def accept_signature(hub: Hub, node: Member, digest: str, signed: StatementSigned) -> None:
    """Keep a node's signature on the smaller survivor set that it was asked for (S6). Raises a 4xx problem."""
    query, attempt = _find(hub, digest)
    if attempt.survivors is None or signed.statement_digest != digest_of(encode_document(attempt.survivors)):
        raise ProblemRaised(409, "statement_other", "this is not the set of survivors that you were asked to sign")
    signature, now = signed.signature, hub.clock()

    def take(collector: Collector) -> None:
        collector.take_signature(node.id, signature, now)

    _keep(hub, query, attempt, node, ArrivalKind.SIGNATURE, encode_document(signature), take)


def accept_reveal(hub: Hub, node: Member, digest: str, reveal: Envelope) -> None:
    """Keep a node's shares, sealed, until the sum is opened (S9). Raises a 4xx problem."""
    query, attempt = _find(hub, digest)
    now = hub.clock()
    _check_newest(attempt, reveal, REVEAL_TYPE, Reveal)

    def take(collector: Collector) -> None:
        collector.take_reveal(node.id, reveal, now)

    box = hub.sums.seal(encode_document(reveal), attempt.place)
    _keep(hub, query, attempt, node, ArrivalKind.REVEAL, box, take)


def accept_abort(hub: Hub, node: Member, digest: str, signed: StatementSigned) -> None:
    """Keep a node's promise that an attempt is over (S12). Raises a 4xx problem."""
    query, attempt = _find(hub, digest)
    if signed.statement_digest != digest_of(encode_document(name_abort(attempt.attempt))):
        raise _over()  # A node that was away may say so of an attempt that was followed by another since.
    signature, now = signed.signature, hub.clock()

    def take(collector: Collector) -> None:
        collector.take_abort(node.id, signature, now)

    _keep(hub, query, attempt, node, ArrivalKind.ABORT, encode_document(signature), take)


def note_refusal(hub: Hub, query: StoredQuery, node: str, code: str) -> None:
    """Note that a node has refused the manifest of a sum: it counts as missing at once."""
    with hub.sums.lock:
        attempt = find_attempt(hub, query.digest)
        if attempt is None or attempt.state is not AttemptState.OPEN:
            return
        gathering = gather(hub, query, attempt)
        arrival = _insert(hub, attempt, node, ArrivalKind.REFUSAL, code.encode())
        if arrival is not None:
            gathering.seen.add(arrival)
            gathering.collector.take_refusal(node, code)


def _find(hub: Hub, digest: str) -> tuple[StoredQuery, StoredAttempt]:
    """Return the running query of a manifest and its newest attempt. Raises a 404 or 409 problem."""
    query = find_running(hub, digest)
    attempt = find_attempt(hub, digest)
    if query is None or attempt is None or attempt.state not in (AttemptState.OPEN, AttemptState.ABORTING):
        raise ProblemRaised(409, "not_awaited", "no sum of that manifest is under way: nothing is awaited")
    return query, attempt


def _check_newest(attempt: StoredAttempt, envelope: Envelope, payload_type: str, kind: type[AttemptWord]) -> None:
    """Raise a 409 problem for what is of an attempt before: whoever was slow is not to blame for it."""
    try:
        number = read_payload(envelope, payload_type, kind).attempt
    except SumRefused:
        return  # Whose fault that is, the collector finds out.
    if number < attempt.number:
        raise _over()


def _over() -> ProblemRaised:
    return ProblemRaised(
        409, "attempt_over", "another attempt at this sum has begun since: nothing is awaited of that one"
    )


def _keep(
    hub: Hub,
    query: StoredQuery,
    attempt: StoredAttempt,
    node: Member,
    kind: ArrivalKind,
    body: bytes,
    take: Take,
    record: Record = lambda connection: None,
) -> None:
    """Verify what came in, and keep it with its record. Raises a 404 or 409 problem."""
    if node.id not in attempt.roster.members:
        raise ProblemRaised(404, "not_in_roster", "you are not of this sum's roster")
    with hub.sums.lock:
        _, newest = _find(hub, query.digest)  # Again: while this waited, another thread may have opened the sum.
        if newest.number != attempt.number:
            raise _over()
        gathering = gather(hub, query, attempt)
        known = _read(hub, attempt, node.id, kind)
        if known == body:
            return
        try:
            _check_fresh(node, kind, known)
            take(gathering.collector)
        except SumFailed as failed:
            if (node.id, failed.code) not in gathering.rejected:
                gathering.rejected.add((node.id, failed.code))
                _log_rejection(hub, query, node, failed)
            raise ProblemRaised(409, failed.code, failed.text) from None
        if known is not None:
            _replace_reveal(hub, attempt, node.id, body)
            return
        arrival = _insert(hub, attempt, node.id, kind, body, record)
        if arrival is not None:
            gathering.seen.add(arrival)


def _check_fresh(node: Member, kind: ArrivalKind, known: bytes | None) -> None:
    """Raise `SumFailed` where a node has handed in something else before; only reveals may be asked for again."""
    if known is not None and kind is not ArrivalKind.REVEAL:
        raise SumFailed("equivocation", f"{node.id} handed in another {kind} before", (node.id,))


def _read(hub: Hub, attempt: StoredAttempt, node: str, kind: ArrivalKind) -> bytes | None:
    row = hub.database.connection.execute(
        "SELECT body FROM sum_arrivals WHERE digest = ? AND number = ? AND node = ? AND kind = ?",
        (*attempt.place, node, kind),
    ).fetchone()
    return None if row is None else bytes(row["body"])


def _insert(
    hub: Hub,
    attempt: StoredAttempt,
    node: str,
    kind: ArrivalKind,
    body: bytes,
    record: Record = lambda connection: None,
) -> int | None:
    with hub.database.transaction() as connection:
        row = connection.execute(
            "INSERT INTO sum_arrivals (digest, number, node, kind, body) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT DO NOTHING RETURNING arrival",
            (*attempt.place, node, kind, body),
        ).fetchone()
        if row is not None:
            record(connection)
    return None if row is None else int(row["arrival"])


def _replace_reveal(hub: Hub, attempt: StoredAttempt, node: str, body: bytes) -> None:
    """Keep a reveal that was asked for again, since the one kept before died with the hub that sealed it."""
    with hub.database.transaction() as connection:
        connection.execute(
            "UPDATE sum_arrivals SET body = ? WHERE digest = ? AND number = ? AND node = ? AND kind = ?",
            (body, *attempt.place, node, ArrivalKind.REVEAL),
        )


def _log_rejection(hub: Hub, query: StoredQuery, node: Member, failed: SumFailed) -> None:
    event = hub.event(
        Action.SUM_REJECTED,
        node.id,
        query.query_id,
        outcome=Outcome.REFUSED,
        code=failed.code,
        path=query.manifest.path,
    )
    with hub.database.transaction() as connection:
        hub.database.log.append(connection, event)


def _note_answered(hub: Hub, connection: Connection, query: StoredQuery, envelope: Envelope) -> None:
    """Show that a node has answered, and log it, as for any other query."""
    word = decode_document(envelope.body, Contribution)
    progress = NodeProgress(node=word.node, authority=word.authority, outcome="answered", code="", text="")
    keep_progress(connection, query.digest, progress, encode_document(envelope), hub.clock())
    event = hub.event(Action.QUERY_ANSWERED, word.node, query.query_id, snapshot=word.snapshot, attempt=word.attempt)
    hub.database.log.append(connection, event)

"""Gathering (S5): what a process knows of an attempt is a `Collector`, fed with everything that was kept for it.

Whatever came in was verified then, by this process or by another; it is verified again as it is fed.
"""

from audit.connection import Row
from federation.envelope import Envelope, Signature
from federation.secure_sum.collector import Collector
from federation.secure_sum.errors import SumFailed
from federation.secure_sum.facts import ManifestFacts
from federation.sum_facts import state_facts
from federation.sums_exchange import ContributionHandedIn
from federation.wire import decode_document
from hub.queries import StoredQuery
from hub.service import Hub
from hub.sums.attempts import ArrivalKind, StoredAttempt
from hub.sums.certificates import certificate_of, earlier_of
from hub.sums.memory import Gathering
from hub.sums.slots import read_bundles


def gather(hub: Hub, query: StoredQuery, attempt: StoredAttempt) -> Gathering:
    """Return what has come in for an attempt, the newest included. The caller holds the lock of `hub.sums`."""
    gathering = hub.sums.find(attempt.place, lambda: _make_collector(hub, query, attempt))
    for arrival in sorted(_list_arrivals(hub, attempt) - gathering.seen):
        row = hub.database.connection.execute("SELECT * FROM sum_arrivals WHERE arrival = ?", (arrival,)).fetchone()
        gathering.seen.add(arrival)
        if row is not None:
            _feed(hub, gathering.collector, row)
    return gathering


def _list_arrivals(hub: Hub, attempt: StoredAttempt) -> set[int]:
    """Number everything kept of an attempt: vectors are large, and are read once, not at every arrival."""
    rows = hub.database.connection.execute(
        "SELECT arrival FROM sum_arrivals WHERE digest = ? AND number = ?", attempt.place
    )
    return {row["arrival"] for row in rows}


def _make_collector(hub: Hub, query: StoredQuery, attempt: StoredAttempt) -> Collector:
    connection, manifest = hub.database.connection, query.manifest
    return Collector(
        attempt.attempt,
        attempt.roster,
        facts_of(hub, query),
        read_bundles(hub, attempt.attempt.roster_digest, attempt.attempt.slot),
        hub.register(),
        attempt.started_at,
        certified=certificate_of(connection, manifest) is not None,
        bound=bool(earlier_of(connection, manifest)),
        proposed=attempt.survivors,
    )


def facts_of(hub: Hub, query: StoredQuery) -> ManifestFacts:
    """Return what the protocol has to know of a query's manifest."""
    return state_facts(query.manifest, query.digest, query.plan, hub.register())


def _feed(hub: Hub, collector: Collector, row: Row) -> None:
    """Feed one arrival that was accepted before. What does not hold any more counts for nothing."""
    now, node, body = hub.clock(), row["node"], row["body"]
    try:
        match ArrivalKind(row["kind"]):
            case ArrivalKind.CONTRIBUTION:
                sent = decode_document(body, ContributionHandedIn)
                collector.take_contribution(node, sent.contribution, sent.vector, sent.consent, now)
            case ArrivalKind.REFUSAL:
                collector.take_refusal(node, body.decode())
            case ArrivalKind.SIGNATURE:
                collector.take_signature(node, decode_document(body, Signature), now)
            case ArrivalKind.ABORT:
                collector.take_abort(node, decode_document(body, Signature), now)
            case ArrivalKind.REVEAL:
                reveal = hub.sums.open(body, (row["digest"], row["number"]))
                if reveal is not None:
                    collector.take_reveal(node, decode_document(reveal, Envelope), now)
    except SumFailed:
        return

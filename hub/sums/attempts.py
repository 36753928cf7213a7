"""Attempts (S1): one try at opening one approved manifest, in a slot that is used for nothing else.

An attempt and everything that came in for it are kept, reveals apart, so that a hub that was stopped goes on where it
was. What a process knows of an attempt is a `Collector` that is fed from there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from audit.connection import Connection, Row
from audit.event import Action
from federation.database import stamp
from federation.envelope import Envelope, Signature, seal_envelope, write_envelope
from federation.exchange import DeliveryKind
from federation.manifest import Manifest, Path
from federation.secure_sum.collector import Collector
from federation.secure_sum.epochs import name_epoch
from federation.secure_sum.errors import SumFailed
from federation.secure_sum.facts import ManifestFacts, name_abort
from federation.secure_sum.messages import ABORT_TYPE, ATTEMPT_TYPE, Attempt, Certificate, SumRoster, SurvivorSet
from federation.secure_sum.rosters import roster_digest
from federation.secure_sum.signing import read_payload, sign_document
from federation.sum_facts import state_facts
from federation.sums_exchange import ContributionHandedIn, SumWanted
from federation.wire import decode_document, encode_document, whole_seconds
from hub.dispatch import deliver, withdraw
from hub.queries import StoredQuery
from hub.service import Hub
from hub.sums.certificates import certificate_of, earlier_certificates
from hub.sums.memory import Gathering
from hub.sums.rosters import ASKED, find_roster, keep_roster
from hub.sums.slots import read_bundles, take_slot

OPENING_TIME = timedelta(minutes=15)
"""How long the nodes have to open a sum, once the time for contributions is over."""

MOST_ATTEMPTS = 3
"""How often a manifest is tried: nodes that were away may be back the next time."""


class AttemptState(StrEnum):
    """The life of an attempt at the hub."""

    OPEN = "open"
    """Contributions, signatures or reveals are awaited."""
    ABORTING = "aborting"
    """It cannot succeed; nodes are asked to promise that it is over, so that there can be another."""
    FAILED = "failed"
    OPENED = "opened"


class ArrivalKind(StrEnum):
    """What came in from a node for an attempt."""

    CONTRIBUTION = "contribution"
    REFUSAL = "refusal"
    SIGNATURE = "signature"
    REVEAL = "reveal"
    """Sealed: see `hub.sums.memory`."""
    ABORT = "abort"


@dataclass(frozen=True)
class StoredAttempt:
    """An attempt as the hub keeps it."""

    digest: str
    number: int
    roster: SumRoster
    state: AttemptState
    started_at: datetime
    attempt: Attempt
    signed: Envelope
    """The attempt as the hub signed it."""
    survivors: SurvivorSet | None

    @property
    def place(self) -> tuple[str, int]:
        """By which it is known: the manifest's digest and the attempt's number."""
        return self.digest, self.number

    @property
    def reference(self) -> str:
        """What every delivery for it says that it is about."""
        return refer_to(*self.place)


def refer_to(digest: str, number: int) -> str:
    """Return what deliveries for an attempt say that they are about."""
    return f"{digest}/{number}"


def begin_attempt(hub: Hub, query: StoredQuery, now: datetime, aborts: Envelope | None = None) -> bool:
    """Begin the next attempt at a running query, if a slot of its roster is ready; say whether."""
    manifest = query.manifest
    assert manifest.sum is not None
    roster = SumRoster(epoch=name_epoch(now), members=manifest.roster, threshold=manifest.sum.threshold)
    digest = roster_digest(roster)
    with hub.database.transaction() as connection:
        last = _last_row(connection, query.digest)
        if last is not None and last["state"] in (AttemptState.OPEN, AttemptState.OPENED):
            return False
        slot = take_slot(connection, digest)
        if slot is None:
            _ask_for(connection, roster, digest, now)
            return False
        if last is not None:
            withdraw(connection, refer_to(query.digest, last["number"]))  # Nobody need give up what is followed.
            # The aborts stay: they are shown again to whoever is asked to give up the attempt that begins now.
            connection.execute(
                "DELETE FROM sum_arrivals WHERE digest = ? AND kind != ?", (query.digest, ArrivalKind.ABORT)
            )
        number = last["number"] + 1 if last is not None else 1
        attempt = Attempt(
            manifest_digest=query.digest,
            number=number,
            epoch=roster.epoch,
            roster_digest=digest,
            slot=slot,
            expires_at=_expire(manifest, now),
        )
        signed = sign_document(attempt, ATTEMPT_TYPE, hub.party.keys)
        _keep_attempt(connection, attempt, signed, now)
        _deliver_attempt(hub, connection, query, signed, attempt, aborts)
    hub.bell.ring(*manifest.roster)
    return True


def _expire(manifest: Manifest, now: datetime) -> datetime:
    assert manifest.sum is not None
    lasting = timedelta(seconds=manifest.sum.gather_seconds) + OPENING_TIME
    return min(manifest.expires_at, whole_seconds(now) + lasting)


def _ask_for(connection: Connection, roster: SumRoster, digest: str, now: datetime) -> None:
    """Have a roster dealt for that has no slots yet: this costs the question one more trip."""
    found = connection.execute("SELECT 1 FROM sum_rosters WHERE roster = ?", (digest,)).fetchone()
    if found is None:
        keep_roster(connection, ASKED, roster, now)


def _keep_attempt(connection: Connection, attempt: Attempt, signed: Envelope, now: datetime) -> None:
    row = {
        "digest": attempt.manifest_digest,
        "number": attempt.number,
        "roster": attempt.roster_digest,
        "slot": attempt.slot,
        "state": AttemptState.OPEN,
        "started_at": stamp(now),
        "expires_at": stamp(attempt.expires_at),
        "attempt": write_envelope(signed),
    }
    connection.execute(
        "INSERT INTO sum_attempts (digest, number, roster, slot, state, started_at, expires_at, attempt) "
        "VALUES (:digest, :number, :roster, :slot, :state, :started_at, :expires_at, :attempt)",
        row,
    )


def _deliver_attempt(
    hub: Hub,
    connection: Connection,
    query: StoredQuery,
    signed: Envelope,
    attempt: Attempt,
    aborts: Envelope | None,
) -> None:
    manifest = query.manifest
    wanted = SumWanted(
        attempt=signed,
        manifest=query.envelope,
        template=find_template(connection, manifest),
        certificate=certificate_of(connection, manifest),
        earlier=tuple(_earlier_of(connection, manifest).values()),
        aborts=aborts,
    )
    body = encode_document(wanted)
    deliver(
        connection,
        DeliveryKind.SUM,
        dict.fromkeys(manifest.roster, body),
        reference=refer_to(attempt.manifest_digest, attempt.number),
        expires_at=attempt.expires_at,
    )
    event = hub.event(
        Action.QUERY_OFFERED,
        hub.party.member_id,
        manifest.query_id,
        nodes=len(manifest.roster),
        path=manifest.path,
        attempt=attempt.number,
    )
    hub.database.log.append(connection, event)


# --- What is kept ----------------------------------------------------------------------------------------------------


def find_attempt(hub: Hub, digest: str) -> StoredAttempt | None:
    """Return the newest attempt at a manifest."""
    row = _last_row(hub.database.connection, digest)
    return None if row is None else _read_attempt(hub, row)


def _last_row(connection: Connection, digest: str) -> Row | None:
    row: Row | None = connection.execute(
        "SELECT * FROM sum_attempts WHERE digest = ? ORDER BY number DESC LIMIT 1", (digest,)
    ).fetchone()
    return row


def _read_attempt(hub: Hub, row: Row) -> StoredAttempt:
    envelope = decode_document(row["attempt"], Envelope)
    return StoredAttempt(
        digest=row["digest"],
        number=row["number"],
        roster=find_roster(hub, row["roster"]),
        state=AttemptState(row["state"]),
        started_at=datetime.fromisoformat(row["started_at"]),
        attempt=read_payload(envelope, ATTEMPT_TYPE, Attempt),
        signed=envelope,
        survivors=None if row["survivors"] is None else decode_document(row["survivors"], SurvivorSet),
    )


def move_attempt(connection: Connection, attempt: StoredAttempt, after: AttemptState) -> bool:
    """Move an attempt on from the state it was found in, inside the caller's transaction; say whether it was in it.

    What was asked of nodes for it is withdrawn: nobody need reveal what is not needed any more.
    """
    moved = connection.execute(
        "UPDATE sum_attempts SET state = ? WHERE digest = ? AND number = ? AND state = ?",
        (after, *attempt.place, attempt.state),
    )
    if moved.rowcount == 1:
        withdraw(connection, attempt.reference)
    return bool(moved.rowcount == 1)


def name_survivors_once(hub: Hub, attempt: StoredAttempt, survivors: SurvivorSet) -> bool:
    """Keep the one smaller set that an attempt may be opened for; False where another process has named another."""
    data = encode_document(survivors)
    with hub.database.transaction() as connection:
        connection.execute(
            "UPDATE sum_attempts SET survivors = ? WHERE digest = ? AND number = ? AND survivors IS NULL",
            (data, *attempt.place),
        )
        (kept,) = connection.execute(
            "SELECT survivors FROM sum_attempts WHERE digest = ? AND number = ?", attempt.place
        ).fetchone()
    return bool(kept == data)


def find_aborts(connection: Connection, attempt: StoredAttempt) -> Envelope | None:
    """Return t aborts of the attempt before one, each verified when it came in; None where its time was up first."""
    before, threshold = attempt.number - 1, attempt.roster.threshold
    rows = connection.execute(
        "SELECT attempt, body FROM sum_arrivals JOIN sum_attempts USING (digest, number) "
        "WHERE digest = ? AND number = ? AND kind = ? ORDER BY node LIMIT ?",
        (attempt.digest, before, ArrivalKind.ABORT, threshold),
    ).fetchall()
    if len(rows) < threshold:
        return None
    first = read_payload(decode_document(rows[0]["attempt"], Envelope), ATTEMPT_TYPE, Attempt)
    signatures = tuple(decode_document(row["body"], Signature) for row in rows)
    return msgspec.structs.replace(seal_envelope(encode_document(name_abort(first)), ABORT_TYPE), signatures=signatures)


def find_template(connection: Connection, manifest: Manifest) -> Envelope | None:
    """Return the signed template that a manifest is a run of."""
    if not manifest.template:
        return None
    row = connection.execute("SELECT envelope FROM templates WHERE digest = ?", (manifest.template,)).fetchone()
    return None if row is None else decode_document(row["envelope"], Envelope)


# --- What a process knows --------------------------------------------------------------------------------------------


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
        bound=bool(_earlier_of(connection, manifest)),
        proposed=attempt.survivors,
    )


def _earlier_of(connection: Connection, manifest: Manifest) -> Mapping[str, Certificate]:
    if manifest.path is not Path.EXACT_SUM:
        return {}
    return earlier_certificates(connection, manifest.snapshot_term, manifest.academic_year)


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

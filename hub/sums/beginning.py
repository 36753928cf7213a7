"""Beginning an attempt (S1): a slot is taken for it, the hub signs it, and every node of the roster finds it."""

from datetime import datetime, timedelta

from audit.connection import Connection
from audit.event import Action
from federation.database import stamp
from federation.envelope import Envelope, write_envelope
from federation.exchange import DeliveryKind, QueryState
from federation.manifest import Manifest
from federation.secure_sum.epochs import name_epoch
from federation.secure_sum.messages import ATTEMPT_TYPE, Attempt, SumRoster
from federation.secure_sum.rosters import roster_digest
from federation.secure_sum.signing import sign_document
from federation.sums_exchange import SumWanted
from federation.wire import encode_document, whole_seconds
from hub.dispatch import deliver, withdraw
from hub.queries import StoredQuery
from hub.query_states import is_still, move_query
from hub.service import Hub
from hub.sums.attempts import ArrivalKind, AttemptState, find_template, last_row, refer_to
from hub.sums.certificates import certificate_of, earlier_of
from hub.sums.rosters import ASKED, keep_roster
from hub.sums.slots import take_slot

OPENING_TIME = timedelta(minutes=15)
"""How long the nodes have to open a sum, once the time for contributions is over."""

MOST_ATTEMPTS = 3
"""How often a manifest is tried: nodes that were away may be back the next time."""


def begin_attempt(hub: Hub, query: StoredQuery, now: datetime, aborts: Envelope | None = None) -> bool:
    """Begin the next attempt at a query, if a slot of its roster is ready; say whether. With the first one it runs."""
    manifest = query.manifest
    assert manifest.sum is not None
    roster = SumRoster(epoch=name_epoch(now), members=manifest.roster, threshold=manifest.sum.threshold)
    digest = roster_digest(roster)
    with hub.database.transaction() as connection:
        last = last_row(connection, query.digest)
        if last is not None and last["state"] in (AttemptState.OPEN, AttemptState.OPENED):
            return False
        if not is_still(connection, query.query_id, query.state):
            return False  # Withdrawn meanwhile.
        slot = take_slot(connection, digest)
        if slot is None:
            _ask_for(connection, roster, digest, now)
            return False
        if query.state is QueryState.APPROVED:
            move_query(connection, query.query_id, QueryState.APPROVED, QueryState.RUNNING)
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
    hub.bell.ring(query.query_id, *manifest.roster)
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
        earlier=tuple(earlier_of(connection, manifest).values()),
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

"""Answering a query: once every line of the checklist is ticked.

The node reserves the question in its ledger and logs its intent, in one transaction; runs the plan on a read-only
engine; protects the table; and records the reply with its log entry, in one transaction again. So a node that is
stopped at any moment goes on where it was, runs nothing twice, and has a trace of everything it set out to do. A
refusal is a signed answer too.
"""

import logging
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

from audit.event import Action, AuditEvent, Outcome
from disclosure_control.presets.preset import PresetInvalid
from disclosure_control.rows.protected_table import ProtectedTable
from disclosure_control.rows.protection import protect
from federation.database import stamp
from federation.envelope import Envelope, EnvelopeError, read_envelope, seal_envelope, write_envelope
from federation.manifest import (
    MANIFEST_TYPE,
    REPLY_TYPE,
    ApprovalError,
    Manifest,
    Path,
    Reply,
    manifest_digest,
    read_manifest,
)
from federation.manifest import Outcome as ReplyOutcome
from federation.wire import decode_document, encode_document, whole_seconds
from node.approved import Approved
from node.cell_keys import change_rows, record_answers
from node.checklist import (
    accept_preset,
    check_door,
    check_history,
    check_roster,
    check_rules,
    derive_plan,
    find_snapshot,
    name_subject,
    open_manifest,
)
from node.earlier_rows import Question, hold_rows, keep_implied, record_sql
from node.engines import open_engine
from node.leaving.holding import HELD, QueryHeld, check_not_held, hold_query
from node.leaving.holding import TEXT as HELD_TEXT
from node.leaving.ledger import note_come, note_refused
from node.refusal import Refused
from node.service import Node
from node.snapshots import Snapshot
from node.sums.allowances import record_question
from node.unapproved import count_unapproved
from query_engine.engines import EngineFailed, EngineUnavailable
from query_engine.planning.plan import QueryPlan
from query_engine.tables import RawTable

log = logging.getLogger("circe.node")

T = TypeVar("T")


class Pace(Protocol):
    """How work is done that keeps a processor busy for long. Nobody waits for us meanwhile: no transaction is open."""

    def __call__(self, work: Callable[[], T], /) -> T:
        """Do the work, and return or raise what it does."""


def at_once(work: Callable[[], T], /) -> T:
    """Work as everything else does."""
    return work()


@dataclass(frozen=True)
class Reserved:
    """A question that has passed every line and stands in the ledger."""

    approved: Approved
    plan: QueryPlan
    snapshot: Snapshot


def answer_manifest(node: Node, data: bytes, pace: Pace = at_once) -> bytes | None:
    """Return this node's signed reply to what the hub delivered, or None when it holds no manifest to reply to.

    The same manifest delivered again before the hub has acknowledged the reply gets the identical bytes; after that it
    is a replay, and refused. What takes long is done at a `pace`.
    """
    try:
        envelope = read_envelope(data, MANIFEST_TYPE)
        manifest = read_manifest(envelope)
    except (EnvelopeError, ApprovalError):
        record_unapproved(node, "", "malformed_manifest")
        return None
    try:
        # A sum handed on by this way would leave as rows of one's own: it is answered in an attempt alone.
        check_door(manifest, {Path.PER_AUTHORITY})
        approved = open_manifest(node, envelope, manifest)
    except Refused as refused:
        record_unapproved(node, manifest.query_id, refused.code)
        return compose_refusal(node, envelope, manifest, refused)
    note_come(node, approved, envelope)
    try:
        reserved = reserve_question(node, approved)
    except QueryHeld:
        hold_query(node, approved.digest, manifest)
        return compose_held(node, envelope, manifest)
    except Refused as refused:
        with node.database.transaction() as connection:
            # Handed out again and again, a query is refused each time: so is the log not filled by it.
            if note_refused(connection, approved.digest, refused) or count_unapproved(connection, node.clock()):
                node.database.log.append(connection, _refusal_event(node, manifest.query_id, refused.code))
        return compose_refusal(node, envelope, manifest, refused)
    return reserved if isinstance(reserved, bytes) else run_question(node, reserved, envelope, pace)


def reserve_question(node: Node, approved: Approved) -> Reserved | bytes:
    """Tick off lines 6 to 11 and reserve the question, in one transaction. Raises `Refused` and `QueryHeld`.

    Returns the reply itself when this very manifest was answered before and the hub has not acknowledged it.
    """
    with suppress(Refused):  # What is read and planned for the first time takes long, and would keep lookups out below.
        check_rules(node, approved, derive_plan(approved.manifest))
    with node.database.transaction() as connection:
        # 6: replays. A manifest that was reserved but not answered, since the node was stopped, goes on from here.
        known = connection.execute("SELECT * FROM manifests WHERE digest = ?", (approved.digest,)).fetchone()
        if known is not None and known["acknowledged"]:
            raise Refused("replayed", "this manifest has been answered already")
        if known is not None and known["reply"] is not None:
            return bytes(known["reply"])
        # 7 to 9: what the manifest asks, of whom, and whether this authority allows it.
        check_roster(node, approved)
        plan = derive_plan(approved.manifest)
        check_rules(node, approved, plan)
        # 10 and 11: the snapshot, and what has been answered from it.
        snapshot = find_snapshot(node, connection, approved.manifest, known)
        check_history(connection, approved, plan, snapshot.id, node.rules())
        if known is None:
            # Only now is one of our officers asked, where our rules say so: about what would be answered otherwise.
            check_not_held(node, connection, approved)
            reserve_in_ledger(node, connection, approved, plan, snapshot)
    return Reserved(approved, plan, snapshot)


def reserve_in_ledger(
    node: Node, connection: sqlite3.Connection, approved: Approved, plan: QueryPlan, snapshot: Snapshot
) -> None:
    """Enter a question into the ledger and the history, and its intent into the log. Raises `Refused`."""
    manifest = approved.manifest
    row = (
        approved.digest,
        manifest.query_id,
        manifest.nonce,
        plan.plan_id,
        manifest.preset,
        name_subject(manifest, plan),
        snapshot.id,
        stamp(node.clock()),
    )
    try:
        connection.execute("INSERT INTO manifests VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, 0)", row)
    except sqlite3.IntegrityError:
        raise Refused("replayed", "the manifest's nonce has been used by another") from None
    record_question(connection, approved, node.clock())
    record_answers(connection, manifest, plan, snapshot.id)
    record_sql(connection, approved.digest, manifest)
    event = node.event(
        Action.QUERY_RECEIVED,
        manifest.asker,
        manifest.query_id,
        outcome=Outcome.INTENDED,
        acting_for=approved.asker.organisation,
        policy_version=node.policy().version,
        digest=approved.digest,
        plan=plan.plan_id,
        snapshot=snapshot.id,
        project=manifest.project.name,
        academic_year=manifest.academic_year,
        epsilon=manifest.sum.epsilon if manifest.sum is not None else "",
    )
    node.database.log.append(connection, event)


def run_question(node: Node, reserved: Reserved, envelope: Envelope, pace: Pace = at_once) -> bytes:
    """Run a reserved question on the read-only engine, protect the table, and record the reply.

    A run that fails is refused for good and without a reason: what went wrong can depend on a child's record. An engine
    that cannot be reached has run nothing, so the question stays reserved for another time. Raises `EngineUnavailable`.
    """
    approved, manifest = reserved.approved, reserved.approved.manifest
    try:
        with hold_rows(node.store.root):
            protected = _protect_rows(node, reserved, pace)
            return _keep_answer(node, reserved, protected)
    except Refused as refused:
        return keep_refusal(node, approved.digest, envelope, manifest, refused)


def _keep_answer(node: Node, reserved: Reserved, protected: ProtectedTable) -> bytes:
    """Record a protected table as the reply, and return it."""
    approved, manifest = reserved.approved, reserved.approved.manifest
    reply = Reply(
        manifest_digest=approved.digest,
        query_id=manifest.query_id,
        node=node.party.member_id,
        authority=node.authority,
        outcome=ReplyOutcome.ANSWERED,
        code="",
        text="",
        snapshot=reserved.snapshot.id,
        register_version=approved.register.version,
        answered_at=whole_seconds(node.clock()),
        table=protected.to_wire(),
    )
    data = write_envelope(seal_envelope(encode_document(reply), REPLY_TYPE, node.party.keys))
    event = node.event(
        Action.QUERY_ANSWERED,
        manifest.asker,
        manifest.query_id,
        acting_for=approved.asker.organisation,
        policy_version=node.policy().version,
        digest=approved.digest,
        snapshot=reserved.snapshot.id,
        preset=manifest.preset,
    )
    return _keep_reply(node, approved.digest, data, event)


def _protect_rows(node: Node, reserved: Reserved, pace: Pace) -> ProtectedTable:
    """Run a reserved question, and protect its rows beside what left before. Raises `Refused`, `EngineUnavailable`."""
    plan, snapshot = reserved.plan, reserved.snapshot.id
    preset = accept_preset(node, reserved.approved.manifest)
    if preset.cell_key is not None:
        return change_rows(node, pace(partial(run_plan, node, reserved)), preset)
    question = Question(plan, reserved.approved.manifest.academic_year, snapshot, preset)
    try:
        # A thread reads by a connection of its own, which is therefore found where it is used.
        repeated = pace(lambda: node.earlier.find_repeated(node.database.connection, question))
        if repeated is not None:
            return repeated
        raw = pace(partial(run_plan, node, reserved))
        with node.database.transaction() as connection:
            keep_implied(connection, reserved.approved.digest, raw, preset)
        secret = node.party.keys.row_secret
        beside = pace(lambda: node.earlier.find_neighbours(node.database.connection, question, secret))
    except PresetInvalid as lost:
        raise Refused("preset_lost", str(lost)) from None
    return pace(partial(protect, raw, preset, beside))


def run_plan(node: Node, reserved: Reserved) -> RawTable:
    """Run a reserved question. Raises `Refused` for good where the run fails, and `EngineUnavailable`."""
    query_id = reserved.approved.manifest.query_id
    try:
        with open_engine(node, reserved.snapshot) as engine:
            return engine.run(reserved.plan)
    except EngineUnavailable as error:
        log.error("%s: %s waits for the engine: %s", node.party.member_id, query_id, error)  # noqa: TRY400 - no traceback
        raise
    except EngineFailed as error:
        log.error("%s: %s could not be run: %s", node.party.member_id, query_id, type(error).__name__)  # noqa: TRY400 - no traceback
        raise Refused("not_run", "the question could not be run here; ask the authority's node administrator") from None


def keep_refusal(node: Node, digest: str, envelope: Envelope, manifest: Manifest, refused: Refused) -> bytes:
    """Record that a reserved question is refused for good, and return the refusal."""
    reply = compose_refusal(node, envelope, manifest, refused)
    return _keep_reply(node, digest, reply, _refusal_event(node, manifest.query_id, refused.code), refused)


def _keep_reply(node: Node, digest: str, reply: bytes, event: AuditEvent, refused: Refused | None = None) -> bytes:
    """Record what a reserved question came to, together with its log entry, and return the reply.

    That is the reply that another process has recorded meanwhile, as one can that was not told to stop.
    """
    with node.database.transaction() as connection:
        kept = connection.execute("SELECT reply FROM manifests WHERE digest = ?", (digest,)).fetchone()
        if kept is not None and kept["reply"] is not None:
            return bytes(kept["reply"])
        if refused is not None:
            note_refused(connection, digest, refused)
        connection.execute("UPDATE manifests SET reply = ? WHERE digest = ?", (reply, digest))
        node.database.log.append(connection, event)
    return reply


def acknowledge(node: Node, reply: bytes) -> None:
    """Note that the hub has a reply, so that the manifest is a replay from now on."""
    # Found by its digest, and not by looking through all replies there ever were: lookups wait for a transaction.
    found = decode_document(read_envelope(reply, REPLY_TYPE).body, Reply).manifest_digest, reply
    with node.database.transaction() as connection:
        connection.execute("UPDATE manifests SET acknowledged = 1 WHERE digest = ? AND reply = ?", found)


def record_unapproved(node: Node, reference: str, code: str, digest: str = "", refused: Refused | None = None) -> None:
    """Log a delivery that carries no valid approval, unless many have come this hour; count them all."""
    with node.database.transaction() as connection:
        if refused is not None:
            note_refused(connection, digest, refused)
        if count_unapproved(connection, node.clock()):
            node.database.log.append(connection, _refusal_event(node, reference, code))


def compose_refusal(node: Node, envelope: Envelope, manifest: Manifest, refused: Refused) -> bytes:
    """Return a refusal, signed."""
    return _compose(node, envelope, manifest, ReplyOutcome.REFUSED, refused.code, refused.text)


def compose_held(node: Node, envelope: Envelope, manifest: Manifest) -> bytes:
    """Return word that a query is held, signed."""
    return _compose(node, envelope, manifest, ReplyOutcome.HELD, HELD, HELD_TEXT)


def _compose(node: Node, envelope: Envelope, manifest: Manifest, outcome: ReplyOutcome, code: str, text: str) -> bytes:
    """Return a reply without a table, signed."""
    reply = Reply(
        manifest_digest=manifest_digest(envelope),
        query_id=manifest.query_id,
        node=node.party.member_id,
        authority=node.authority,
        outcome=outcome,
        code=code,
        text=text,
        snapshot="",
        register_version=0,
        answered_at=whole_seconds(node.clock()),
        table=None,
    )
    return write_envelope(seal_envelope(encode_document(reply), REPLY_TYPE, node.party.keys))


def _refusal_event(node: Node, reference: str, code: str) -> AuditEvent:
    return node.event(Action.QUERY_REFUSED, node.party.member_id, reference, outcome=Outcome.REFUSED, code=code)

"""Answering by contribution (S2 to S4): once every line of the checklist is ticked, a masked vector goes up.

The slot is reserved, the question entered and its intent logged in one transaction; the plan is run; and the figures
with their noise, the masked vector and the entry that says so are recorded in one transaction again, before anything is
sent. A node stopped at any moment goes on where it was: the noise is drawn once for a manifest, and what was sent in an
attempt is sent again in the very same bytes.
"""

import hashlib
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from audit.event import Action, Outcome
from disclosure_control.noise.shares import add_noise_share, vector_of
from federation.envelope import Envelope
from federation.manifest import SUM_PATHS, ApprovalError, Path, read_manifest
from federation.register import Register
from federation.secure_sum.contributions import AnswerFacts
from federation.secure_sum.contributor import SentContribution
from federation.secure_sum.errors import SumRefused
from federation.secure_sum.facts import SumQuery, read_attempt
from federation.secure_sum.messages import ABORT_TYPE, Abort, SumRoster
from federation.secure_sum.signing import read_payload
from federation.sum_facts import state_facts
from federation.sum_terms import noise_terms
from federation.sums_exchange import ContributionHandedIn, SumWanted
from federation.wire import encode_document
from node.answering import (
    Reserved,
    compose_refusal,
    keep_refusal,
    record_unapproved,
    reserve_in_ledger,
    run_plan,
)
from node.approved import Approved
from node.checklist import (
    check_door,
    check_history,
    check_roster,
    check_rules,
    derive_plan,
    find_members,
    find_snapshot,
    open_manifest,
)
from node.leaving.holding import HELD, check_let_through, hold_query
from node.leaving.ledger import note_come
from node.refusal import Refused
from node.service import Node
from node.sums.allowances import check_reach_of_roster
from node.sums.other_terms import check_other_terms
from node.sums.statements import find_query
from query_engine.planning.plan import QueryPlan


@dataclass(frozen=True)
class Answer:
    """What goes up in answer to a sum: a contribution to the manifest of this digest, or a signed refusal."""

    manifest_digest: str
    body: bytes
    refused: bool


@dataclass(frozen=True)
class ReservedSum:
    """An attempt that has passed every line, with the question that it is for."""

    question: Reserved
    query: SumQuery
    envelope: Envelope


def answer_sum(node: Node, wanted: SumWanted) -> Answer | None:
    """Return what this node sends up for an attempt at a sum, or None when it was handed no manifest.

    Raises `EngineUnavailable` where nothing could be run yet.
    """
    try:
        manifest = read_manifest(wanted.manifest)
    except ApprovalError:
        record_unapproved(node, "", "malformed_manifest")
        return None
    try:
        check_door(manifest, SUM_PATHS)
        approved = open_manifest(node, wanted.manifest, manifest, wanted.template)
        note_come(node, approved, wanted.manifest)
        reserved = reserve_sum(node, approved, wanted)
        if isinstance(reserved, bytes):
            return Answer(approved.digest, reserved, refused=True)
        return contribute(node, reserved)
    except Refused as refused:
        # The hub makes attempts as it likes: however many are refused, they do not fill this node's log.
        digest = hashlib.sha256(wanted.manifest.body).hexdigest()
        if refused.code == HELD:
            hold_query(node, digest, manifest)
        record_unapproved(node, manifest.query_id, refused.code, digest, refused)
        return Answer(digest, compose_refusal(node, wanted.manifest, manifest, refused), refused=True)


def reserve_sum(node: Node, approved: Approved, wanted: SumWanted) -> ReservedSum | bytes:
    """Tick off lines 6 to 13 and reserve question and slot, in one transaction. Raises `Refused`.

    Returns the refusal itself when this manifest was refused for good before.
    """
    manifest, register, now = approved.manifest, approved.register, node.clock()
    with node.database.transaction() as connection:
        # 6: replays. Whether the manifest may be answered once more is for its attempts to say, in line 13.
        known = connection.execute("SELECT * FROM manifests WHERE digest = ?", (approved.digest,)).fetchone()
        if known is not None and known["reply"] is not None:
            return bytes(known["reply"])
        # 7 to 9: what the manifest asks, of whom, and whether this authority allows it.
        check_roster(node, approved)
        plan = derive_plan(manifest)
        check_rules(node, approved, plan)
        # 10 and 11: the snapshot, and what has been answered from it.
        snapshot = find_snapshot(node, connection, manifest, known)
        check_history(connection, approved, plan, snapshot.id, node.rules())
        # 12: the operators behind each cell.
        check_reach_of_roster(manifest, find_members(node, approved), node.rules().sums)
        if known is None:
            check_let_through(node, connection, approved)
            reserve_in_ledger(node, connection, approved, plan, snapshot)
        # 13: the attempt, its slot, and for an exact sum its certificate.
        query = replace(
            read_query(wanted.attempt, approved, plan, now),
            certificate=wanted.certificate,
            earlier=wanted.earlier,
            aborts=wanted.aborts,
        )
        reserve_slot(node, connection, query, snapshot.id, register)
    return ReservedSum(Reserved(approved, plan, snapshot), query, wanted.manifest)


def read_query(signed: Envelope, approved: Approved, plan: QueryPlan, now: datetime) -> SumQuery:
    """Return the attempt that the hub signed, with the terms of the manifest as approved. Raises `Refused`."""
    manifest, terms = approved.manifest, approved.manifest.sum
    assert terms is not None  # read_manifest has seen to it
    try:
        attempt = read_attempt(signed, approved.register, now)
    except SumRefused as refused:
        raise Refused(refused.code, refused.text) from None
    facts = state_facts(manifest, approved.digest, plan, approved.register)
    roster = SumRoster(epoch=attempt.epoch, members=manifest.roster, threshold=terms.threshold)
    return SumQuery(attempt, roster, facts)


def reserve_slot(
    node: Node, connection: sqlite3.Connection, query: SumQuery, snapshot: str, register: Register
) -> None:
    """Line 13, inside the caller's transaction: take the slot for this attempt and log the intent. Raises `Refused`."""
    attempt = query.attempt
    try:
        lift_failed_lock(node, query, register)
        node.contributor.reserve(query, snapshot, register, node.clock())
        check_other_terms(node, query, query.roster.members)
    except SumRefused as refused:
        raise Refused(refused.code, refused.text) from None
    if node.sums.find_query(attempt.manifest_digest, attempt.number) is None:
        node.sums.remember_query(query)
        event = node.event(
            Action.SUM_RESERVED,
            node.party.member_id,
            query.facts.query_id,
            outcome=Outcome.INTENDED,
            attempt=attempt.number,
            slot=attempt.slot,
            roster=attempt.roster_digest,
        )
        node.database.log.append(connection, event)


def lift_failed_lock(node: Node, query: SumQuery, register: Register) -> None:
    """Lift the lock of an exact term where the hub shows that the attempt which set it never opens (S12).

    Raises `SumRefused` for aborts of that attempt that do not hold.
    """
    lock = node.sums.find_exact_lock(query.facts.exact_term)
    if lock is None or query.aborts is None:
        return
    abort = read_payload(query.aborts, ABORT_TYPE, Abort)
    if (abort.manifest_digest, abort.attempt) == (lock.manifest_digest, lock.attempt):
        failed = find_query(node, abort)
        node.contributor.release_exact_lock(lock.term, query.aborts, failed.roster, register, node.clock())


def contribute(node: Node, reserved: ReservedSum) -> Answer:
    """Run the question unless its figures are kept, and record and return the contribution. Raises `Refused`."""
    approved, query = reserved.question.approved, reserved.query
    digest, attempt = approved.digest, query.attempt
    known = node.sums.find_contribution(digest, attempt.number) is not None
    try:
        figures = () if known else _figures(node, reserved.question)
    except Refused as refused:
        return Answer(digest, keep_refusal(node, digest, reserved.envelope, approved.manifest, refused), refused=True)
    with node.database.transaction() as connection:
        if figures and approved.manifest.path is Path.NOISY_SUM:
            figures = node.sums.keep_figures(digest, approved.manifest.expires_at, figures)
        answer = AnswerFacts(node.authority, reserved.question.snapshot.id, approved.register.version)
        try:
            sent = node.contributor.contribute(query, figures, answer, approved.register, node.clock())
        except SumRefused as refused:
            raise Refused(refused.code, refused.text) from None
        if not known:
            node.database.log.append(
                connection,
                node.event(
                    Action.SUM_CONTRIBUTED,
                    approved.manifest.asker,
                    approved.manifest.query_id,
                    acting_for=approved.asker.organisation,
                    policy_version=node.policy().version,
                    digest=digest,
                    attempt=attempt.number,
                    path=approved.manifest.path.value,
                    snapshot=reserved.question.snapshot.id,
                ),
            )
    return Answer(digest, _write_contribution(sent), refused=False)


def _figures(node: Node, question: Reserved) -> Sequence[int]:
    """The figures that are to be masked: exact ones, or with this node's share of the noise, which is drawn once."""
    manifest = question.approved.manifest
    kept = node.sums.find_figures(question.approved.digest)
    if kept is not None:
        return kept
    raw = run_plan(node, question)
    if manifest.path is Path.EXACT_SUM:
        return vector_of(raw).values
    assert manifest.sum is not None  # read_manifest has seen to it
    return add_noise_share(raw, noise_terms(manifest.sum, len(manifest.roster))).values


def _write_contribution(sent: SentContribution) -> bytes:
    return encode_document(
        ContributionHandedIn(contribution=sent.envelope, vector=sent.masked.data, consent=sent.consent)
    )

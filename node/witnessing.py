"""The node as a witness of others' logs, and its own log as others witness it; about once a minute, by way of the hub.

Each round is one question to the hub: what was signed here since, and the newest checkpoint of our own log for its two
witnesses; what comes back is to be signed, or to be kept. A log that does not continue what was signed of it gets no
signature: the two notes are kept as evidence, the refusal is an entry of our own log, and the next round asks again.
"""

import logging
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from secrets import SystemRandom
from typing import Protocol

from audit.checkpoint import CheckpointError
from audit.connection import Connection
from audit.cosignature import read_cosignatures
from audit.event import Action, Outcome
from audit.log import consistency_proof, read_head
from audit.merkle import ProofError
from audit.witness import Offer, WitnessRefused, parse_offer
from audit.witness_store import (
    Evidence,
    add_to_round,
    answer_offer,
    find_round,
    keep_evidence,
    read_witnessed,
)
from federation.database import LogSigner
from federation.hub_line import HubRefused
from federation.register import Member, Register, RegisterError
from federation.witnessing import (
    WITNESSES_OF_A_NODE,
    Offered,
    Signed,
    WitnessAnswer,
    WitnessReport,
    list_witnessed,
    list_witnesses,
    witness_key,
)
from node.service import Node

log = logging.getLogger("circe.node")

EVERY = timedelta(minutes=1)
"""How often a running node reports."""

SOON = timedelta(seconds=15)
"""How soon it reports where its own log has grown: then there may be a release whose proof is waited for."""

MOST_ROUNDS = 3
"""How many questions one report takes at most: to be asked, to sign, and to be asked about what came meanwhile."""


class WitnessBoard(Protocol):
    """Where checkpoints and cosignatures are exchanged: the hub."""

    def report_witnessing(self, report: WitnessReport) -> WitnessAnswer:
        """Hand in what was signed here and what is to be signed, and return the same for us."""


class Witnessing:
    """When this node reported last, and how far its log had grown."""

    def __init__(self, started_at: datetime) -> None:
        # Nodes that start together do not report together; and nothing waits for the first time.
        self._reported_at = started_at + EVERY * SystemRandom().random()
        self._size = 0

    def renew(self, node: Node, hub: WitnessBoard) -> None:
        """Report where it is time to."""
        now, size = node.clock(), read_head(node.database.connection)[1]
        has_grown = 0 < self._size < size
        if now - self._reported_at < (SOON if has_grown else EVERY):
            return
        self._reported_at, self._size = now, size
        try:
            exchange_witnessing(node, hub)
        except HubRefused as refused:
            # Nothing that the node does waits for it.
            log.warning("%s: the hub does not take what is witnessed: %s", node.party.member_id, refused)


def exchange_witnessing(node: Node, hub: WitnessBoard) -> None:
    """Report, sign what is to be signed, and report that, until nothing is left or a few questions were asked."""
    answer = hub.report_witnessing(make_report(node, sizes={}))
    for _ in range(MOST_ROUNDS - 1):
        sizes = keep_signed(node, answer.signed)
        signed = [offered for offered in answer.offered if sign_offered(node, offered)]
        report = make_report(node, sizes)
        if not signed and not report.offered:
            return
        answer = hub.report_witnessing(report)
    keep_signed(node, answer.signed)


def make_report(node: Node, sizes: dict[str, int]) -> WitnessReport:
    """Return what this node has signed, and its own checkpoint for each witness who has signed less of it.

    `sizes` are what the witnesses say they have signed; before they were asked, nothing is offered.
    """
    register, now, connection = node.register(), node.clock(), node.database.connection
    signed = (_tell_signed(node, connection, member) for member in list_witnessed(register, node.party.member_id, now))
    return WitnessReport(signed=tuple(signed), offered=tuple(_offer_own(node, register, sizes)) if sizes else ())


def _tell_signed(node: Node, connection: Connection, member: Member) -> Signed:
    kept, line = read_witnessed(connection, member.id)
    size = kept.size if kept is not None else 0
    return Signed(origin=member.id, witness=node.party.member_id, size=size, cosignature=line)


def _offer_own(node: Node, register: Register, sizes: dict[str, int]) -> Iterator[Offered]:
    origin, connection, now = node.party.member_id, node.database.connection, node.clock()
    with node.database.transaction() as writing:
        current = find_round(writing, WITNESSES_OF_A_NODE, now)
    for witness in list_witnesses(register, origin, now):
        if current.size and not read_cosignatures(current.note, [witness_key(witness)]):
            size = sizes.get(witness.id, 0)
            offer = Offer(size, _prove(connection, size, current.size), current.note)
            yield Offered(origin=origin, witness=witness.id, offer=offer.to_text())


def _prove(connection: Connection, size1: int, size2: int) -> tuple[bytes, ...]:
    """Return the proof from a size that a witness is said to have signed; none where there can be none."""
    try:
        return tuple(consistency_proof(connection, size1, size2)) if 0 < size1 < size2 else ()
    except ProofError:
        return ()


def keep_signed(node: Node, signed: Iterable[Signed]) -> dict[str, int]:
    """Keep the cosignatures of our own log that hold, and return up to where each witness says it has signed.

    What the hub says for a witness that is none of ours, or what does not hold, is passed over.
    """
    witnesses = {member.id: member for member in list_witnesses(node.register(), node.party.member_id, node.clock())}
    sizes = dict.fromkeys(witnesses, 0)
    for each in signed:
        if each.witness not in witnesses:
            continue
        sizes[each.witness] = each.size
        if each.cosignature:
            _keep_line(node, each, witnesses[each.witness])
    return sizes


def _keep_line(node: Node, signed: Signed, witness: Member) -> None:
    try:
        with node.database.transaction() as connection:
            add_to_round(connection, signed.size, signed.cosignature, witness_key(witness))
    except CheckpointError as error:
        log.warning("%s: a cosignature of our log does not hold: %s", node.party.member_id, error)


def sign_offered(node: Node, offered: Offered) -> bool:
    """Sign another party's checkpoint if it continues what was signed of that log; tell whether it was signed.

    A dispute is logged, and both notes are kept, in one transaction.
    """
    member_id = node.party.member_id
    try:
        member = _find_witnessed(node, offered)
        offer = parse_offer(offered.offer)
    except (CheckpointError, RegisterError) as error:
        log.warning("%s: what is offered to be witnessed is passed over: %s", member_id, error)
        return False
    with node.database.transaction() as connection:
        try:
            answer_offer(connection, offer, member.id, member.public_log_key, LogSigner(node.party), node.clock())
        except WitnessRefused as refused:
            evidence = keep_evidence(connection, offer, member.id, refused, node.clock())
            if evidence is not None:
                _log_dispute(node, connection, evidence)
            log.warning("%s: the log of %s is not signed: %s", member_id, member.id, refused)
            return False
    return True


def _find_witnessed(node: Node, offered: Offered) -> Member:
    for member in list_witnessed(node.register(), node.party.member_id, node.clock()):
        if member.id == offered.origin and offered.witness == node.party.member_id:
            return member
    raise RegisterError("the register does not have this node witness that log")


def _log_dispute(node: Node, connection: Connection, evidence: Evidence) -> None:
    event = node.event(
        Action.LOG_DISPUTED,
        node.party.member_id,
        evidence.origin,
        outcome=Outcome.REFUSED,
        reason=evidence.reason.value,
    )
    node.database.log.append(connection, event)

"""The hub's log and its witnesses, the nodes; and the checkpoints of nodes' logs, carried to their witnesses.

Every node is asked about the same checkpoint until two thirds have signed it. Of nodes' logs the hub carries what it is
given: their own witnesses verify it, and each node verifies what comes back.
"""

import logging
from collections.abc import Iterator
from datetime import datetime

from audit.checkpoint import CheckpointError
from audit.connection import Connection
from audit.cosignature import read_cosignatures
from audit.log import consistency_proof, read_head
from audit.merkle import ProofError
from audit.witness import Offer
from audit.witness_store import Cosigned, add_to_round, find_round, newest_cosigned
from federation.problems import ProblemRaised
from federation.register import Member, Register
from federation.witnessing import (
    Offered,
    Signed,
    WitnessAnswer,
    WitnessReport,
    find_quorum,
    list_witnessed,
    list_witnesses,
    witness_key,
)
from hub.service import Hub

log = logging.getLogger("circe.hub")


def exchange_reports(hub: Hub, node: Member, report: WitnessReport) -> WitnessAnswer:
    """Keep what a node reports, and return what it is asked to sign and what was signed of its own log.

    Raises a 403 problem for a report about a log that the register does not have this node witness.
    """
    register, now = hub.register(), hub.clock()
    _check_ours(register, node, report, now)
    with hub.database.transaction() as connection:
        for signed in report.signed:
            _keep_signed(hub, connection, node, signed)
        for offered in report.offered:
            _keep_offer(connection, offered)
        current = find_round(connection, find_quorum(register, hub.party.member_id, now), now)
        return WitnessAnswer(
            offered=(*_offer_own(hub, connection, node, current), *_carry_offers(connection, register, node, now)),
            signed=tuple(_carry_signed(connection, register, node, now)),
        )


def _check_ours(register: Register, node: Member, report: WitnessReport, now: datetime) -> None:
    """Check that a node speaks of logs that it witnesses and of its own alone."""
    witnessed = {member.id for member in list_witnessed(register, node.id, now)}
    witnesses = {member.id for member in list_witnesses(register, node.id, now)}
    signs = all(signed.witness == node.id and signed.origin in witnessed for signed in report.signed)
    shows = all(offered.origin == node.id and offered.witness in witnesses for offered in report.offered)
    if not (signs and shows):
        raise ProblemRaised(
            403, "not_your_log", "a node signs the logs that the register gives it, and shows its own to its witnesses"
        )


def _keep_signed(hub: Hub, connection: Connection, node: Member, signed: Signed) -> None:
    connection.execute(
        "INSERT INTO witnessing (origin, witness, size, cosignature) VALUES (?, ?, ?, ?) ON CONFLICT (origin, witness) "
        "DO UPDATE SET size = excluded.size, cosignature = excluded.cosignature "
        "WHERE witnessing.size <> excluded.size OR witnessing.cosignature <> excluded.cosignature",
        (signed.origin, node.id, signed.size, signed.cosignature),
    )
    if signed.origin == hub.party.member_id and signed.cosignature:
        try:
            add_to_round(connection, signed.size, signed.cosignature, witness_key(node))
        except CheckpointError as error:
            # So it is where our log was put back from a copy: the node is offered what we have, and disputes it.
            log.warning("the cosignature of our log by %s does not hold: %s", node.id, error)


def _keep_offer(connection: Connection, offered: Offered) -> None:
    connection.execute(
        "INSERT INTO witnessing (origin, witness, offer) VALUES (?, ?, ?) ON CONFLICT (origin, witness) "
        "DO UPDATE SET offer = excluded.offer",
        (offered.origin, offered.witness, offered.offer),
    )


def _offer_own(hub: Hub, connection: Connection, node: Member, current: Cosigned) -> Iterator[Offered]:
    """Yield our own checkpoint, where the node has not signed it, with the proof from what it says it signed last."""
    origin = hub.party.member_id
    if read_cosignatures(current.note, [witness_key(node)]):
        return
    row = connection.execute(
        "SELECT size FROM witnessing WHERE origin = ? AND witness = ?", (origin, node.id)
    ).fetchone()
    size = row["size"] if row is not None else 0
    try:
        proof = consistency_proof(connection, size, current.size) if 0 < size < current.size else []
    except ProofError:
        proof = []
    # Where a node has signed more than we have, our log was put back from a copy: it is told, and will not sign.
    yield Offered(origin=origin, witness=node.id, offer=Offer(size, tuple(proof), current.note).to_text())


def _carry_offers(connection: Connection, register: Register, node: Member, now: datetime) -> Iterator[Offered]:
    """Yield what other nodes showed of their logs for this one to sign; it knows which of them it has signed."""
    witnessed = {member.id for member in list_witnessed(register, node.id, now)}
    rows = connection.execute(
        "SELECT origin, offer FROM witnessing WHERE witness = ? AND offer <> '' ORDER BY origin", (node.id,)
    ).fetchall()
    for row in rows:
        if row["origin"] in witnessed:
            yield Offered(origin=row["origin"], witness=node.id, offer=row["offer"])
    connection.execute("UPDATE witnessing SET offer = '' WHERE witness = ? AND offer <> ''", (node.id,))


def _carry_signed(connection: Connection, register: Register, node: Member, now: datetime) -> Iterator[Signed]:
    """Yield what this node's witnesses say of its log."""
    for witness in list_witnesses(register, node.id, now):
        row = connection.execute(
            "SELECT size, cosignature FROM witnessing WHERE origin = ? AND witness = ?", (node.id, witness.id)
        ).fetchone()
        size, cosignature = (row["size"], row["cosignature"]) if row is not None else (0, "")
        yield Signed(origin=node.id, witness=witness.id, size=size, cosignature=cosignature)


def count_witnesses(hub: Hub) -> tuple[int, int]:
    """Return how many entries of our log two thirds of the nodes have witnessed, and how many it has."""
    connection = hub.database.connection
    quorum = find_quorum(hub.register(), hub.party.member_id, hub.clock())
    found = newest_cosigned(connection, quorum)
    return (found.size if found else 0), read_head(connection)[1]

"""Complaints (P4): a node that cannot accept what another sent says so, and the slot that it is about is not used.

Only nodes of a roster complain of its slots, and of each other: whoever was left out of it could spoil it for ever.
`hub.sums.left_out` decides without whom the others go on.
"""

from audit.event import Action, Outcome
from federation.envelope import Envelope
from federation.problems import ProblemRaised
from federation.register import Member, MemberKind
from federation.secure_sum.messages import COMPLAINT_TYPE, Complaint
from federation.secure_sum.signing import check_signed, read_payload
from hub.service import Hub
from hub.sums.prekeys import refusing_documents
from hub.sums.rosters import find_roster
from hub.sums.slots import spoil_slot


def accept_complaint(hub: Hub, node: Member, envelope: Envelope) -> None:
    """Keep and log a node's complaint of another, and have nobody use the slot. Raises a 4xx problem."""
    complaint = _read(hub, node, envelope)
    roster = find_roster(hub, complaint.roster_digest)
    if complaint.epoch != roster.epoch or not {complaint.node, complaint.dealer}.issubset(roster.members):
        raise ProblemRaised(403, "not_in_roster", "a node complains of slots of its own rosters, and of their members")
    _keep(hub, complaint)
    spoil_slot(hub, complaint.roster_digest, complaint.slot)


def _read(hub: Hub, node: Member, envelope: Envelope) -> Complaint:
    with refusing_documents():
        complaint = read_payload(envelope, COMPLAINT_TYPE, Complaint)
        check_signed(envelope, node.id, MemberKind.NODE, hub.register(), hub.clock())
    if complaint.node != node.id or complaint.dealer == node.id:
        raise ProblemRaised(403, "impersonation", "a node complains in its own name, of another")
    return complaint


def _keep(hub: Hub, complaint: Complaint) -> None:
    event = hub.event(
        Action.SUM_REJECTED,
        complaint.node,
        complaint.epoch,
        outcome=Outcome.REFUSED,
        code=complaint.code,
        about=complaint.dealer,
        slot=complaint.slot,
    )
    row = (complaint.epoch, complaint.node, complaint.dealer)
    with hub.database.transaction() as connection:
        fresh = connection.execute("INSERT INTO sum_complaints VALUES (?, ?, ?) ON CONFLICT DO NOTHING", row)
        if fresh.rowcount:
            hub.database.log.append(connection, event)

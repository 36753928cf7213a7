"""Complaints (P4): a node that cannot accept what another sent says so, and the others go on without one of the two.

Who of the two is at fault cannot be told from outside, since what was sent was sealed. So it goes by numbers: whoever
is party to the most complaints is left out of the week's rosters, until no complaint is left between those that remain.
A node that complains of everybody puts itself out.
"""

from collections import Counter
from collections.abc import Iterable

from audit.event import Action, Outcome
from federation.envelope import Envelope
from federation.problems import ProblemRaised
from federation.register import Member, MemberKind
from federation.secure_sum.errors import SumRefused
from federation.secure_sum.messages import COMPLAINT_TYPE, Complaint
from federation.secure_sum.signing import check_signed, read_payload
from hub.service import Hub


def keep_complaint(hub: Hub, node: Member, envelope: Envelope) -> Complaint:
    """Keep and log a node's complaint of another. Raises a 4xx problem."""
    try:
        complaint = read_payload(envelope, COMPLAINT_TYPE, Complaint)
        check_signed(envelope, node.id, MemberKind.NODE, hub.register(), hub.clock())
    except SumRefused as refused:
        raise ProblemRaised(400, refused.code, refused.text) from None
    if complaint.node != node.id or complaint.dealer == node.id:
        raise ProblemRaised(403, "impersonation", "a node complains in its own name, of another")
    event = hub.event(
        Action.SUM_REJECTED,
        node.id,
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
    return complaint


def complained_of(hub: Hub, epoch: str) -> frozenset[str]:
    """Return the nodes that are left out of an epoch's rosters because of complaints."""
    rows = hub.database.connection.execute("SELECT node, about FROM sum_complaints WHERE epoch = ?", (epoch,))
    return leave_out([(row["node"], row["about"]) for row in rows])


def leave_out(complaints: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Return whom to leave out, given who complains of whom, so that no complaint is left.

    Whoever is party to the most goes first; of two alike the one that is complained of, and then the first by name.
    """
    left, out = {pair for pair in complaints if pair[0] != pair[1]}, set()
    while left:
        parties = Counter(node for pair in left for node in pair)
        received = Counter(about for _, about in left)
        worst = min(parties, key=lambda node: (-parties[node], -received[node], node))
        out.add(worst)
        left = {pair for pair in left if worst not in pair}
    return frozenset(out)

"""Approvals that are made at a node's page: what the hub hands a node to show, and what the node hands in.

The hub asks nobody for an approval, on no page: it carries the bytes to the approver's own organisation, whose node
reads and hashes them by itself, and takes in what their passkey signed there. A node acts for the approvers of its own
organisation alone, and the access matrix says what these may do; for one without any, there is nothing here.
"""

from collections.abc import Iterator

from federation.envelope import Signature
from federation.exchange import ApproversRefusal, WaitingManifests
from federation.problems import ProblemRaised
from federation.register import Member, MemberKind
from hub.endings import refuse_query
from hub.queries import StoredQuery, find_query, list_submitted
from hub.service import Hub
from hub.signing import sign_query

MOST_WAITING = 100
"""How many manifests one list holds at most, the oldest."""


def list_approvers(hub: Hub, node: Member) -> Iterator[Member]:
    """Yield the active approvers of a node's own organisation."""
    for approver in hub.register().active(MemberKind.APPROVER, hub.clock()):
        if approver.organisation == node.organisation:
            yield approver


def list_waiting(hub: Hub, node: Member) -> WaitingManifests:
    """Return the manifests that wait for approvals; none where the node's organisation has no approver."""
    reader = next(list_approvers(hub, node), None)
    found = list_submitted(hub, reader, MOST_WAITING) if reader is not None else ()
    return WaitingManifests(manifests=tuple(query.envelope for query in found))


def find_for_approvers(hub: Hub, node: Member, query_id: str) -> StoredQuery:
    """Return a query for the approvers of a node's organisation. Raises a 404 problem."""
    for reader in list_approvers(hub, node):
        return find_query(hub, query_id, reader)
    raise ProblemRaised(404, "query_unknown", "there is no query of that id that you may see")


def accept_approval(hub: Hub, node: Member, query_id: str, signature: Signature) -> Member:
    """Add an approval and return whose it is. Raises a 403 problem for somebody of another organisation.

    Otherwise it is as if the approver had handed it in, and raises as `sign_query`.
    """
    approver = _find_approver(hub, node, query_id, signature.keyid)
    sign_query(hub, query_id, signature, approver)
    return approver


def accept_refusal(hub: Hub, node: Member, query_id: str, refusal: ApproversRefusal) -> Member:
    """Refuse a query for an approver and return who it is. Raises a 403 problem as `accept_approval`, and others.

    That the approver refused is their node's word: a node that lies could as well refuse to answer.
    """
    approver = _find_approver(hub, node, query_id, refusal.approver)
    refuse_query(hub, query_id, refusal.reason, approver)
    return approver


def _find_approver(hub: Hub, node: Member, query_id: str, member: str) -> Member:
    find_for_approvers(hub, node, query_id)
    for approver in list_approvers(hub, node):
        if approver.id == member:
            return approver
    raise ProblemRaised(403, "approver_of_another", "a node hands in what its own organisation's approvers decide")

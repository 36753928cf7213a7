"""What another authority's node tells us of its delegations to our people: taken in, and held against its answers.

     1  a node tells it, now, for the authority that it serves, and for the first time
     2  it is of that authority's children, to us
     3  its home's node signed it and, unless it tells that it is revoked, so did whoever the register has as its giver
     4  that authority has not told us of too many
     5  it is kept and logged once, child by child; one that was revoked stays so, whatever comes in which order

It opens nothing here: what may be read by it home decides, at each reading.
"""

from audit.connection import Connection
from audit.event import Action, AuditEvent, EventInvalid, Outcome
from federation.database import stamp
from federation.delegations import (
    NOTICE_ANSWER_TYPE,
    NOTICE_TYPE,
    Delegation,
    DelegationInvalid,
    DelegationNotice,
    read_delegation,
    verify_revoked,
)
from federation.envelope import write_envelope
from federation.lookups import LookupAnswer, LookupFailed, NodeAnswer
from federation.register import Member
from federation.sealing import SealedRecords
from node.lookups.answer_head import head_answer
from node.lookups.delegation.shelf import KEPT_LISTED, is_revoked, verify_given
from node.lookups.sealed_pages import NOT_LOGGABLE, OpenedPage, check_origin, read_request, seal_message, take_in
from node.refusal import Refused
from node.service import Node
from policies.names import Relation

MOST_COME = 500
"""How many delegations of one authority are kept here at a time."""

NOT_FOR_US = Refused("delegation_misplaced", "the delegation is not of the authority that sends it, or not to us")
WRONG_SIGNATURE = Refused("delegation_refused", "the delegation is not signed by the head in whose name it is given")
TOO_MANY = Refused("too_many_delegations", f"{MOST_COME} delegations of yours are kept here: call the virtual school")


def answer_notice(node: Node, page: OpenedPage, pages: int) -> SealedRecords:
    """Return the sealed answer to a notice. Raises `LookupFailed` when it cannot be read."""
    notice = read_request(node, page, DelegationNotice, NOTICE_TYPE)
    refused = None
    try:
        check_origin(node, notice, page.sender)  # 1
        with node.database.transaction() as connection:
            take_in(connection, notice.lookup_id, page.sender.id, node.clock())
        _take(node, notice, page.sender)
    except Refused as error:
        refused = error
        node.record(
            node.event(
                Action.LOOKUP_REFUSED,
                notice.sender,
                notice.lookup_id,
                outcome=Outcome.REFUSED,
                acting_for=notice.authority,
                code=error.code,
            )
        )
    answer = NodeAnswer(**head_answer(node, notice.lookup_id, notice.sender, refused))
    return seal_message(node, answer, NOTICE_ANSWER_TYPE, page.sender, pages)


def _take(node: Node, notice: DelegationNotice, sender: Member) -> None:
    """Keep what a notice tells. Raises `Refused`."""
    delegation = _check_notice(node, notice, sender)
    events = _events(node, delegation, sender, revoked=notice.revoked)
    with node.database.transaction() as connection:
        oldest = stamp(node.clock() - KEPT_LISTED)
        connection.execute("DELETE FROM delegations_come WHERE come_at <= ?", (oldest,))
        if _keep(connection, node, notice, delegation):  # 5
            node.database.log.append(connection, *events)


def _check_notice(node: Node, notice: DelegationNotice, sender: Member) -> Delegation:
    try:
        delegation = read_delegation(notice.delegation)
        placed = (delegation.home, delegation.receiver, delegation.authority)
        if placed != (notice.authority, node.party.member_id, node.authority):  # 2
            raise NOT_FOR_US.anew()
        if notice.revoked:  # 3
            verify_revoked(notice.delegation, delegation, sender)
        else:
            verify_given(node, notice.delegation, delegation, sender)
    except DelegationInvalid:
        raise WRONG_SIGNATURE.anew() from None
    return delegation


def _keep(connection: Connection, node: Node, notice: DelegationNotice, delegation: Delegation) -> bool:
    """Enter what was told, and return whether it is news. Raises `Refused`."""
    now, place = stamp(node.clock()), (notice.sender, delegation.delegation_id)
    where = "sender = ? AND delegation_id = ?"
    if connection.execute(f"SELECT 1 FROM delegations_come WHERE {where}", place).fetchone() is None:  # noqa: S608
        _check_room(connection, notice.sender)
        row = (*place, write_envelope(notice.delegation), now, now if notice.revoked else "")
        connection.execute("INSERT INTO delegations_come VALUES (?, ?, ?, ?, ?)", row)
        return True
    ended = connection.execute(
        f"UPDATE delegations_come SET revoked_at = ? WHERE {where} AND revoked_at = '' AND ?",  # noqa: S608 - ours
        (now, *place, notice.revoked),
    )
    return ended.rowcount == 1


def _check_room(connection: Connection, sender: str) -> None:
    (kept,) = connection.execute("SELECT count(*) FROM delegations_come WHERE sender = ?", (sender,)).fetchone()
    if kept >= MOST_COME:  # 4
        raise TOO_MANY.anew()


def _events(node: Node, delegation: Delegation, sender: Member, *, revoked: bool) -> list[AuditEvent]:
    """An entry for each child, by our own token as in lookups. Raises `Refused` for a purpose that no log may keep."""
    try:
        return [
            node.event(
                Action.DELEGATION_REVOKED if revoked else Action.DELEGATION_RECEIVED,
                sender.id,
                delegation.delegation_id,
                acting_for=delegation.home,
                purpose=delegation.purpose,
                subject=node.party.keys.log_token(f"{delegation.home}/{number}"),
                relationship=Relation.NAMED_CHILD,
                receiving_role=delegation.role,
                receiving_person=delegation.person,
                groups=", ".join(delegation.field_groups),
            )
            for number in delegation.children
        ]
    except EventInvalid:
        raise NOT_LOGGABLE.anew() from None


def check_givers(node: Node, answer: LookupAnswer, sender: Member) -> None:
    """Raise `LookupFailed` unless every delegation in an answer is signed by its giver, and not told to be revoked."""
    for envelope in answer.delegations:
        try:
            delegation = read_delegation(envelope)
            verify_given(node, envelope, delegation, sender)
        except DelegationInvalid as error:
            raise LookupFailed(str(error)) from None
        if is_revoked(node, sender.id, delegation.delegation_id):
            raise LookupFailed("sent a delegation that it has told us it revoked")

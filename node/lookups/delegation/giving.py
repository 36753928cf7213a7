"""Naming children of ours to somebody: another authority's virtual school head, or one of our own people.

     1  whoever gives may take all of it out of Circe themselves, and the receiving role may read it of a named child
     2  every child is in our care now; a social worker or whoever faces carers is named one child at a time
     3  it is written, and kept for some minutes; the same written twice is one
     4  the giver signs its exact bytes, by passkey or key file, and our node beside them; both are verified as the
        other end will, and it is kept with its entry in the log, child by child
     5  the receiving node is told (`telling`), and told again where it did not hear
     6  at every reading it is looked up again: the day, the person, who signed it and that they may give it still, that
        nobody has revoked it, and our policy of then (`shelf.find_in_force`)

So revoking needs nothing of the other authority, and a delegation that was copied gives nobody anything.
"""

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from audit.event import Action as LogAction
from audit.event import AuditEvent, EventInvalid
from federation.approvals import challenge_of
from federation.countersigning import sign_by_key, sign_by_passkey
from federation.database import stamp
from federation.delegations import (
    Delegation,
    DelegationInvalid,
    draft_delegation,
    read_delegation,
    verify_delegation,
)
from federation.envelope import Envelope, write_envelope
from federation.lookups import ChildSought
from federation.state import Party, StateError
from federation.webauthn import Assertion
from federation.wire import whole_seconds
from node.lookups.asking import list_addressed
from node.lookups.child_search import find_sought
from node.lookups.delegation.drafts import Draft, blame_member, blaming
from node.lookups.delegation.givers import check_giver
from node.lookups.delegation.shelf import drop_drafts, find_given, is_still_signed, keep_draft, list_drafts, list_given
from node.lookups.signers import find_signer
from node.people import Person
from node.service import Node
from node.snapshots import Snapshot
from policies.access_policy import AccessRequest
from policies.names import Action, Relation, Role

ONE_CHILD_ROLES = frozenset({Role.SOCIAL_WORKER, Role.CARER_FACING_STAFF})
"""Roles of our own people to whom one child at a time is named."""

NOT_IN_FORCE = "there is no such delegation in force: it may have been revoked already"
NO_DRAFT = "the delegation waited too long for its signature: write it again"
GIVEN_ALREADY = "just this is named to them already: it is on the list"


@dataclass(frozen=True, repr=False)
class Written:
    """A delegation that is written and not signed: what it says, what a passkey answers, and for which domain."""

    delegation: Delegation
    challenge: bytes
    relying_party: str


def write_delegation(node: Node, giver: Person, draft: Draft) -> Written:
    """Write a delegation and keep it until it is signed; one that waits already is the same one.

    Raises `AccessDenied`, and `StateError` for what is no delegation, a giver whom the register does not have, and
    what is given already.
    """
    delegation = _compose(node, giver, draft)
    signer = find_signer(node, giver)
    with blaming("purpose"):
        _events(node, LogAction.DELEGATION_GIVEN, giver, delegation, {})  # What no log may keep is not even written.
    with node.database.transaction() as connection:  # 3
        drop_drafts(connection, node)
        _check_new(node, delegation)
        waiting = [each for each, _ in list_drafts(node) if _is_same(each, delegation)]
        if waiting:
            (delegation,) = waiting
        else:
            keep_draft(connection, delegation, draft_delegation(delegation))
    challenge = challenge_of(draft_delegation(delegation))
    return Written(delegation, challenge, signer.passkeys[0].domain if signer.passkeys else "")


def _is_same(one: Delegation, other: Delegation) -> bool:
    return (one.terms, one.given_by) == (other.terms, other.given_by)


def _check_new(node: Node, delegation: Delegation) -> None:
    """Raise `StateError` where the very same is given already, not revoked, and signed by its giver's key still."""
    alike = (each for each in list_given(node) if not each.revoked_at and each.delegation.terms == delegation.terms)
    if any(is_still_signed(node, each) for each in alike):
        raise StateError(GIVEN_ALREADY)


def sign_with_passkey(
    node: Node, giver: Person, delegation_id: str, credential: bytes, answer: Assertion
) -> Delegation:
    """Give a written delegation by the giver's passkey; once more gives nothing new. Raises as `write_delegation`."""
    if (given := _find_signed(node, giver, delegation_id)) is not None:
        return given
    drafted, member = _find_draft(node, giver, delegation_id), find_signer(node, giver)
    return _keep(node, giver, sign_by_passkey(drafted, member.id, credential, answer, node.party.keys))


def sign_with_key(node: Node, giver: Person, delegation_id: str, signer: Party) -> Delegation:
    """Give a written delegation by the giver's own key file. Raises as `write_delegation`."""
    return _keep(node, giver, sign_by_key(_find_draft(node, giver, delegation_id), signer.keys, node.party.keys))


def _find_signed(node: Node, giver: Person, delegation_id: str) -> Delegation | None:
    found = find_given(node, delegation_id)
    return found.delegation if found and found.delegation.given_by == giver.id else None


def _find_draft(node: Node, giver: Person, delegation_id: str) -> Envelope:
    for delegation, drafted in list_drafts(node):
        if (delegation.delegation_id, delegation.given_by) == (delegation_id, giver.id):
            return drafted
    raise StateError(NO_DRAFT)


def _keep(node: Node, giver: Person, signed: Envelope) -> Delegation:
    """Verify a signed delegation as the other end will, and keep and log it: both, or neither."""
    delegation = read_delegation(signed)
    _check_receiver(node, giver, delegation.role, delegation.field_groups)  # 1, again: minutes may have passed
    home = node.register().find(node.party.member_id, node.clock())
    try:
        verify_delegation(signed, delegation, home, find_signer(node, giver))  # 4
    except DelegationInvalid as refused:
        raise StateError(f"nothing was given: {refused}") from None
    events = _events(
        node,
        LogAction.DELEGATION_GIVEN,
        giver,
        delegation,
        _find_children(_loaded(node), delegation.children, delegation.role),
    )
    with node.database.transaction() as connection:
        _check_new(node, delegation)
        done = connection.execute(
            "UPDATE delegations SET envelope = ?, signed = 1, given_at = ? WHERE delegation_id = ? AND signed = 0",
            (write_envelope(signed), stamp(node.clock()), delegation.delegation_id),
        )
        if done.rowcount != 1:
            raise StateError(NO_DRAFT)
        node.database.log.append(connection, *events)
    return delegation


def revoke_delegation(node: Node, revoker: Person, delegation_id: str) -> None:
    """End a delegation now. Raises `AccessDenied`, and `StateError` for one that is over or was never given."""
    given = find_given(node, delegation_id)
    check_giver(node, revoker, given.delegation.field_groups if given else ())
    if given is None:
        raise StateError(NOT_IN_FORCE)
    events = _events(node, LogAction.DELEGATION_REVOKED, revoker, given.delegation, {})
    with node.database.transaction() as connection:
        done = connection.execute(
            """UPDATE delegations SET revoked_at = ?, revoked_by = ?
               WHERE delegation_id = ? AND signed = 1 AND revoked_at = ''""",
            (stamp(node.clock()), revoker.id, delegation_id),
        )
        if done.rowcount != 1:  # Somebody was first, a moment ago or long before.
            raise StateError(NOT_IN_FORCE)
        node.database.log.append(connection, *events)


def _check_receiver(node: Node, giver: Person, role: str, groups: Collection[str]) -> None:
    """Raise `AccessDenied` unless the giver may name these groups, and the role may read them of a named child."""
    check_giver(node, giver, groups)
    for group in groups:
        node.policy().check(AccessRequest(role, Relation.NAMED_CHILD, Action.READ, group))


def _find_receiver(node: Node, draft: Draft) -> tuple[Role, str]:
    """Return the role that receives, and its node. Raises `StateError` for nobody we know."""
    if not _is_elsewhere(node, draft):
        return node.find_person(draft.person).role, node.party.member_id
    (other,) = list_addressed(node, draft.authority)
    return Role.VIRTUAL_SCHOOL_HEAD, other.id


def _is_elsewhere(node: Node, draft: Draft) -> bool:
    """Whether another authority receives."""
    return draft.authority not in ("", node.authority)


def _loaded(node: Node) -> Snapshot:
    snapshot = node.store.current()
    if snapshot is None:
        raise StateError("nothing is loaded yet: the node's administrator loads the return files")
    return snapshot


def _find_children(snapshot: Snapshot, numbers: Sequence[str], role: str) -> Mapping[str, str]:
    """Return the row token of each child in our care by number. Raises `StateError` for nobody, and for too many."""
    found = {number: find_sought(snapshot, ChildSought(la_child_id=number)) for number in numbers if number.strip()}
    if not found or any(len(tokens) != 1 for tokens in found.values()):
        raise StateError("give the numbers by which we know children who are in our care now")
    if role in ONE_CHILD_ROLES and len(found) != 1:
        raise StateError(f"the role {role} is named one child at a time")
    return {number: token for number, (token,) in found.items()}


def _compose(node: Node, giver: Person, draft: Draft) -> Delegation:
    """Return what a draft comes to. Raises `AccessDenied` and `StateError`."""
    check_giver(node, giver, draft.field_groups)  # 1
    with blaming("authority" if _is_elsewhere(node, draft) else "person"):
        role, receiver = _find_receiver(node, draft)
    _check_receiver(node, giver, role, draft.field_groups)
    snapshot = _loaded(node)
    with blaming("children"):
        _find_children(snapshot, draft.children, role)  # 2
    return _write(node, giver, draft, role, receiver)


def _write(node: Node, giver: Person, draft: Draft, role: Role, receiver: str) -> Delegation:
    """Return the document, checked as a reader would check it. Raises `DraftInvalid`."""
    try:
        return msgspec.convert(
            {
                "delegation_id": f"D-{secrets.token_hex(16)}",
                "home": node.authority,
                "sender": node.party.member_id,
                "receiver": receiver,
                "authority": draft.authority or node.authority,
                "role": role,
                "person": draft.person,
                "children": [number.strip() for number in draft.children],
                "field_groups": list(draft.field_groups),
                "valid_from": draft.valid_from,
                "valid_until": draft.valid_until,
                "purpose": draft.purpose.strip(),
                "given_by": giver.id,
                "given_at": whole_seconds(node.clock()),
            },
            Delegation,
        )
    except msgspec.ValidationError as error:
        raise blame_member(str(error)) from None


def _events(
    node: Node, action: LogAction, person: Person, delegation: Delegation, tokens: Mapping[str, str]
) -> list[AuditEvent]:
    """The entries of an act, one for each child or, without any, one for all of them."""
    return [_event(node, action, person, delegation, token) for token in tokens.values() or ("",)]


def _event(node: Node, action: LogAction, person: Person, delegation: Delegation, token: str) -> AuditEvent:
    details: dict[str, Any] = {
        "receiver": delegation.authority,
        "receiving_role": delegation.role,
        "receiving_person": delegation.person,
        "from": delegation.valid_from.isoformat(),
        "until": delegation.valid_until.isoformat(),
        "groups": ", ".join(delegation.field_groups),
    }
    try:
        return node.event(
            action,
            f"{person.id} ({person.role})",
            delegation.delegation_id,
            acting_for=node.authority,
            purpose=delegation.purpose,
            subject=node.party.keys.log_token(token) if token else "",
            relationship=Relation.NAMED_CHILD,
            policy_version=node.policy().version,
            **details,
        )
    except EventInvalid as error:
        raise StateError(f"the purpose cannot be logged: {error}") from None

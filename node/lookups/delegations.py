"""Naming children of ours to somebody: another authority's virtual school head, or one of our own people.

     1  whoever gives may take all of it out of Circe themselves, and the receiving role may read it of a named child
     2  every child is in our care now; a social worker or whoever faces carers is named one child at a time
     3  our node signs the document on the giver's behalf, and keeps it with its entry in the log, child by child
     4  at every reading it is looked up again: the day, the person, that nobody has revoked it, and our policy of then

So revoking needs nothing of the other authority, and a delegation that was copied gives nobody anything.
"""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import msgspec

from audit.event import Action as LogAction
from audit.event import AuditEvent, EventInvalid
from federation.database import stamp
from federation.delegations import DELEGATION_TYPE, LONGEST_DAYS, Delegation, sign_delegation
from federation.envelope import Envelope, read_envelope, write_envelope
from federation.lookups import ChildSought
from federation.state import StateError
from federation.wire import decode_document, whole_seconds
from node.lookups.asking import list_addressed
from node.lookups.child_search import find_sought
from node.people import Person, find_person
from node.service import Node
from policies.access_policy import AccessRequest
from policies.names import Action, FieldGroup, Relation, Role

ONE_CHILD_ROLES = frozenset({Role.SOCIAL_WORKER, Role.CARER_FACING_STAFF})
"""Roles of our own people to whom one child at a time is named."""

NOT_IN_FORCE = "there is no such delegation in force: it may have been revoked already"

KEPT_LISTED = timedelta(days=2 * LONGEST_DAYS)
"""How long one that is over is still listed."""


@dataclass(frozen=True, repr=False)
class Draft:
    """What somebody wants to delegate: to one of our own people, or to another authority's virtual school head."""

    authority: str
    person: str
    children: tuple[str, ...]
    field_groups: tuple[str, ...]
    valid_from: date
    valid_until: date
    purpose: str


@dataclass(frozen=True, repr=False)
class Given:
    """A delegation as it is kept."""

    delegation: Delegation
    envelope: Envelope
    revoked_at: str
    revoked_by: str


def give_delegation(node: Node, giver: Person, draft: Draft) -> Delegation:
    """Sign a delegation, keep it and log it. Raises `AccessDenied` and `StateError`."""
    check_giver(node, giver, draft.field_groups)  # 1
    role, receiver = _find_receiver(node, draft)
    for group in draft.field_groups:
        node.policy().check(AccessRequest(role, Relation.NAMED_CHILD, Action.READ, group))
    tokens = _find_children(node, draft.children)  # 2
    if role in ONE_CHILD_ROLES and len(tokens) != 1:
        raise StateError(f"the role {role} is named one child at a time")
    delegation = _write(node, giver, draft, role, receiver)
    envelope = sign_delegation(delegation, node.party.keys)  # 3
    events = [_event(node, LogAction.DELEGATION_GIVEN, giver, delegation, token) for token in tokens.values()]
    with node.database.transaction() as connection:
        row = (delegation.delegation_id, delegation.authority, write_envelope(envelope), stamp(node.clock()))
        connection.execute(
            "INSERT INTO delegations (delegation_id, authority, envelope, given_at) VALUES (?, ?, ?, ?)", row
        )
        node.database.log.append(connection, *events)
    return delegation


def revoke_delegation(node: Node, revoker: Person, delegation_id: str) -> None:
    """End a delegation now. Raises `AccessDenied`, and `StateError` for one that is over or was never given."""
    given = next((each for each in list_given(node) if each.delegation.delegation_id == delegation_id), None)
    check_giver(node, revoker, given.delegation.field_groups if given else ())
    if given is None:
        raise StateError(NOT_IN_FORCE)
    event = _event(node, LogAction.DELEGATION_REVOKED, revoker, given.delegation, "")
    with node.database.transaction() as connection:
        done = connection.execute(
            "UPDATE delegations SET revoked_at = ?, revoked_by = ? WHERE delegation_id = ? AND revoked_at = ''",
            (stamp(node.clock()), revoker.id, delegation_id),
        )
        if done.rowcount != 1:  # Somebody was first, a moment ago or long before.
            raise StateError(NOT_IN_FORCE)
        node.database.log.append(connection, event)


def check_giver(node: Node, giver: Person, groups: Collection[str]) -> None:
    """Raise `AccessDenied` unless somebody could take whose record it is, and these groups, out of Circe themselves."""
    for group in {FieldGroup.IDENTITY, *groups}:
        node.policy().check(AccessRequest(giver.role, Relation.HOME, Action.EXPORT, group))


def list_given(node: Node) -> tuple[Given, ...]:
    """Return what was given and is not long over, the newest first."""
    oldest = stamp(node.clock() - KEPT_LISTED)
    rows = node.database.connection.execute(
        """SELECT envelope, revoked_at, revoked_by FROM delegations WHERE given_at > ?
           ORDER BY given_at DESC, delegation_id""",
        (oldest,),
    )
    return tuple(_read(bytes(row["envelope"]), row["revoked_at"], row["revoked_by"]) for row in rows)


def find_in_force(node: Node, authority: str, role: str, person: str) -> tuple[Given, ...]:
    """Return the delegations by which somebody may read now: theirs, of today, and not revoked."""
    today = node.clock().date()
    return tuple(
        given
        for given in list_given(node)
        if not given.revoked_at
        and given.delegation.holds_on(today)
        and (given.delegation.authority, given.delegation.role) == (authority, role)
        and given.delegation.person in ("", person)
    )


def _find_receiver(node: Node, draft: Draft) -> tuple[Role, str]:
    """Return the role that receives, and its node. Raises `StateError` for nobody we know."""
    if draft.authority in ("", node.authority):
        return find_person(node.party.directory, draft.person).role, node.party.member_id
    (other,) = list_addressed(node, draft.authority)
    return Role.VIRTUAL_SCHOOL_HEAD, other.id


def _find_children(node: Node, numbers: Sequence[str]) -> dict[str, str]:
    snapshot = node.store.current()
    if snapshot is None:
        raise StateError("nothing is loaded yet: the node's administrator loads the return files")
    found = {number: find_sought(snapshot, ChildSought(la_child_id=number)) for number in numbers if number.strip()}
    if not found or any(len(tokens) != 1 for tokens in found.values()):
        raise StateError("give the numbers by which we know children who are in our care now")
    return {number: token for number, (token,) in found.items()}


def _write(node: Node, giver: Person, draft: Draft, role: Role, receiver: str) -> Delegation:
    """Return the document, checked as a reader would check it. Raises `StateError`."""
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
    except msgspec.ValidationError:
        raise StateError(
            f"give a purpose, a first and a last day at most {LONGEST_DAYS} days apart, and each child and group once"
        ) from None


def _read(envelope: bytes, revoked_at: str, revoked_by: str) -> Given:
    kept = read_envelope(envelope, DELEGATION_TYPE)
    return Given(decode_document(kept.body, Delegation), kept, revoked_at, revoked_by)


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

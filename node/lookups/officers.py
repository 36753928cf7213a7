"""Who decides about held requests, and who reviews notices: the access matrix is asked about each."""

from pathlib import Path

from node.people import Person
from node.service import Node, open_node
from policies.access_policy import AccessDenied, AccessPolicy, AccessRequest
from policies.names import Action, FieldGroup, Relation


def check_officer(policy: AccessPolicy, role: str) -> None:
    """Raise `AccessDenied` for whoever may not read the log: notices are about what is in it."""
    policy.check(AccessRequest(role, Relation.OWN_ORGANISATION, Action.AUDIT, FieldGroup.AUDIT_LOG))


def check_decider(policy: AccessPolicy, role: str) -> None:
    """Raise `AccessDenied` unless a role is the officer's, or one that may take our children's records out of Circe.

    What may be let out by hand is for whoever answers for letting it out: the virtual school head, not their staff.
    """
    try:
        check_officer(policy, role)
    except AccessDenied:
        policy.check(AccessRequest(role, Relation.HOME, Action.EXPORT, FieldGroup.IDENTITY))


def admit_officer(node: Node, person_id: str) -> Person:
    """Return one of our people who may review notices. Raises `StateError` and `AccessDenied`."""
    person = node.find_person(person_id)
    check_officer(node.policy(), person.role)
    return person


def admit_decider(node: Node, person_id: str) -> Person:
    """Return one of our people who may decide about held requests. Raises `StateError` and `AccessDenied`."""
    person = node.find_person(person_id)
    check_decider(node.policy(), person.role)
    return person


def admit_to_log(state: Path, person_id: str, action: str) -> None:
    """Raise `StateError` or `AccessDenied` unless one of our people may do this to our log."""
    node = open_node(state)
    person = node.find_person(person_id)
    node.policy().check(AccessRequest(person.role, Relation.OWN_ORGANISATION, action, FieldGroup.AUDIT_LOG))

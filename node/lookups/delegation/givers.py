"""Who may give a delegation: whoever could take the same out of Circe themselves, then and as long as it holds."""

from collections.abc import Collection

from node.people import Person
from node.service import Node
from policies.access_policy import AccessRequest
from policies.names import Action, FieldGroup, Relation


def check_giver(node: Node, giver: Person, groups: Collection[str]) -> None:
    """Raise `AccessDenied` unless somebody could take whose record it is, and these groups, out of Circe themselves."""
    for group in {FieldGroup.IDENTITY, *groups}:
        node.policy().check(AccessRequest(giver.role, Relation.HOME, Action.EXPORT, group))

"""Who signs with a key of their own at this node: one of our people, whom the register has as an approver."""

from federation.countersigning import name_member
from federation.register import Member, RegisterError
from federation.state import StateError
from node.people import Person
from node.service import Node


def find_signer(node: Node, person: Person) -> Member:
    """Return the register's entry of a person, by whose key they sign. Raises `StateError` where there is none."""
    try:
        return node.register().find(name_member(person.id, node.party.profile.organisation), node.clock())
    except RegisterError:
        raise StateError("this is signed by somebody whom the register has: you are not in it") from None

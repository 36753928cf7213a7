"""Signing in at a node's pages: a one-time code for one of the authority's own people, made on the node's machine.

Nobody's sign-in at the hub counts here, and none made here counts anywhere else. What a person may see is asked of the
access policy at every request, under the role that `people.toml` has for them at that moment.
"""

from federation.state import StateError
from federation.web.sign_in_codes import make_code, use_up
from node.people import Person, find_person
from node.service import Node


def issue_code(node: Node, person_id: str) -> str:
    """Make a code with which one of the node's people can sign in once. Raises `StateError` for anybody else."""
    return make_code(node, find_person(node.party.directory, person_id).id)


def use_code(node: Node, code: str) -> Person:
    """Use up a code and return the person who has signed in with it. Raises a 403 problem."""
    return use_up(node, code, lambda person_id: find_staff(node, person_id))


def find_staff(node: Node, person_id: str) -> Person | None:
    """Return one of the node's people as they are entered now, or None for somebody who is not."""
    try:
        return find_person(node.party.directory, person_id)
    except StateError:
        return None

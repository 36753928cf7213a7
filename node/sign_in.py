"""Signing in at a node's pages: a one-time code for one of the authority's own people, made on the node's machine.

Nobody's sign-in at the hub counts here, and none made here counts anywhere else. What a person may see is asked of the
access policy at every request, under the role that `people.toml` has for them at that moment.
"""

from audit.event import Action, Outcome
from federation.state import StateError
from federation.web.sign_in_codes import keep_code, refuse_code, take_code
from node.people import Person, find_person
from node.service import Node


def issue_code(node: Node, person_id: str) -> str:
    """Make a code with which one of the node's people can sign in once. Raises `StateError` for anybody else."""
    person = find_person(node.party.directory, person_id)
    with node.database.transaction() as connection:
        code = keep_code(connection, person.id, node.clock())
        event = node.event(Action.SIGNIN, person.id, "", outcome=Outcome.INTENDED, link="made")
        node.database.log.append(connection, event)
    return code


def use_code(node: Node, code: str) -> Person:
    """Use up a code and return the person who has signed in with it. Raises a 403 problem."""
    with node.database.transaction() as connection:
        used = take_code(connection, code, node.clock())
        if used is None:
            raise refuse_code()
        # Who has left since, and a code that is too old, are refused after the code has been used up.
        person = None if used.is_stale else find_staff(node, used.owner)
        outcome = Outcome.REFUSED if person is None else Outcome.DONE
        node.database.log.append(connection, node.event(Action.SIGNIN, used.owner, "", outcome=outcome, link="used"))
    if person is None:
        raise refuse_code()
    return person


def find_staff(node: Node, person_id: str) -> Person | None:
    """Return one of the node's people as they are entered now, or None for somebody who is not."""
    try:
        return find_person(node.party.directory, person_id)
    except StateError:
        return None

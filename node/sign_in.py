"""Signing in at a node's pages: by passkey, or by a one-time code, which enrols the first.

Nobody's sign-in at the hub counts here, and none made here counts anywhere else. What a person may see is asked of the
access policy at every request, under the role that `people.toml` has for them at that moment; so is, of the node's own
rules, what a code is good for.
"""

from datetime import timedelta

from federation.state import StateError
from federation.web.session import Limits, Means
from federation.web.sign_in_codes import make_code, use_up
from node.passkeys import list_passkeys
from node.people import Person
from node.rules import CodesSignIn, PagesRules
from node.service import Node


def issue_code(node: Node, person_id: str) -> str:
    """Make a code with which one of the node's people can sign in once. Raises `StateError` for anybody else."""
    return make_code(node, node.find_person(person_id).id)


def use_code(node: Node, code: str) -> Person:
    """Use up a code and return the person who has signed in with it. Raises a 403 problem."""
    return use_up(node, code, lambda person_id: find_staff(node, person_id))


def find_staff(node: Node, person_id: str) -> Person | None:
    """Return one of the node's people as they are entered now, or None for somebody who is not."""
    try:
        return node.find_person(person_id)
    except StateError:
        return None


def opens_pages(node: Node, person: Person, means: Means) -> bool:
    """Whether somebody who signed in by these means may see more than the page of their passkeys."""
    if means is not Means.CODE:
        return True
    match node.rules().pages.codes_sign_in:
        case CodesSignIn.ALWAYS:
            return True
        case CodesSignIn.UNTIL_PASSKEY:
            return not list_passkeys(node, person.id)
        case _:
            return False


def limit_session(rules: PagesRules, means: Means) -> Limits:
    """Return how long a session of these means lasts under a node's rules."""
    longest = rules.code_minutes if means is Means.CODE else rules.longest_minutes
    return Limits(timedelta(minutes=longest), timedelta(minutes=rules.idle_minutes))

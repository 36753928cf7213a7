"""Who is visiting, and what they may see: `people.toml` and the access policy are asked at every request."""

from collections.abc import Callable

from flask import current_app, g

from federation.problems import ProblemRaised
from federation.web.site import current_session
from node.lookups.area_children import list_switched_on
from node.lookups.officers import check_decider
from node.people import Person
from node.service import Node
from node.sign_in import find_staff, opens_pages
from policies.access_policy import AccessDenied, AccessRequest
from policies.names import Action, Relation, Role


def the_node() -> Node:
    """The node whose pages these are."""
    node: Node = current_app.extensions["node"]
    return node


def find_owner() -> Person | None:
    """Return whose session this is, if they are one of the node's people still. They may own no more than passkeys."""
    if "owner" not in g:
        session = current_session()
        g.owner = find_staff(the_node(), session.member) if session and session.member else None
    owner: Person | None = g.owner
    return owner


def find_visitor() -> Person | None:
    """Return the person who has signed in, by means that open more than the page of their passkeys."""
    if "visitor" not in g:
        owner, session = find_owner(), current_session()
        g.visitor = owner if owner and session and opens_pages(the_node(), owner, session.means) else None
    visitor: Person | None = g.visitor
    return visitor


def require_visitor() -> Person:
    """Return the person who has signed in. Raises a 403 problem for anybody else."""
    visitor = find_visitor()
    if visitor is None:
        raise ProblemRaised(403, "signed_out", "this page is for our own people: sign in first")
    return visitor


def require_owner() -> Person:
    """Return whose session this is, for the page of their passkeys. Raises a 403 problem for anybody else."""
    owner = find_owner()
    if owner is None:
        raise ProblemRaised(403, "signed_out", "this page is for our own people: sign in first")
    return owner


def may(person: Person, relation: str, action: str, field_group: str) -> bool:
    """Whether the access policy, as it stands now, allows a person this."""
    return the_node().policy().permits(AccessRequest(person.role, relation, action, field_group))


def may_read_ours(person: Person) -> bool:
    """Whether a person may see whose record it is of our own children."""
    return may(person, "home", "read", "identity")


def may_read_placed_here(person: Person) -> bool:
    """Whether a person may ask other authorities after their children educated here."""
    return may(person, "host", "read", "identity")


def list_area_relations(person: Person, action: Action) -> tuple[Relation, ...]:
    """The relations to children not in care by which a person may do this to, and read, whose record it is."""
    return list_switched_on(the_node().policy(), person.role, action)


def may_read_area(person: Person) -> bool:
    """Whether a person may read a list of children of our area who are not in care."""
    return bool(list_area_relations(person, Action.LIST))


def may_search(person: Person) -> bool:
    """Whether a person may seek one child: among our own, another authority's, or those not in care."""
    in_care = may(person, "home", "search", "identity") or may(person, "host", "search", "identity")
    return in_care or bool(list_area_relations(person, Action.SEARCH))


def may_ask_in_emergency(person: Person) -> bool:
    """Whether a person may ask for one child in an emergency."""
    return may(person, "emergency", "read", "identity")


def may_read_class(person: Person) -> bool:
    """Whether a person works for one school, and may list the children in care there."""
    return person.school_urn is not None and may(person, "school", "list", "identity")


def may_delegate(person: Person) -> bool:
    """Whether a person may name our children to others: whoever may take their records out themselves."""
    return may(person, "home", "export", "identity")


def may_read_named(person: Person) -> bool:
    """Whether a person may read children who were named to them."""
    return may(person, "named_child", "read", "identity")


def may_decide_held(person: Person) -> bool:
    """Whether a person decides about held requests: our officer, and whoever may take our children's records out."""
    try:
        check_decider(the_node().policy(), person.role)
    except AccessDenied:
        return False
    return True


def may_read_leaving(person: Person) -> bool:
    """Whether a person may read what is asked of this authority, and what left: our officer and our approvers."""
    return may(person, "federation", "list", "manifest") and may(person, "federation", "read", "manifest")


def may_decide_queries(person: Person) -> bool:
    """Whether a person lets held queries through, or refuses them: our officer and our approvers."""
    return may_read_leaving(person) and may(person, "federation", "approve", "manifest")


def may_approve(person: Person) -> bool:
    """Whether a person may approve queries at these pages: an approver, whom the register must have as one, too."""
    return person.role is Role.APPROVER and may(person, "federation", "approve", "manifest")


def may_sign(person: Person) -> bool:
    """Whether a person signs what other members verify: queries, delegations, hand-overs or emergencies."""
    return may_approve(person) or may_delegate(person) or may_ask_in_emergency(person)


def may_read_tracking(person: Person) -> bool:
    """Whether a person may read tracking records: of our children, or of a teacher's own school."""
    return may(person, "home" if person.school_urn is None else "school", "read", "plan_pep")


def may_set_down(person: Person) -> bool:
    """Whether a person may change the tracking records of our own children."""
    return may_read_ours(person) and may(person, "home", "update", "plan_pep")


def may_export(person: Person) -> bool:
    """Whether a person may take our children's records out."""
    return may(person, "home", "export", "identity")


def may_see_figures(person: Person) -> bool:
    """Whether a person may see figures at these pages: of our children, or of those at schools that they work for."""
    return may(person, "home", "aggregate", "aggregates") or (
        bool(person.works_at) and may(person, "school", "aggregate", "school_aggregates")
    )


def may_read_log(person: Person) -> bool:
    """Whether a person may read the node's audit log."""
    return may(person, "own_organisation", "audit", "audit_log")


def may_gather(person: Person) -> bool:
    """Whether a person may gather the disclosures of our own children: the home authority's officer."""
    return may(person, "home", "audit", "audit_log")


def require_visitor_who(may_visit: Callable[[Person], bool], otherwise: str) -> Person:
    """Return the person who has signed in and may visit this page. Raises a 403 problem that says `otherwise`."""
    visitor = require_visitor()
    if not may_visit(visitor):
        raise ProblemRaised(403, "not_permitted", otherwise)
    return visitor

"""Who is visiting, and what they may see: the register and the access matrix are asked at every request."""

from collections.abc import Callable, Iterator

from flask import current_app, g

from federation.problems import ProblemRaised
from federation.register import Member, MemberKind, RegisterError
from federation.state import StateError
from federation.web.site import Navigation, current_session, make_section, navigation_entry
from hub.service import Hub


def the_hub() -> Hub:
    """The hub whose pages these are."""
    hub: Hub = current_app.extensions["hub"]
    return hub


def find_visitor() -> Member | None:
    """Return the member who has signed in, if they are an active member still."""
    if "visitor" not in g:
        hub, session = the_hub(), current_session()
        try:
            g.visitor = hub.register().find(session.member, hub.clock()) if session and session.member else None
        except (RegisterError, StateError):
            g.visitor = None
    visitor: Member | None = g.visitor
    return visitor


def require_visitor() -> Member:
    """Return the member who has signed in. Raises a 403 problem for anybody else."""
    visitor = find_visitor()
    if visitor is None:
        # A register that is not valid now signs everybody out, and is what should be heard of.
        the_hub().register()
        raise ProblemRaised(
            403, "signed_out", "this page is for members who have signed in: ask the hub's operator for a sign-in link"
        )
    return visitor


def role_of(member: Member) -> str:
    """Return the member's role in the access matrix: its kind, and for the hub itself that of its operator."""
    return "hub_operator" if member.kind is MemberKind.HUB else member.kind


def may(member: Member, relation: str, action: str, field_group: str) -> bool:
    """Whether the access matrix allows a member this."""
    return the_hub().allows(role_of(member), relation, action, field_group)


def may_ask(member: Member) -> bool:
    """Whether a member may draft queries."""
    return may(member, "federation", "submit", "manifest")


def may_list_queries(member: Member) -> bool:
    """Whether a member may list queries: their own, or everybody's."""
    return any(may(member, relation, "list", "manifest") for relation in ("own_organisation", "federation"))


def may_see_projects(member: Member) -> bool:
    """Whether a member may see projects: those that they belong to, or everybody's."""
    return may_ask(member) or may_list_queries(member)


def may_see_nodes(member: Member) -> bool:
    """Whether a member may see where nodes stand: whoever runs the hub, and whoever may read everybody's manifests."""
    return member.kind is MemberKind.HUB or may(member, "federation", "read", "manifest")


def may_read_log(member: Member) -> bool:
    """Whether a member may read the hub's audit log, which belongs to the organisation that runs the hub."""
    own = member.organisation == the_hub().party.profile.organisation
    return may(member, "own_organisation" if own else "federation", "audit", "audit_log")


def require_visitor_who(may_visit: Callable[[Member], bool], otherwise: str) -> Member:
    """Return the member who has signed in and may visit this page. Raises a 403 problem that says `otherwise`."""
    visitor = require_visitor()
    if not may_visit(visitor):
        raise ProblemRaised(403, "not_permitted", otherwise)
    return visitor


def list_navigation(visitor: Member | None) -> Iterator[Navigation]:
    """Yield the pages that a visitor may go to."""
    yield navigation_entry("/", "Home")
    yield navigation_entry("/catalogue", "Catalogue")
    if visitor is not None and may_list_queries(visitor):
        yield navigation_entry("/queries", "Queries")
    if visitor is not None:
        yield navigation_entry("/reports", "Reports")
    if visitor is not None and may_see_projects(visitor):
        yield navigation_entry("/projects", "Projects")
    if visitor is not None and may_see_nodes(visitor):
        yield navigation_entry("/nodes", "Nodes")
    if visitor is not None and may_read_log(visitor):
        yield navigation_entry("/audit", "Audit log")
        yield navigation_entry("/breach", "Breach drill")


def describe_visitor() -> dict[str, object]:
    """What the frame of every page shows of whoever visits it."""
    visitor = find_visitor()
    sections = tuple(make_section(entry[1], [entry]) for entry in list_navigation(visitor))
    return {"visitor": visitor, "navigation": sections}

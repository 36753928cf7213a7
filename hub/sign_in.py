"""Signing in at the hub: a one-time code for a registered member, made on the hub's own machine."""

from federation.register import Member, MemberKind, RegisterError
from federation.web.sign_in_codes import make_code, use_up
from hub.service import Hub
from policies.words import call_role

VISITING_KINDS = frozenset(MemberKind) - {MemberKind.NODE, MemberKind.WITNESS}
"""Members who visit the hub's pages: people, and the hub's own operator. Machines have no use for pages."""


def issue_code(hub: Hub, member_id: str) -> str:
    """Make a code with which a member can sign in once. Raises `RegisterError` for one who cannot visit pages."""
    member = hub.register().find(member_id, hub.clock())
    if member.kind not in VISITING_KINDS:
        raise RegisterError(f"{member_id} is {call_role(member.kind)}, which does not visit pages")
    return make_code(hub, member.id)


def use_code(hub: Hub, code: str) -> Member:
    """Use up a code and return the member who has signed in with it. Raises a 403 problem."""

    def find_member(member_id: str) -> Member | None:
        try:
            return hub.register().find(member_id, hub.clock())
        except RegisterError:
            return None

    return use_up(hub, code, find_member)

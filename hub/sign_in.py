"""Signing in at the hub: a one-time code for a registered member, made on the hub's own machine.

Every code made, used or refused is in the audit log. A code that was never made names nobody, and is not logged, so
that a stranger cannot fill the log.
"""

from audit.event import Action, Outcome
from federation.register import Member, MemberKind, RegisterError
from federation.web.sign_in_codes import UsedCode, keep_code, refuse_code, take_code
from hub.service import Hub

VISITING_KINDS = frozenset(MemberKind) - {MemberKind.NODE, MemberKind.WITNESS}
"""Members who visit the hub's pages: people, and the hub's own operator. Machines have no use for pages."""


def issue_code(hub: Hub, member_id: str) -> str:
    """Make a code with which a member can sign in once. Raises `RegisterError` for one who cannot visit pages."""
    now = hub.clock()
    member = hub.register().find(member_id, now)
    if member.kind not in VISITING_KINDS:
        raise RegisterError(f"{member_id} is a {member.kind}, which does not visit pages")
    with hub.database.transaction() as connection:
        code = keep_code(connection, member.id, now)
        event = hub.event(Action.SIGNIN, member.id, "", outcome=Outcome.INTENDED, link="made")
        hub.database.log.append(connection, event)
    return code


def use_code(hub: Hub, code: str) -> Member:
    """Use up a code and return the member who has signed in with it. Raises a 403 problem."""
    with hub.database.transaction() as connection:
        used = take_code(connection, code, hub.clock())
        if used is None:
            raise refuse_code()
        # A member who was revoked since, and a code that is too old, are refused after the code has been used up.
        member = _find_owner(hub, used)
        outcome = Outcome.REFUSED if member is None else Outcome.DONE
        hub.database.log.append(connection, hub.event(Action.SIGNIN, used.owner, "", outcome=outcome, link="used"))
    if member is None:
        raise refuse_code()
    return member


def _find_owner(hub: Hub, used: UsedCode) -> Member | None:
    try:
        return None if used.is_stale else hub.register().find(used.owner, hub.clock())
    except RegisterError:
        return None

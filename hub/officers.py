"""Who may act on the hub's log: members of the register, in the organisation that runs the hub."""

from pathlib import Path

from federation.hub_line import current_time
from federation.register import MemberKind
from federation.state import open_party
from policies.access_policy import AccessPolicy, AccessRequest
from policies.names import FieldGroup, Relation, Role


def admit_to_log(state: Path, member_id: str, action: str) -> None:
    """Raise `RegisterError` or `AccessDenied` unless a member may do this to the log of the hub in a directory."""
    party, now = open_party(state, MemberKind.HUB), current_time()
    member = party.register(now).find(member_id, now)
    own = member.organisation == party.profile.organisation
    relation = Relation.OWN_ORGANISATION if own else Relation.FEDERATION
    role = Role.HUB_OPERATOR if member.kind is MemberKind.HUB else member.kind
    AccessPolicy.load().check(AccessRequest(role, relation, action, FieldGroup.AUDIT_LOG))

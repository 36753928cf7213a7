"""Who could see one child's record today, and why: the policy asked about everybody who stands in some relation to it.

This is what an authority prints for a complaint. It asks the same policy by the same door as every decision does, so
that what is printed is what would happen.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from policies.access_policy import AccessPolicy
from policies.names import BY_AREA, CHILD_RECORD, RELATION_MEANINGS, Action, CareStatus, FieldGroup, Relation, Role

__all__ = ["RECORD_ACTIONS", "Asker", "Sight", "StandingOf", "who_could_see"]

RECORD_ACTIONS = (Action.LIST, Action.SEARCH, Action.READ, Action.UPDATE, Action.EXPORT)
"""What can be done to a child's record by somebody; the other actions are about tables, manifests and machines."""


@dataclass(frozen=True)
class StandingOf:
    """The facts of one child that relations are decided by: codes of authorities, and the school's URN or None.

    Whoever is in nobody's care has no home authority; whoever is none of what `CareStatus` lists, no status.
    """

    child: str
    home_authority: str | None
    host_authority: str | None
    school_urn: int | None
    care_status: CareStatus | None = CareStatus.LOOKED_AFTER


@dataclass(frozen=True)
class Asker:
    """Somebody who might ask: their role, their authority, their school if any, and the children named to them."""

    name: str
    role: Role
    authority: str
    school_urn: int | None = None
    named_children: frozenset[str] = frozenset()

    def relations_to(self, child: StandingOf) -> tuple[Relation, ...]:
        """How this person stands to one child, in the order of the vocabulary."""
        is_here = bool(self.authority) and self.authority == child.host_authority
        in_care = {
            Relation.HOME: bool(self.authority) and self.authority == child.home_authority,
            Relation.HOST: is_here and child.home_authority not in (None, self.authority),
            Relation.SCHOOL: self.school_urn is not None and self.school_urn == child.school_urn,
            Relation.NAMED_CHILD: child.child in self.named_children,
        }
        if child.care_status is CareStatus.LOOKED_AFTER:
            holds = in_care
        else:
            holds = {relation: is_here and status is child.care_status for relation, status in BY_AREA.items()}
        return tuple(relation for relation in Relation if holds.get(relation, False))


@dataclass(frozen=True)
class Sight:
    """One thing that one person could do to the child's record, by which relation, to which groups of fields."""

    asker: Asker
    relation: Relation
    action: Action
    field_groups: tuple[FieldGroup, ...]

    @property
    def reason(self) -> str:
        """What the child is one of, so that this is permitted."""
        return RELATION_MEANINGS[self.relation]

    def sentence(self) -> str:
        """The same in words."""
        groups = ", ".join(self.field_groups)
        return (
            f"{self.asker.name} ({self.asker.role}) could {self.action} {groups}, "
            f"because this is one of the {self.reason}"
        )


def who_could_see(policy: AccessPolicy, child: StandingOf, askers: Iterable[Asker]) -> tuple[Sight, ...]:
    """Everything that any of the askers could do to the child's record under a policy.

    Whoever is not in it could do nothing.
    """
    return tuple(
        Sight(asker, relation, action, tuple(group for group in CHILD_RECORD if group in groups))
        for asker in askers
        for relation in asker.relations_to(child)
        for action in RECORD_ACTIONS
        if (groups := policy.permitted_groups(asker.role, relation, action))
    )

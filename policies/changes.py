"""What a change of policy comes to, in plain English: who could do what after it that they could not before.

An officer who reads a policy line by line does not see what it adds up to. These sentences are what they are shown
before a new file takes effect.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from policies.names import FIELD_GROUP_MEANINGS, RELATION_MEANINGS, Action, FieldGroup, Relation, Role
from policies.rules import Right, Rule, list_rights
from policies.words import name_group, name_role

__all__ = ["PolicyChange", "compare_policies"]

Subject = tuple[Action, FieldGroup, Relation]


@dataclass(frozen=True)
class PolicyChange:
    """What one policy permits that another does not, and the other way round."""

    gained: frozenset[Right]
    lost: frozenset[Right]

    def sentences(self) -> tuple[str, ...]:
        """The change in words, what is gained first; one sentence where nothing changes."""
        told = (*_tell(self.gained, "could not before", "can"), *_tell(self.lost, "could before", "can no longer"))
        return told or ("After this change everybody can do exactly what they could before.",)


def compare_policies(before: Iterable[Rule], after: Iterable[Rule]) -> PolicyChange:
    """What changes for everybody when the rules `after` take the place of the rules `before`."""
    old, new = list_rights(before), list_rights(after)
    return PolicyChange(gained=new - old, lost=old - new)


def _tell(rights: frozenset[Right], once: str, now: str) -> Iterable[str]:
    """One sentence for each thing that the same roles may now do, or may do no longer."""
    for (action, group, relation), roles in sorted(_gather(rights).items()):
        verb = {1: "1 role"}.get(len(roles), f"{len(roles)} roles")
        named = ", ".join(name_role(role) for role in sorted(roles))
        yield (
            f"After this change {verb} {now} {action} {name_group(group)} ({FIELD_GROUP_MEANINGS[group]}) of: "
            f"{RELATION_MEANINGS[relation]}; they {once}: {named}."
        )


def _gather(rights: frozenset[Right]) -> Mapping[Subject, set[Role]]:
    gathered: dict[Subject, set[Role]] = {}
    for right in rights:
        gathered.setdefault((right.action, right.field_group, right.relation), set()).add(right.role)
    return gathered

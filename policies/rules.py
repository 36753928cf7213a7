"""The lines of an access policy as values, and what they come to: every right that they give.

`AccessPolicy` decides one request at a time, by Casbin. Here the same rules are read as a set: whoever edits a policy
wants to know what all of it comes to.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import product

from policies.names import Action, FieldGroup, Relation, Role

__all__ = ["ANY", "Effect", "Right", "Rule", "list_rights"]

ANY = "*"
"""Stands for every value of a column; permitted in deny rules alone."""


class Effect(StrEnum):
    """What a rule does where it matches; nothing else is an effect."""

    ALLOW = "allow"
    DENY = "deny"


@dataclass(frozen=True, order=True)
class Right:
    """One thing that is permitted: a role may do an action to a field group of those it stands to by a relation."""

    role: Role
    relation: Relation
    action: Action
    field_group: FieldGroup


@dataclass(frozen=True)
class Rule:
    """One line of a linted policy; each of the first four is a known word or, in a deny rule, `*`."""

    role: str
    relation: str
    action: str
    field_group: str
    effect: Effect

    @property
    def values(self) -> tuple[str, ...]:
        """The rule as Casbin stores it, without its type."""
        return (self.role, self.relation, self.action, self.field_group, self.effect.value)

    def rights(self) -> Iterator[Right]:
        """Every combination that the rule speaks of; `*` speaks of every word of its column."""
        roles = tuple(Role) if self.role == ANY else (Role(self.role),)
        relations = tuple(Relation) if self.relation == ANY else (Relation(self.relation),)
        actions = tuple(Action) if self.action == ANY else (Action(self.action),)
        groups = tuple(FieldGroup) if self.field_group == ANY else (FieldGroup(self.field_group),)
        return (Right(*words) for words in product(roles, relations, actions, groups))


def list_rights(rules: Iterable[Rule]) -> frozenset[Right]:
    """Every right that linted rules give: what an allow rule names, less whatever a deny rule covers."""
    allowed, denied = set[Right](), set[Right]()
    for rule in rules:
        (allowed if rule.effect is Effect.ALLOW else denied).update(rule.rights())
    return frozenset(allowed - denied)

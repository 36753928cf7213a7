"""Which duties that go with the area of a school a policy has switched on: a sentence for each, for whoever decides.

Records of children who are not in care are a policy's to open, status by status (`policies.names.BY_AREA`). What a file
comes to in this is told whole at every change, whether or not the change is about it.
"""

from collections.abc import Iterable

from policies.names import BY_AREA, CHILD_RECORD, RELATION_MEANINGS, Action, FieldGroup, Relation
from policies.rules import Right, Rule, list_rights
from policies.words import name_groups, name_role

__all__ = ["tell_area_duties"]

NEEDED = (Action.LIST, Action.READ)
"""What a list takes to be opened, of the group `identity`."""


def tell_area_duties(rules: Iterable[Rule]) -> tuple[str, ...]:
    """One sentence for each status: switched off, or switched on, for which roles and with what."""
    rights = [right for right in list_rights(rules) if right.field_group in CHILD_RECORD]
    return tuple(_tell(relation, [right for right in rights if right.relation is relation]) for relation in BY_AREA)


def _tell(relation: Relation, rights: Iterable[Right]) -> str:
    roles: dict[str, set[Right]] = {}
    for right in rights:
        roles.setdefault(right.role, set()).add(right)
    meaning = RELATION_MEANINGS[relation]
    if not roles:
        return f"Switched off: nobody sees a record of {meaning}."
    told = "; ".join(f"{name_role(role)} may {_tell_rights(given)}" for role, given in sorted(roles.items()))
    return f"Switched on: of {meaning}, {told}."


def _tell_rights(given: set[Right]) -> str:
    actions = []
    for action in Action:
        groups = [group for group in CHILD_RECORD if any((r.action, r.field_group) == (action, group) for r in given)]
        if groups:
            actions.append(f"{action} ({name_groups(groups)})")
    opens = {right.action for right in given if right.field_group is FieldGroup.IDENTITY}
    lacking = [action for action in NEEDED if action not in opens]
    missing = f" (no list opens without the right to {' and '.join(lacking)} identity)" if lacking else ""
    return ", ".join(actions) + missing

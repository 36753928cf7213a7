"""How roles and groups of fields are called where people read of them, on pages and in what is said of a policy."""

from collections.abc import Iterable, Mapping

from policies.names import FieldGroup, Role

__all__ = ["call_role", "name_actor", "name_group", "name_groups", "name_role"]

GROUP_NAMES: Mapping[str, str] = {FieldGroup.PLAN_PEP: "personal education plan"}
"""Groups of fields that are not written as they are read."""

ROLE_NAMES: Mapping[str, str] = {
    Role.DIRECTOR_OF_CHILDRENS_SERVICES: "director of children's services",
    Role.CARER_FACING_STAFF: "carer-facing staff",
    Role.DFE_ANALYST: "DfE analyst",
    Role.IG_OFFICER: "information governance officer",
}
"""Roles that are not written as they are read."""


def name_group(group: str) -> str:
    """A group of fields as people read it."""
    return GROUP_NAMES.get(group, group.replace("_", " "))


def name_groups(groups: Iterable[str]) -> str:
    """Groups of fields as people read them."""
    return ", ".join(map(name_group, groups))


def name_role(role: str) -> str:
    """A role as people read it, in the midst of a sentence."""
    name = ROLE_NAMES.get(role, role.replace("_", " "))
    return name.replace("ofsted", "Ofsted")


def call_role(role: str) -> str:
    """A role with its article: what somebody is."""
    name = name_role(role)
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def name_actor(actor: str) -> str:
    """Whoever acted, as a log names them, with their role in words: vsh (virtual school head)."""
    person, has_role, role = actor.rpartition(" (")
    return f"{person} ({name_role(role.removesuffix(')'))})" if has_role else actor

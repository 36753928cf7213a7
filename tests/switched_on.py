"""Policies that switch records of children who are not in care on, as an authority's own file would."""

from collections.abc import Collection, Iterable

from policies.access_policy import MATRIX
from policies.names import BY_AREA, FieldGroup, Relation, Role

HEADS = (Role.VIRTUAL_SCHOOL_HEAD, Role.VIRTUAL_SCHOOL_STAFF)
"""The roles that may be given anything of these children at all."""


def open_lines(role: str, relation: Relation, groups: Iterable[FieldGroup]) -> str:
    """The lines that let a role list and search those of one status, and read these groups of them."""
    lines = [f"p, {role}, {relation}, {action}, identity, allow" for action in ("list", "search")]
    lines += [f"p, {role}, {relation}, read, {group}, allow" for group in groups]
    return "\n".join(lines) + "\n"


def switch_on(
    relations: Collection[Relation] = tuple(BY_AREA),
    groups: Collection[FieldGroup] = (FieldGroup.IDENTITY, FieldGroup.CARE, FieldGroup.EDUCATION),
    roles: Collection[str] = (Role.VIRTUAL_SCHOOL_HEAD,),
) -> str:
    """The packaged matrix with these statuses switched on for these roles."""
    return MATRIX.read_text() + "".join(open_lines(role, each, groups) for role in roles for each in relations)

"""What the access policy in force permits, to whom; and who could see one of our children today, and why."""

from collections.abc import Sequence
from itertools import groupby

from flask import Blueprint, render_template, request

from federation.state import StateError
from node.disclosures.numbers import spell_number
from node.lookups.child_sight import LISTING, list_sights, list_untold
from node.lookups.purpose import PurposeMissing
from node.lookups.reading_room import admit_reader
from node.pages.staff import may_read_ours, require_visitor, require_visitor_who, the_node
from policies.area_duties import tell_area_duties
from policies.names import FIELD_GROUP_MEANINGS, RELATION_MEANINGS, ROLE_MEANINGS, FieldGroup
from policies.rules import Right, list_rights

policy = Blueprint("policy", __name__)

NOT_YOURS = "who could see a child is for the virtual school to look up: your role does not have our children's records"

Permission = tuple[str, str, tuple[FieldGroup, ...]]
"""One line of a role's table: of whom, what may be done, to which groups of fields."""


@policy.get("/policy")
def show_policy() -> str:
    """Show every right that the policy in force gives, by role."""
    visitor, in_force = require_visitor(), the_node().policy()
    rights = sorted(list_rights(in_force.rules))
    roles = [
        (role, ROLE_MEANINGS[role], _permissions(tuple(given)))
        for role, given in groupby(rights, key=lambda right: right.role)
    ]
    return render_template(
        "policy.html",
        version=in_force.version,
        roles=roles,
        groups=FIELD_GROUP_MEANINGS.items(),
        duties=tell_area_duties(in_force.rules),
        may_look=may_read_ours(visitor),
        child="",
        purpose="",
        errors={},
    )


def _permissions(rights: Sequence[Right]) -> list[Permission]:
    """One role's rights, a line for each relation and action."""
    lines = []
    for (relation, action), given in groupby(rights, key=lambda right: (right.relation, right.action)):
        groups = {right.field_group for right in given}
        lines.append((RELATION_MEANINGS[relation], str(action), tuple(g for g in FieldGroup if g in groups)))
    return lines


@policy.post("/policy/who")
def show_who() -> tuple[str, int] | str:
    """Show everybody who could see one of our children today, how much, and why."""
    visitor, node = require_visitor_who(may_read_ours, NOT_YOURS), the_node()
    number, purpose = spell_number(request.form.get("child", "")), request.form.get("purpose", "")
    try:
        reader = admit_reader(node, visitor.id, purpose, LISTING)
        sights = list_sights(node, number, reader.person.role)
    except PurposeMissing as missing:
        return render_template("who_form.html", child=number, purpose=purpose, errors={"purpose": str(missing)}), 400
    except StateError as unknown:
        return render_template("who_form.html", child="", purpose=purpose, errors={"child": str(unknown)}), 400
    reader.sign_for([number])
    untold = [RELATION_MEANINGS[relation] for relation in list_untold(node, reader.person.role)]
    return render_template("who.html", child=number, sights=sights, untold=untold, version=reader.policy_version)

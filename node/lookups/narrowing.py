"""A row filter brought down to one relation: what could be seen by another is asked for by another lookup."""

from dataclasses import replace

from node.refusal import Refused
from policies.names import Relation
from policies.row_filter import RowFilter


def narrow(rule: RowFilter, relation: Relation) -> RowFilter:
    """Return a filter's clause by one relation alone. Raises `Refused` where it has none."""
    groups = rule.clauses.get(relation)
    if not groups:
        raise Refused("policy_denied", f"this authority lets no {rule.role} read a child by the relation {relation}")
    return replace(rule, clauses={relation: groups})

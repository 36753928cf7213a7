"""What no authority's own policy may permit, whatever its file says: the promises that Circe makes to the others.

An authority edits its policy freely within these. A line beyond them is a finding of the linter, with the reason, so
that nobody has to discover from the log that a right they wrote down was never meant to exist.
"""

from collections.abc import Callable
from dataclasses import dataclass

from policies.names import CHILD_RECORD, Action, FieldGroup, Relation, Role
from policies.rules import Right

__all__ = ["LIMITS", "NO_PUPIL_DATA", "Limit", "find_broken_limit"]

NO_PUPIL_DATA = frozenset(
    {
        Role.DIRECTOR_OF_CHILDRENS_SERVICES,
        Role.REGIONAL_DIRECTOR,
        Role.ACADEMY_TRUST,
        Role.AUTHORITY_INSPECTOR,
        Role.SCHOOL_INSPECTOR,
        Role.NODE_ADMINISTRATOR,
        Role.RESEARCHER,
        Role.DFE_ANALYST,
        Role.OFSTED,
        Role.IG_OFFICER,
        Role.APPROVER,
        Role.OUTPUT_CHECKER,
        Role.HUB_OPERATOR,
        Role.NODE,
    }
)
"""Roles that see safe aggregates, a log, a manifest or a machine, and never one child's record."""


@dataclass(frozen=True)
class Limit:
    """One promise: what it says, and which rights would break it."""

    name: str
    text: str
    breaks: Callable[[Right], bool]


LIMITS = (
    Limit(
        "no_pupil_data",
        "this role has no pupil data: it works with safe aggregates, the log, manifests or the service",
        lambda right: right.role in NO_PUPIL_DATA and right.field_group in CHILD_RECORD,
    ),
    Limit(
        "home_updates",
        "only the home authority updates a child's record: a host reads and never updates",
        lambda right: (
            right.action is Action.UPDATE and right.field_group in CHILD_RECORD and right.relation is not Relation.HOME
        ),
    ),
    Limit(
        "home_exports",
        "only the home authority takes copies of a child's record out of Circe",
        lambda right: (
            right.action is Action.EXPORT and right.field_group in CHILD_RECORD and right.relation is not Relation.HOME
        ),
    ),
    Limit(
        "teachers_school",
        "a designated teacher sees the children of their own school, and nobody else's record",
        lambda right: (
            right.role is Role.DESIGNATED_TEACHER
            and right.field_group in CHILD_RECORD
            and right.relation is not Relation.SCHOOL
        ),
    ),
    Limit(
        "teachers_plan",
        "of a child's plan a designated teacher sees the personal education plan alone",
        lambda right: right.role is Role.DESIGNATED_TEACHER and right.field_group is FieldGroup.PLAN,
    ),
    Limit(
        "named_reading",
        "whoever has a child named to them reads that child's record, and does nothing else to it",
        lambda right: (
            right.relation is Relation.NAMED_CHILD
            and right.field_group in CHILD_RECORD
            and right.action is not Action.READ
        ),
    ),
    Limit(
        "emergency_reading",
        "in an emergency a child's record is read, and nothing else is done to it",
        lambda right: (
            right.relation is Relation.EMERGENCY
            and right.field_group in CHILD_RECORD
            and right.action is not Action.READ
        ),
    ),
    Limit(
        "one_child_at_a_time",
        "social workers and carer-facing staff read the one child whom the home authority names to them",
        lambda right: (
            right.role in (Role.SOCIAL_WORKER, Role.CARER_FACING_STAFF)
            and right.field_group in CHILD_RECORD
            and right.relation is not Relation.NAMED_CHILD
        ),
    ),
)
"""Every promise. The order is that in which they are named to whoever breaks several."""


def find_broken_limit(right: Right) -> Limit | None:
    """The first promise that a right would break, or None."""
    return next((limit for limit in LIMITS if limit.breaks(right)), None)

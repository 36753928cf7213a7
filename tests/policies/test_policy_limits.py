"""What no authority's own policy may permit: every promise, with a line that breaks it and one that comes close."""

from collections.abc import Callable
from pathlib import Path

import pytest

from policies.access_policy import AccessPolicy
from policies.limits import LIMITS, NO_PUPIL_DATA, Limit, find_broken_limit
from policies.linter import PolicyInvalid, lint_policy
from policies.names import CHILD_RECORD, Action, FieldGroup, Relation, Role
from policies.rules import Right

PolicyFile = Callable[..., Path]

BROKEN_AND_KEPT = {
    "no_pupil_data": ("ig_officer, home, read, identity", "ig_officer, home, read, audit_log"),
    "home_updates": ("virtual_school_head, host, update, plan", "virtual_school_staff, home, update, care"),
    "home_exports": ("virtual_school_head, host, export, education", "virtual_school_staff, home, export, education"),
    "teachers_school": ("designated_teacher, host, read, identity", "designated_teacher, school, read, care"),
    "teachers_plan": ("designated_teacher, school, read, plan", "designated_teacher, school, read, health"),
    "named_reading": ("social_worker, named_child, list, identity", "virtual_school_staff, named_child, read, care"),
    "emergency_reading": (
        "virtual_school_head, emergency, search, identity",
        "virtual_school_staff, emergency, read, care",
    ),
    "one_child_at_a_time": ("social_worker, home, read, identity", "social_worker, federation, aggregate, aggregates"),
}
"""For each promise a right that breaks it, and one beside it that an authority may well give."""


def test_every_promise_has_an_example() -> None:
    assert [limit.name for limit in LIMITS] == list(BROKEN_AND_KEPT)


@pytest.mark.parametrize("limit", LIMITS, ids=[limit.name for limit in LIMITS])
def test_a_line_that_breaks_a_promise_is_refused_and_one_beside_it_is_not(
    limit: Limit, policy_file: PolicyFile
) -> None:
    broken, kept = BROKEN_AND_KEPT[limit.name]
    with pytest.raises(PolicyInvalid) as refusal:
        AccessPolicy.load(policy_file(append=f"p, {broken}, allow"))
    (finding,) = refusal.value.findings
    assert limit.text in finding.what
    assert lint_policy(f"p, {kept}, allow", "policy.csv")


@pytest.mark.parametrize("limit", LIMITS, ids=[limit.name for limit in LIMITS])
def test_a_denial_of_the_same_is_no_breach(limit: Limit) -> None:
    broken, _ = BROKEN_AND_KEPT[limit.name]
    assert lint_policy(f"p, {broken}, deny", "policy.csv")


def test_whoever_has_no_pupil_data_is_barred_from_every_field_by_every_relation() -> None:
    """The promise does not depend on which relation or action a careless line names."""
    for role in NO_PUPIL_DATA:
        for relation in Relation:
            for action in Action:
                assert all(find_broken_limit(Right(role, relation, action, group)) for group in CHILD_RECORD)


def test_the_host_never_updates_whoever_asks() -> None:
    """The sentence of the design: the host reads, never updates."""
    for role in Role:
        for relation in set(Relation) - {Relation.HOME}:
            for group in CHILD_RECORD:
                assert find_broken_limit(Right(role, relation, Action.UPDATE, group))
    assert not find_broken_limit(Right(Role.VIRTUAL_SCHOOL_HEAD, Relation.HOME, Action.UPDATE, FieldGroup.PLAN))

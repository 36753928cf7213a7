"""A row filter is the same decision as asking the policy about each row, one by one."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.access_policy import AccessDenied, AccessPolicy, AccessRequest, DenialCode
from policies.names import CHILD_RECORD, RECORD_RELATIONS, Action, FieldGroup, Relation, Role
from policies.row_filter import RowFilter


@dataclass(frozen=True)
class Row:
    """What a filter can test of one child's record."""

    child: str
    home_authority: str
    host_authority: str | None
    school_urn: int | None


def relations_of(row: Row, authority: str, school_urn: int | None, named: frozenset[str]) -> set[Relation]:
    """How an asker stands to one row, written out from the words of the design."""
    holds = {
        Relation.HOME: row.home_authority == authority,
        Relation.HOST: row.host_authority == authority != row.home_authority,
        Relation.SCHOOL: school_urn is not None and row.school_urn == school_urn,
        Relation.NAMED_CHILD: row.child in named,
    }
    return {relation for relation, true in holds.items() if true}


def groups_by_filter(rows: RowFilter, row: Row) -> set[FieldGroup]:
    """The reference reading of a filter, which the node's SQL has to equal."""
    relations = relations_of(row, rows.authority, rows.school_urn, rows.named_children)
    return {group for relation, groups in rows.clauses.items() if relation in relations for group in groups}


def groups_row_by_row(policy: AccessPolicy, role: Role, action: Action, relations: set[Relation]) -> set[FieldGroup]:
    """The same answer by one decision per relation and field group."""
    permitted = set()
    for relation in relations:
        for group in CHILD_RECORD:
            try:
                policy.check(AccessRequest(role, relation, action, group))
            except AccessDenied:
                continue
            permitted.add(group)
    return permitted


POLICY = AccessPolicy.load()
AUTHORITIES = st.sampled_from(["301", "302", "936"])
SCHOOLS = st.sampled_from([100001, 100002, None])
CHILDREN = st.sampled_from(["aa", "bb", "cc"])
ROWS = st.builds(Row, CHILDREN, AUTHORITIES, st.one_of(st.none(), AUTHORITIES), SCHOOLS)


@settings(max_examples=50, derandomize=True, deadline=None)
@given(
    role=st.sampled_from([role for role in Role if "school" in role or "teacher" in role or "worker" in role]),
    action=st.sampled_from([Action.LIST, Action.READ, Action.UPDATE]),
    authority=AUTHORITIES,
    school_urn=SCHOOLS,
    named=st.frozensets(CHILDREN, max_size=2),
    rows=st.lists(ROWS, max_size=8),
)
def test_a_filter_equals_row_by_row_decisions(
    role: Role, action: Action, authority: str, school_urn: int | None, named: frozenset[str], rows: list[Row]
) -> None:
    """For any rows and any asker: the same field groups of the same rows."""
    try:
        permitted = POLICY.row_filter(role, action, authority, school_urn, named)
    except AccessDenied:
        permitted = None
    for row in rows:
        relations = relations_of(row, authority, school_urn, named)
        by_filter = groups_by_filter(permitted, row) if permitted else set()
        assert by_filter == groups_row_by_row(POLICY, role, action, relations)


def test_a_head_reads_the_hosted_without_their_health() -> None:
    """The clauses say which groups go with which relation, in plain data."""
    rows = POLICY.row_filter("virtual_school_head", "read", "301")
    assert set(rows.clauses) == {Relation.HOME, Relation.HOST}
    assert rows.clauses[Relation.HOME] - rows.clauses[Relation.HOST] == {FieldGroup.HEALTH}


def test_a_teacher_without_a_school_sees_nobody() -> None:
    """The same role with a school sees that school's children, and of their plan only the PEP."""
    with pytest.raises(AccessDenied) as denial:
        POLICY.row_filter("designated_teacher", "read", "301")
    assert denial.value.code is DenialCode.NOT_PERMITTED
    rows = POLICY.row_filter("designated_teacher", "read", "301", school_urn=100001)
    assert rows.clauses == {
        Relation.SCHOOL: {FieldGroup.IDENTITY, FieldGroup.EDUCATION, FieldGroup.PLAN_PEP},
    }


def test_a_social_worker_sees_the_named_child_alone() -> None:
    rows = POLICY.row_filter("social_worker", "read", "301", 100001, frozenset({"aa"}))
    assert rows.clauses == {Relation.NAMED_CHILD: set(CHILD_RECORD)}
    assert rows.named_children == {"aa"}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("researcher", "read", "301"), DenialCode.NOT_PERMITTED),
        (("virtual_school_head", "approve", "301"), DenialCode.NOT_PERMITTED),
        (("virtual_school_head", "read", ""), DenialCode.EMPTY_VALUE),
        (("", "read", "301"), DenialCode.EMPTY_VALUE),
        (("virtual_school_head", "peek", "301"), DenialCode.UNKNOWN_VALUE),
    ],
)
def test_a_filter_that_would_permit_nothing_is_a_denial(arguments: tuple[str, ...], code: DenialCode) -> None:
    with pytest.raises(AccessDenied) as denial:
        POLICY.row_filter(*arguments)  # type: ignore[arg-type]
    assert denial.value.code is code


@pytest.mark.parametrize(
    ("clauses", "what"),
    [
        ({}, "needs a clause"),
        ({Relation.HOME: frozenset()}, "needs a clause"),
        ({Relation.SCHOOL: frozenset({FieldGroup.CARE})}, "no school"),
        ({Relation.NAMED_CHILD: frozenset({FieldGroup.CARE})}, "no school or named child"),
        ({Relation.FEDERATION: frozenset({FieldGroup.CARE})}, "no school"),
        ({Relation.HOME: frozenset({FieldGroup.AUDIT_LOG})}, "child's record alone"),
    ],
)
def test_an_empty_or_untestable_filter_cannot_be_made(clauses: Any, what: str) -> None:
    """Nothing downstream needs to ask whether a filter filters."""
    with pytest.raises(ValueError, match=what):
        RowFilter(Role.VIRTUAL_SCHOOL_HEAD, Action.READ, "301", None, frozenset(), clauses)


def test_a_filters_clauses_cannot_be_changed() -> None:
    rows = POLICY.row_filter("virtual_school_head", "read", "301")
    with pytest.raises(TypeError):
        rows.clauses[Relation.SCHOOL] = frozenset(CHILD_RECORD)  # type: ignore[index]
    assert Relation.SCHOOL in RECORD_RELATIONS

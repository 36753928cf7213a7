"""The access matrix, whole: every role x relation x action x field group, against a table written independently."""

from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from policies.access_policy import AccessDenied, AccessPolicy, AccessRequest, DenialCode
from policies.limits import NO_PUPIL_DATA
from policies.linter import PolicyInvalid, lint_policy
from policies.names import (
    ACTION_MEANINGS,
    CHILD_RECORD,
    FIELD_GROUP_MEANINGS,
    RELATION_MEANINGS,
    ROLE_MEANINGS,
    Action,
    FieldGroup,
    Relation,
    Role,
)

PolicyFile = Callable[..., Path]

RECORD = "identity care education health plan plan_pep"
BUT_HEALTH = "identity care education plan plan_pep"

RIGHTS = f"""
virtual_school_head virtual_school_staff  | home             | list search            | identity
virtual_school_head virtual_school_staff  | home             | read                   | {RECORD}
virtual_school_head virtual_school_staff  | home             | update                 | education plan plan_pep
virtual_school_head                       | home             | export                 | {RECORD}
virtual_school_head virtual_school_staff  | host school      | list search            | identity
virtual_school_head virtual_school_staff  | host school      | read                   | {BUT_HEALTH}
virtual_school_head virtual_school_staff  | home host school | aggregate              | aggregates school_aggregates
virtual_school_head virtual_school_staff  | federation       | aggregate              | aggregates
virtual_school_head                       | named_child      | read                   | {RECORD}
virtual_school_head                       | emergency        | read                   | identity care education
virtual_school_head                       | previously_here  | aggregate              | aggregates
virtual_school_head                       | in_need_here kinship_here | aggregate     | aggregates
designated_teacher                        | school           | list search            | identity
designated_teacher                        | school           | read                   | identity education plan_pep
designated_teacher                        | school           | aggregate              | aggregates school_aggregates
designated_teacher                        | home host federation | aggregate          | aggregates
director_of_childrens_services            | home             | aggregate              | aggregates school_aggregates
director_of_childrens_services            | host federation  | aggregate              | aggregates
regional_director                         | home             | aggregate              | aggregates school_aggregates
regional_director                         | host federation  | aggregate              | aggregates
academy_trust                             | school           | aggregate              | aggregates school_aggregates
academy_trust                             | federation       | aggregate              | aggregates
authority_inspector                       | home             | aggregate              | aggregates school_aggregates
school_inspector                          | school           | aggregate              | aggregates school_aggregates
school_inspector                          | home             | aggregate              | aggregates
authority_inspector school_inspector      | federation       | aggregate              | aggregates
social_worker carer_facing_staff          | named_child      | read                   | {RECORD}
node_administrator                        | own_organisation | administer             | service register
researcher dfe_analyst ofsted             | federation       | submit sign            | manifest
researcher dfe_analyst ofsted             | federation       | aggregate              | aggregates
researcher dfe_analyst ofsted             | own_organisation | list read              | manifest
ig_officer                                | own_organisation | audit export           | audit_log
ig_officer                                | home             | audit                  | audit_log
ig_officer approver                       | federation       | list read approve sign | manifest
output_checker                            | federation       | read                   | manifest
output_checker                            | federation       | aggregate approve      | aggregates
hub_operator                              | federation       | list                   | manifest
hub_operator                              | federation       | administer             | register
hub_operator                              | own_organisation | administer             | service
node                                      | federation       | answer                 | manifest
node                                      | federation       | aggregate              | aggregates
node                                      | federation       | read                   | register
"""


def read_rights(text: str) -> frozenset[tuple[str, str, str, str]]:
    """Every combination that the compact table allows."""
    rights: set[tuple[str, str, str, str]] = set()
    for line in text.strip().splitlines():
        roles, relations, actions, groups = (column.split() for column in line.split("|"))
        rights.update(product(roles, relations, actions, groups))
    return frozenset(rights)


ALLOWED = read_rights(RIGHTS)


@pytest.fixture(scope="module")
def policy() -> AccessPolicy:
    return AccessPolicy.load()


def is_allowed(policy: AccessPolicy, *values: str) -> bool:
    """Whether the policy lets a request pass; a denial for any reason but the rules counts as a wrong yes."""
    try:
        policy.check(AccessRequest(*values))
    except AccessDenied as denial:
        return denial.code is not DenialCode.NOT_PERMITTED
    return True


@pytest.mark.parametrize("role", Role)
def test_each_role_has_exactly_the_rights_of_the_table(policy: AccessPolicy, role: Role) -> None:
    """Both sides of the matrix: nothing in the table is refused, and nothing outside it is allowed."""
    everything = product([role.value], Relation, Action, FieldGroup)
    allowed = {request for request in everything if is_allowed(policy, *request)}
    assert allowed == {request for request in ALLOWED if request[0] == role}


@pytest.mark.parametrize(
    ("role", "reason"),
    [
        ("node_administrator", "keeps the machine, not the children"),
        ("researcher", "asks approved questions"),
        ("dfe_analyst", "asks approved questions"),
        ("ofsted", "asks approved questions"),
        ("ig_officer", "reads the log, not the record"),
        ("approver", "reads the manifest"),
        ("output_checker", "reads the protected table"),
        ("hub_operator", "carries envelopes"),
        ("node", "answers, and is asked for records only on behalf of a person"),
        ("director_of_childrens_services", "sees safe aggregates"),
        ("regional_director", "sees safe aggregates"),
        ("academy_trust", "sees safe aggregates"),
        ("authority_inspector", "sees safe aggregates"),
        ("school_inspector", "sees safe aggregates"),
    ],
)
def test_these_roles_have_no_pupil_data(policy: AccessPolicy, role: str, reason: str) -> None:
    """The rows of the design that say "no pupil data" or "safe aggregates" mean every group of a child's record."""
    for request in product([role], Relation, Action, CHILD_RECORD):
        assert not is_allowed(policy, *request), reason


@pytest.mark.parametrize("role", sorted(NO_PUPIL_DATA))
def test_a_careless_allow_for_these_roles_is_refused(policy_file: PolicyFile, role: str) -> None:
    """An authority that adds an allow line to its copy of the matrix is told why the line cannot be."""
    with pytest.raises(PolicyInvalid, match="this role has no pupil data"):
        AccessPolicy.load(policy_file(append=f"p, {role}, home, read, identity, allow"))


def test_every_word_of_the_vocabulary_is_used(policy: AccessPolicy) -> None:
    """No role, relation, action or field group stands in the code without a right that needs it."""
    used = [set(column) for column in zip(*ALLOWED, strict=True)]
    assert used == [set(Role), set(Relation), set(Action), set(FieldGroup)]


def test_every_word_of_the_vocabulary_is_explained() -> None:
    """Each word has one line of meaning, for the pages that show a policy to an officer."""
    assert set(ROLE_MEANINGS) == set(Role)
    assert set(RELATION_MEANINGS) == set(Relation)
    assert set(ACTION_MEANINGS) == set(Action)
    assert set(FIELD_GROUP_MEANINGS) == set(FieldGroup)


def test_the_packaged_matrix_allows_nothing_by_wildcard(packaged_matrix: str) -> None:
    """Every right is a line that somebody wrote out; only denials speak of everything."""
    allows = {rule.values[:4] for rule in lint_policy(packaged_matrix, "matrix.csv") if rule.effect == "allow"}
    assert allows == ALLOWED

"""A row filter in the engine gives what deciding row by row gives: for random people, rows and policies."""

from dataclasses import astuple
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.row_filtering import RowFacts, filter_rows
from policies.access_policy import AccessDenied, AccessPolicy
from policies.names import CHILD_RECORD, Action, CareStatus, Relation, Role
from policies.sight import Asker, StandingOf, who_could_see

FACTS = RowFacts("home", "host", "school", "child", "status")
FIELDS = {str(group): (group, f"'{group} of ' || child") for group in CHILD_RECORD}

AUTHORITIES = st.sampled_from(["301", "302"])
SCHOOLS = st.sampled_from([100001, 100002])
CHILDREN = st.sampled_from(["aa", "bb", "cc"])
ROWS = st.builds(
    StandingOf, CHILDREN, AUTHORITIES, st.none() | AUTHORITIES, st.none() | SCHOOLS, st.sampled_from(CareStatus)
)
ASKERS = st.builds(
    Asker,
    st.just("somebody"),
    st.sampled_from([Role.VIRTUAL_SCHOOL_HEAD, Role.VIRTUAL_SCHOOL_STAFF, Role.DESIGNATED_TEACHER, Role.SOCIAL_WORKER]),
    AUTHORITIES,
    st.none() | SCHOOLS,
    st.frozensets(CHILDREN, max_size=2),
)

LINES = [
    f"p, {role}, {relation}, read, {group}, allow"
    for role, relation in (
        ("virtual_school_head", "home"),
        ("virtual_school_head", "host"),
        ("virtual_school_head", "named_child"),
        ("virtual_school_head", "previously_here"),
        ("virtual_school_staff", "host"),
        ("virtual_school_staff", "in_need_here"),
        ("virtual_school_staff", "kinship_here"),
        ("designated_teacher", "school"),
        ("social_worker", "named_child"),
    )
    for group in ("identity", "education", "health", "plan_pep")
] + ["p, *, host, *, health, deny", "p, *, *, *, education, deny"]
POLICIES = st.lists(st.sampled_from(LINES), min_size=3, max_size=14, unique=True)

PACKAGED = AccessPolicy.load()


def read_filtered(policy: AccessPolicy, asker: Asker, rows: list[StandingOf]) -> list[tuple[str | None, ...]]:
    """What the engine gives for a filtered query, row by row in their order; nothing where the policy gives nothing."""
    try:
        rule = policy.row_filter(asker.role, Action.READ, asker.authority, asker.school_urn, asker.named_children)
    except AccessDenied:
        return []
    filtered = filter_rows(rule, FACTS, FIELDS)
    with duckdb.connect(":memory:") as connection:
        connection.execute(
            "CREATE TABLE rows (place BIGINT, child TEXT, home TEXT, host TEXT, school BIGINT, status TEXT)"
        )
        if rows:
            placed = [(place, *astuple(row)) for place, row in enumerate(rows)]
            connection.executemany("INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?)", placed)
        sql = f"SELECT {filtered.columns} FROM rows WHERE {filtered.condition} ORDER BY place"
        return connection.execute(sql, filtered.parameters).fetchall()


def read_row_by_row(policy: AccessPolicy, asker: Asker, rows: list[StandingOf]) -> list[tuple[str | None, ...]]:
    """The same by asking Casbin about each row and field group."""
    answer = []
    for row in rows:
        sights = [sight for sight in who_could_see(policy, row, (asker,)) if sight.action is Action.READ]
        permitted = {group for sight in sights for group in sight.field_groups}
        if permitted:
            answer.append(tuple(f"{group} of {row.child}" if group in permitted else None for group in CHILD_RECORD))
    return answer


@settings(max_examples=12, derandomize=True, deadline=None)
@given(asker=ASKERS, rows=st.lists(ROWS, max_size=8), lines=POLICIES)
def test_filter_equals_row_by_row_decision(
    tmp_path_factory: pytest.TempPathFactory, asker: Asker, rows: list[StandingOf], lines: list[str]
) -> None:
    path = tmp_path_factory.mktemp("own") / "policy.csv"
    path.write_text("\n".join(lines))
    policy = AccessPolicy.load(path)
    assert read_filtered(policy, asker, rows) == read_row_by_row(policy, asker, rows)


@settings(max_examples=12, derandomize=True, deadline=None)
@given(asker=ASKERS, rows=st.lists(ROWS, max_size=8))
def test_filter_equals_row_by_row_decision_under_the_packaged_policy(asker: Asker, rows: list[StandingOf]) -> None:
    assert read_filtered(PACKAGED, asker, rows) == read_row_by_row(PACKAGED, asker, rows)


def test_the_comparison_sees_rows_of_every_kind() -> None:
    """The property would be empty if no asker ever saw a row, or all of it."""
    rows = [StandingOf("aa", "301", "302", 100001), StandingOf("bb", "302", "301", 100002)]
    head = Asker("head", Role.VIRTUAL_SCHOOL_HEAD, "301")
    own, hosted = read_filtered(PACKAGED, head, rows)
    assert None not in own
    assert hosted.count(None) == 1


def test_a_child_of_ours_who_is_educated_here_is_not_read_as_anothers(tmp_path: Path) -> None:
    (tmp_path / "policy.csv").write_text("p, virtual_school_head, host, read, identity, allow\n")
    policy, head = AccessPolicy.load(tmp_path / "policy.csv"), Asker("head", Role.VIRTUAL_SCHOOL_HEAD, "301")
    ours, theirs = StandingOf("aa", "301", "301", 100001), StandingOf("bb", "302", "301", 100001)
    found = read_filtered(policy, head, [ours, theirs])
    assert [row[0] for row in found] == ["identity of bb"]


def test_what_is_not_known_of_a_row_lets_it_through_for_nobody() -> None:
    unknown = [StandingOf("aa", "202", None, None)]
    assert read_filtered(PACKAGED, Asker("head", Role.VIRTUAL_SCHOOL_HEAD, "301", 100001), unknown) == []


def test_every_relation_that_can_be_tested_has_a_condition() -> None:
    rule = PACKAGED.row_filter(Role.VIRTUAL_SCHOOL_HEAD, Action.READ, "301", 100001, frozenset({"aa"}))
    every = {relation: frozenset({CHILD_RECORD[0]}) for relation in rule.testable_relations(100001, frozenset({"aa"}))}
    filtered = filter_rows(type(rule)(rule.role, rule.action, "301", 100001, frozenset({"aa"}), every), FACTS, FIELDS)
    assert filtered.condition.count("WHEN") == len(every)
    no_rows = {Relation.OWN_ORGANISATION, Relation.FEDERATION, Relation.EMERGENCY}
    assert set(every) == {*Relation} - no_rows

"""What a change of policy comes to: the sentences an officer reads, and the rights behind them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.access_policy import AccessDenied, AccessPolicy, AccessRequest
from policies.changes import compare_policies
from policies.linter import lint_policy
from policies.names import Action, FieldGroup, Relation, Role
from policies.rules import Effect, Right, Rule, list_rights


def rules(text: str) -> tuple[Rule, ...]:
    return lint_policy(text, "policy.csv")


KEPT = "p, virtual_school_head, home, read, identity, allow\n"

SENTENCES = [
    pytest.param(
        KEPT,
        KEPT
        + "p, virtual_school_head, host, read, health, allow\n"
        + "p, virtual_school_staff, host, read, health, allow\n"
        + "p, designated_teacher, school, read, health, allow\n",
        (
            "After this change 2 roles can read health (health checks and the strengths and difficulties score) of: "
            "children in the care of another authority who are educated in the asker's authority; "
            "they could not before: virtual school head, virtual school staff.",
            "After this change 1 role can read health (health checks and the strengths and difficulties score) of: "
            "children in care on roll at the asker's own school or schools; they could not before: designated teacher.",
        ),
        id="more may read health",
    ),
    pytest.param(
        KEPT,
        KEPT + "p, *, *, *, identity, deny\n",
        (
            "After this change 1 role can no longer read identity (names, dates of birth, identifiers and school) of: "
            "children in the care of the asker's authority, wherever educated; they could before: virtual school head.",
        ),
        id="a denial of everything",
    ),
    pytest.param(
        KEPT,
        "# the same in other words\n" + KEPT + "p, virtual_school_head, home, read, care, deny\n",
        ("After this change everybody can do exactly what they could before.",),
        id="a denial of what nobody could do",
    ),
]


@pytest.mark.parametrize(("before", "after", "sentences"), SENTENCES)
def test_a_change_is_told_in_plain_words(before: str, after: str, sentences: tuple[str, ...]) -> None:
    assert compare_policies(rules(before), rules(after)).sentences() == sentences


def test_what_is_gained_one_way_is_lost_the_other(packaged_matrix: str) -> None:
    packaged, bare = rules(packaged_matrix), rules(KEPT)
    there, back = compare_policies(bare, packaged), compare_policies(packaged, bare)
    assert there.gained == back.lost
    assert there.gained
    assert not there.lost


WORDS = (
    st.sampled_from(["virtual_school_head", "designated_teacher", "*"]),
    st.sampled_from(["home", "host", "school", "*"]),
    st.sampled_from(["read", "list", "*"]),
    st.sampled_from(["identity", "health", "*"]),
    st.sampled_from(["allow", "deny"]),
)


@settings(max_examples=15, derandomize=True, deadline=None)
@given(st.lists(st.tuples(*WORDS), min_size=1, max_size=6, unique=True))
def test_rights_read_as_a_set_are_what_casbin_decides(
    tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[str, ...]]
) -> None:
    """The comparison may not be of another policy than the one that is enforced."""
    written = [line for line in lines if line[4] == "deny" or "*" not in line]
    written = [line for line in written if line[4] == "deny" or line[:2] not in TEACHER_BEYOND_SCHOOL]
    written.append(("node", "federation", "answer", "manifest", "allow"))
    path = tmp_path_factory.mktemp("policy") / "policy.csv"
    path.write_text("".join(f"p, {', '.join(line)}\n" for line in written))
    policy, rights = AccessPolicy.load(path), list_rights(rules(path.read_text()))
    for role in (Role.VIRTUAL_SCHOOL_HEAD, Role.DESIGNATED_TEACHER):
        for relation in (Relation.HOME, Relation.HOST, Relation.SCHOOL):
            for action in (Action.READ, Action.LIST):
                for group in (FieldGroup.IDENTITY, FieldGroup.HEALTH):
                    right = Right(role, relation, action, group)
                    assert (right in rights) is is_allowed(policy, right)


TEACHER_BEYOND_SCHOOL = {("designated_teacher", "home"), ("designated_teacher", "host")}
"""Lines that the linter refuses: they would break a promise."""


def is_allowed(policy: AccessPolicy, right: Right) -> bool:
    try:
        policy.check(AccessRequest(right.role, right.relation, right.action, right.field_group))
    except AccessDenied:
        return False
    return True


def test_a_rule_speaks_of_every_word_its_star_stands_for() -> None:
    everything = set(Rule("*", "*", "*", "*", Effect.DENY).rights())
    assert len(everything) == len(Role) * len(Relation) * len(Action) * len(FieldGroup)

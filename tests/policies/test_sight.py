"""Who could see one child's record, and why: by the same policy, and by the same relations, as every decision."""

import pytest

from policies.access_policy import AccessPolicy
from policies.names import CHILD_RECORD, Action, CareStatus, FieldGroup, Relation, Role
from policies.sight import Asker, StandingOf, who_could_see

POLICY = AccessPolicy.load()
CHILD = StandingOf("token", home_authority="301", host_authority="936", school_urn=100001)

HOME_HEAD = Asker("Ada", Role.VIRTUAL_SCHOOL_HEAD, "301")
HOST_HEAD = Asker("Ben", Role.VIRTUAL_SCHOOL_HEAD, "936")
OTHER_HEAD = Asker("Cem", Role.VIRTUAL_SCHOOL_HEAD, "202")
TEACHER = Asker("Dee", Role.DESIGNATED_TEACHER, "936", school_urn=100001)
WORKER = Asker("Eve", Role.SOCIAL_WORKER, "301", named_children=frozenset({"token"}))
OFFICER = Asker("Fay", Role.IG_OFFICER, "301")
EVERYBODY = (HOME_HEAD, HOST_HEAD, OTHER_HEAD, TEACHER, WORKER, OFFICER)


def reads(child: StandingOf) -> dict[str, tuple[Relation, set[FieldGroup]]]:
    return {
        sight.asker.name: (sight.relation, set(sight.field_groups))
        for sight in who_could_see(POLICY, child, EVERYBODY)
        if sight.action is Action.READ
    }


def test_everybody_who_could_read_a_child_placed_elsewhere() -> None:
    """The home head everything, the host head all but health, the teacher the PEP, the worker their one child."""
    assert reads(CHILD) == {
        "Ada": (Relation.HOME, set(CHILD_RECORD)),
        "Ben": (Relation.HOST, set(CHILD_RECORD) - {FieldGroup.HEALTH}),
        "Dee": (Relation.SCHOOL, {FieldGroup.IDENTITY, FieldGroup.EDUCATION, FieldGroup.PLAN_PEP}),
        "Eve": (Relation.NAMED_CHILD, set(CHILD_RECORD)),
    }


def test_a_child_educated_in_their_own_authority_is_in_nobody_elses_care() -> None:
    """What home takes away of its own children is not given back by what a host reads of others'."""
    here = StandingOf("token", home_authority="301", host_authority="301", school_urn=100001)
    assert HOME_HEAD.relations_to(here) == (Relation.HOME,)
    assert "Ben" not in reads(here)


def test_only_the_home_authority_could_update() -> None:
    updates = {s.asker.name for s in who_could_see(POLICY, CHILD, EVERYBODY) if s.action is Action.UPDATE}
    assert updates == {"Ada"}


@pytest.mark.parametrize(
    ("status", "relation"),
    [
        (CareStatus.PREVIOUSLY_LOOKED_AFTER, Relation.PREVIOUSLY_HERE),
        (CareStatus.CHILD_IN_NEED, Relation.IN_NEED_HERE),
        (CareStatus.KINSHIP, Relation.KINSHIP_HERE),
    ],
)
def test_whoever_is_not_in_care_is_seen_by_nobody_here_unless_the_authority_says_so(
    status: CareStatus, relation: Relation, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The duty follows the school's area; the packaged policy gives it safe aggregates, and a line gives it more."""
    child = StandingOf("other", "202", "936", 100001, status)
    assert HOST_HEAD.relations_to(child) == (relation,)
    assert Relation.SCHOOL not in TEACHER.relations_to(child)
    assert "Ben" not in reads(child)
    path = tmp_path_factory.mktemp("own") / "policy.csv"
    path.write_text(f"p, virtual_school_head, {relation}, read, education, allow\n")
    (sight,) = who_could_see(AccessPolicy.load(path), child, EVERYBODY)
    assert (sight.asker.name, sight.relation, sight.field_groups) == ("Ben", relation, (FieldGroup.EDUCATION,))


def test_an_asker_without_an_authority_stands_to_nobody() -> None:
    """An empty code equals an empty code; it makes no relation."""
    nowhere = Asker("Nil", Role.VIRTUAL_SCHOOL_HEAD, "")
    assert nowhere.relations_to(StandingOf("x", "", "", None)) == ()


def test_the_reason_is_given_in_words() -> None:
    sentences = [sight.sentence() for sight in who_could_see(POLICY, CHILD, (TEACHER,))]
    assert sentences[-1] == (
        "Dee (designated_teacher) could read identity, education, plan_pep, because this is one of the "
        "children in care on roll at the asker's own school or schools"
    )

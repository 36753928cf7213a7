"""Earlier tables in groups, where all of them overlap in too many ways to be looked at together."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, combinations

import pytest

from disclosure_control.linked import gathering, ties
from disclosure_control.linked.children import facts
from disclosure_control.linked.children.overlaps import is_within, meet, overlap
from disclosure_control.linked.children.parts import MOST_PARTS, TooTangled
from disclosure_control.linked.figures import worth
from disclosure_control.linked.gathering import gather
from disclosure_control.linked.ties import tell_together
from disclosure_control.presets.shipped import load_preset
from disclosure_control.rows.protection import protect
from disclosure_control.rows.secondary import Neighbours
from disclosure_control.symbols import Symbol
from federation.manifest import Path
from federation.plans import derive_plan
from query_engine.planning import region
from query_engine.planning.plan import QueryPlan
from query_engine.questions import load_questions
from query_engine.tables import RawTable
from tests.disclosure_control.linked.test_linked import ALL, BY_SEX, CHILDREN, C, table

PAPER = [each.sql for each in load_questions()]

MOST_GROUPS = {10: 6, 13: 16, 19: 14, 20: 19}
"""How many groups the earlier questions of the policy paper make, by how many are asked: each takes a node time."""


def plans_of(questions: Sequence[str]) -> list[QueryPlan]:
    """The plans of questions that rows of authorities answer."""
    return [derive_plan(each, Path.PER_AUTHORITY) for each in questions]


def test_what_can_be_looked_at_all_at_once_is_one_group() -> None:
    assert gather([], plans_of(PAPER)[0]) == ((),)
    assert gather(plans_of(PAPER)[:5], plans_of(PAPER)[5]) == ((0, 1, 2, 3, 4),)


def test_one_question_over_several_rosters_is_in_groups_as_it_is_once() -> None:
    """England and a region are asked alike, so that they are in every group that either is in."""
    *earlier, newest = plans_of(PAPER[:10])
    once = gather(earlier, newest)
    assert len(once) > 1
    assert gather([*earlier, *earlier], newest) == tuple(
        (*group, *(number + len(earlier) for number in group)) for group in once
    )


def test_whether_two_are_tied_is_worked_out_once_whichever_is_named_first(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Sequence[QueryPlan]] = []

    def ask(plans: Sequence[QueryPlan]) -> object:
        asked.append(plans)
        raise TooTangled

    monkeypatch.setattr(ties, "_ask", ask)
    one, other = (derive_plan(f"{ALL} AND age > {years}", Path.PER_AUTHORITY) for years in (4, 7))
    ties._are_tied.cache_clear()
    assert ties.are_tied(one, other)
    assert ties.are_tied(other, one)
    ties._are_tied.cache_clear()  # What was said here is for no other test.
    assert len(asked) == 1


@pytest.mark.parametrize("asked", [10, 13, 19, 20])
def test_the_questions_of_the_policy_paper_can_be_asked_one_after_the_other(asked: int) -> None:
    """Each earlier one is in a group, with every other that has to be there, and each group can be linked."""
    *earlier, newest = plans_of(PAPER[:asked])
    earlier = [each for each in earlier if each.academic_years == newest.academic_years]
    groups = gather(earlier, newest)
    assert set(chain(*groups)) == set(range(len(earlier)))
    assert 1 < len(groups) <= MOST_GROUPS[asked]
    together = {pair for group in groups for pair in combinations(group, 2)}
    for one, other in combinations(range(len(earlier)), 2):
        plans = (earlier[one], earlier[other], newest)
        assert (
            (one, other) in together
            or not tell_together(*plans)
            or not gathering._fit(plans, id(newest.governed), MOST_PARTS)
        )
    for group in groups:
        assert gathering._fit((*(earlier[each] for each in group), newest), id(newest.governed), MOST_PARTS)


def test_what_has_most_to_do_with_the_newest_is_looked_at_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that name its columns, of four; the others are by conditions of their own."""
    monkeypatch.setattr(gathering, "MOST_TOGETHER", 4)
    monkeypatch.setattr(gathering, "MOST_IN_GROUP", 4)
    asked = ["uasc", "age > 15", "pep_on_time", "age > 12"]
    groups = gather(plans_of([f"{ALL} AND {each}" for each in asked]), *plans_of([f"{ALL} AND age > 9"]))
    assert (1, 3) in groups
    assert set(chain(*groups)) == {0, 1, 2, 3}


BOYS = f"{ALL} AND sex = 'M'"
BY_UASC = f"SELECT uasc, COUNT(*) AS n {CHILDREN} AND sdq_returned GROUP BY uasc"
BY_YEAR_GROUP = f"SELECT year_group, COUNT(*) AS n {CHILDREN} GROUP BY year_group"


def test_two_that_tell_with_the_newest_are_together_whatever_else_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 43 boys 20 came alone, and of the others 20 had a plan on time: 3 had none. What else was asked names more of
    what the newest is about than all boys do, and would leave no room for those.
    """
    monkeypatch.setattr(gathering, "MOST_TOGETHER", 12)
    monkeypatch.setattr(gathering, "MOST_IN_GROUP", 12)
    padding = [f"{BOYS} AND sdq_returned", f"{ALL} AND pep_on_time AND persistent_absentee"]
    earlier = [table(BOYS, 43), table(f"{BOYS} AND uasc", 20), *(table(each, 30) for each in padding)]
    named = tuple(replace(each, name=f"R-{number}") for number, each in enumerate(earlier))
    newest = counted(f"{BOYS} AND NOT uasc AND pep_on_time", 20)
    groups = gather([each.plan for each in named], newest.plan)
    assert len(groups) > 1
    assert any({0, 1} <= set(group) for group in groups)
    assert protect(newest, load_preset("dfe_cla"), Neighbours(named)).rows == ((Symbol.CONFIDENTIAL,),)


@pytest.mark.parametrize(
    ("one", "other", "newest", "is_so"),
    [
        # Conditions that have nothing to do with each other, and such that have, among whom the third is about.
        (f"{ALL} AND uasc", f"{ALL} AND pep_on_time", f"{ALL} AND sdq_returned", False),
        (BOYS, f"{BOYS} AND uasc", f"{BOYS} AND NOT uasc AND pep_on_time", True),
        (f"{BOYS} AND uasc", f"{BOYS} AND pep_on_time", BOYS, False),
        (f"{BOYS} AND uasc", f"{BOYS} AND NOT uasc AND pep_on_time", BOYS, True),
        # By columns that another names, or that something is known of beside those.
        (BY_UASC, BOYS, f"{BOYS} AND engmath_94", False),
        (BY_UASC, BOYS, f"{BOYS} AND uasc", True),
        (BY_YEAR_GROUP, BOYS, f"{BOYS} AND age > 9", True),
        # By rows of other tables, of which some children have several.
        (BY_SEX.replace("child_year", "placements"), f"{ALL} AND uasc", f"{BOYS} AND uasc", True),
    ],
)
def test_which_two_tell_with_a_third(one: str, other: str, newest: str, *, is_so: bool) -> None:
    assert tell_together(*plans_of([one, other, newest])) is is_so


def test_what_is_too_tangled_to_tell_is_taken_to_be_tied(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = plans_of([f"{ALL} AND uasc", f"{ALL} AND pep_on_time", f"{ALL} AND engmath_94"])
    monkeypatch.setattr(ties, "MOST_COMBINED", 1)
    assert ties._are_tied.__wrapped__(*asked[:2], 0)
    monkeypatch.setattr(ties, "count_all", raise_tangled)
    assert ties._are_tied.__wrapped__(*asked[:2], 0)
    assert ties.parts_beside(*asked[:2]) is None


def raise_tangled(_: Sequence[QueryPlan]) -> None:
    """What is too tangled to count."""
    raise TooTangled


def counted(sql: str, *counts: int) -> RawTable:
    """The exact figures of one count."""
    plan = derive_plan(sql, Path.PER_AUTHORITY)
    return RawTable(plan, {each.name: counts for each in plan.statistics})


def test_a_table_is_protected_beside_every_group(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 53 children 50 are boys, and c girls. What is in the other group has nothing to do with that."""
    monkeypatch.setattr(gathering, "MOST_TOGETHER", 1)
    monkeypatch.setattr(gathering, "MOST_IN_GROUP", 1)
    earlier = (table(f"{ALL} AND uasc", 20), table(BY_SEX, 50, C), table(f"{ALL} AND pep_on_time", 30))
    everybody, preset = counted(ALL, 53), load_preset("dfe_cla")
    first, *groups = Neighbours(earlier).groups(everybody.plan)
    assert first == ()
    assert sorted(len(each) for each in groups) == [2, 2]
    assert protect(everybody, preset, Neighbours(earlier[:1])).rows == ((53,),)
    assert protect(everybody, preset, Neighbours(earlier)).rows == ((Symbol.CONFIDENTIAL,),)


def test_a_table_is_protected_by_itself_first() -> None:
    """A child who is counted knows of few others; with other tables beside it, the cells that tell so are cut up."""
    assert Neighbours().groups(plans_of([BY_SEX])[0]) == ((),)
    assert Neighbours((table(ALL, 53),)).groups(plans_of([BY_SEX])[0])[0] == ()


def test_of_what_is_too_tangled_together_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody can meet both, neither is within the other, and what is true of everybody adds nothing."""
    asked = [f"{ALL} AND (age = 9 OR uasc)", f"{ALL} AND (age = 3 OR sex = 'U')"]
    one, other = (plan.where for plan in plans_of(asked))
    assert facts._add_all.__wrapped__(one, (other,)) == region.intersect(one, other) != one
    either = plans_of([f"{ALL} AND (age = 9 AND uasc OR age = 3 AND sex = 'U')"])[0].where
    assert worth._project.__wrapped__(either, "age") not in (True, False)
    monkeypatch.setattr(region, "SIZE_LIMIT", 1)
    assert overlap.__wrapped__(one, other)
    assert not is_within.__wrapped__(one, other)
    assert facts._add_all.__wrapped__(one, (other,)) == meet.__wrapped__(one, other) == one
    assert worth._project.__wrapped__(either, "age") is True

"""Rewrites: proposed where a table would mostly be withheld, better than it, sound, and told in a sentence."""

import pytest

from disclosure_control.foreseen.expectation import foresee
from disclosure_control.foreseen.rewrites import MOSTLY, propose_rewrites
from disclosure_control.presets.shipped import load_preset
from query_engine.planning.plan import QueryPlan
from query_engine.question import read_question

WHERE = "counted_here AND academic_year = 202425 AND population = 'looked_after'"
PRESET = load_preset("opensafely")


def plan(selected: str, by: str, where: str = WHERE) -> QueryPlan:
    return read_question(f"SELECT {selected} FROM child_year WHERE {where} GROUP BY {by}").plan


CASES = [
    ("leave need out", plan("need, ethnicity_major, COUNT(*) AS n", "need, ethnicity_major")),
    ("pool three years (academic_year BETWEEN 202223 AND 202425)", plan("sex, AVG(engmath_94) AS x", "sex")),
    ("drop the condition that uasc is yes", plan("age, sex, COUNT(*) AS n", "age, sex", f"{WHERE} AND uasc")),
    ("in bands (", plan("age, AVG(persistent_absentee) AS x", "age")),
    ("and take the rest together", plan("need, AVG(uasc) AS x", "need")),
]


@pytest.mark.parametrize(("text", "of"), CASES, ids=[case[0] for case in CASES])
def test_a_rewrite_of_each_kind_is_proposed(text: str, of: QueryPlan) -> None:
    """With the share that would be withheld then, which is what its own plan is expected to."""
    now = foresee(of, PRESET)
    assert now is not None
    assert now.withheld > MOSTLY
    found = propose_rewrites(of, PRESET)
    assert 1 <= len(found) <= 3
    assert any(text in each.text for each in found), [each.in_words for each in found]
    for each in found:
        assert each.expectation == foresee(each.plan, PRESET)
        assert each.expectation.withheld < now.withheld
        assert each.in_words == f"{each.text}: {each.expectation.in_words} withheld"


def test_the_best_comes_first() -> None:
    shares = [each.expectation.withheld for each in propose_rewrites(CASES[0][1], PRESET)]
    assert [round(share, 2) for share in shares] == sorted(round(share, 2) for share in shares)


def test_a_table_that_is_mostly_shown_is_left_alone() -> None:
    assert propose_rewrites(plan("sex, COUNT(*) AS n", "sex"), PRESET) == ()


def test_years_are_pooled_only_where_they_can_be() -> None:
    of = plan("sex, AVG(engmath_94) AS x", "sex")
    assert any("pool" in each.text for each in propose_rewrites(of, PRESET))
    assert not any("pool" in each.text for each in propose_rewrites(of, PRESET, pool_years=False))


def test_a_filter_that_makes_the_question_sound_stays() -> None:
    """Children counted once, of one population, in care for a year."""
    of = plan("age, need, COUNT(*) AS n", "age, need", f"{WHERE} AND in_care_12_months AND uasc")
    texts = " ".join(each.text for each in propose_rewrites(of, PRESET))
    assert "condition that" not in texts.replace("condition that uasc", "")


def test_a_rewrite_that_a_guard_refuses_is_not_proposed() -> None:
    """Special schools apart from the rest: with that dimension out, unlike populations would stand side by side."""
    of = read_question(
        "SELECT social_care_group, school_type, sen_unit_or_resourced, sex, sen_primary_need, "
        "AVG(ks2_rwm_expected) AS x FROM pupil_year WHERE academic_year = 202425 "
        "GROUP BY social_care_group, school_type, sen_unit_or_resourced, sex, sen_primary_need"
    ).plan
    found = propose_rewrites(of, PRESET)
    assert found
    assert not any("school_type out" in each.text or "sen_unit_or_resourced out" in each.text for each in found)

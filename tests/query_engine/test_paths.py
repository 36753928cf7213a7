"""Which paths a plan may take, what speaks against the others, and which questions are about the same thing."""

from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import pytest

from query_engine.geography import load_authorities
from query_engine.planning.overflow import plan_bytes
from query_engine.planning.paths import (
    CONFLICTING,
    Path,
    check_path,
    check_reach,
    default_path,
    judge_path,
    judge_paths,
    measure_keys,
    plan_for_path,
)
from query_engine.planning.plan import QueryPlan
from query_engine.refusal import QueryRefused, RefusalCode

PlanOf = Callable[[str], QueryPlan]

C = RefusalCode
PER_TERM = "FROM (SELECT child, academic_year, COUNT(*) AS n FROM pep GROUP BY child, academic_year) AS p"
JOINED = "FROM child_year JOIN pep ON child_year.child = pep.child"

PATHS = [
    # asked                                                              path             code
    ("sex, COUNT(*) AS n FROM child_year GROUP BY sex", "noisy_sum", None),
    ("sex, COUNT(*) AS n FROM child_year GROUP BY sex", "exact_sum", None),
    ("sex, COUNT(*) AS n FROM child_year GROUP BY sex", "per_authority", None),
    ("home_region, COUNT(*) AS n FROM child_year GROUP BY home_region", "exact_sum", None),
    ("school_in_area, COUNT(*) AS n FROM child_year GROUP BY school_in_area", "exact_sum", None),
    ("host_region, COUNT(*) AS n FROM child_year WHERE home_region = 'London' GROUP BY 1", "exact_sum", None),
    # An exact sum tells no authority from another; under noise a host may be told.
    ("COUNT(*) AS n FROM child_year WHERE host_authority = '301'", "exact_sum", C.PATH_AUTHORITIES),
    ("host_authority, COUNT(*) AS n FROM child_year GROUP BY 1", "exact_sum", C.PATH_AUTHORITIES),
    ("COUNT(*) FILTER (WHERE host_authority = '301') AS n FROM child_year", "exact_sum", C.PATH_AUTHORITIES),
    ("COUNT(*) AS n FROM child_year WHERE school_in_area AND home_region = 'London'", "exact_sum", C.PATH_AUTHORITIES),
    ("home_region, SUM(placement_in_area) AS n FROM child_year GROUP BY 1", "exact_sum", C.PATH_AUTHORITIES),
    ("host_authority, COUNT(*) AS n FROM child_year GROUP BY 1", "noisy_sum", None),
    # The authority that answers is told by no sum, although the plan never groups by it.
    ("home_authority, COUNT(*) AS n FROM child_year GROUP BY 1", "exact_sum", C.PATH_AUTHORITIES),
    ("home_authority, COUNT(*) AS n FROM child_year GROUP BY 1", "noisy_sum", C.PATH_AUTHORITIES),
    ("home_authority, COUNT(*) AS n FROM child_year GROUP BY 1", "per_authority", None),
    # Noise hides a child of whom it is proved what they add.
    ("AVG(sdq_score) AS m FROM child_year", "noisy_sum", None),
    ("COUNT(DISTINCT child) AS n FROM placements", "noisy_sum", None),
    ("COUNT(*) AS n FROM placements", "noisy_sum", C.PATH_UNBOUNDED),
    ("SUM(cost) AS n FROM support", "noisy_sum", C.PATH_UNBOUNDED),
    (f"AVG(p.n) AS m {PER_TERM}", "noisy_sum", None),
    (f"COUNT(DISTINCT child_year.child) AS n {JOINED}", "noisy_sum", C.PATH_UNBOUNDED),
    (f"COUNT(DISTINCT child_year.child) AS n {JOINED}", "exact_sum", None),
    # A model is fitted from exact sums over all.
    ("FIT_LINEAR(sdq_score, age) AS m FROM child_year", "exact_sum", None),
    ("FIT_LOGISTIC(uasc, age) AS m FROM child_year", "noisy_sum", C.PATH_MODEL),
    ("FIT_POISSON(suspensions, age) AS m FROM child_year", "noisy_sum", C.PATH_MODEL),
    (
        "FIT_LINEAR(sdq_score, child_year.age) AS m FROM pep JOIN child_year USING (child, academic_year)",
        "noisy_sum",
        C.PATH_UNBOUNDED,
    ),
    ("FIT_LINEAR(sdq_score, age) AS m FROM child_year", "per_authority", C.PATH_MODEL),
]


@pytest.mark.parametrize(("asked", "path", "code"), PATHS)
def test_which_paths_a_plan_may_take(asked: str, path: Path, code: RefusalCode | None, plan_of: PlanOf) -> None:
    """And a plan that may not take a path is refused with the code and a sentence."""
    plan = plan_of(f"SELECT {asked}")
    if code is None:
        assert judge_path(plan, path).allowed
        assert plan_for_path(plan, path).path == path
        return
    for refuse in (check_path, plan_for_path):
        with pytest.raises(QueryRefused, match=f"cannot be answered by {path}: .*\\.$") as refused:
            refuse(plan, path)
        assert refused.value.code == code


def test_every_objection_to_a_path_has_a_case() -> None:
    """Reach is the case of a map that England has not: see below."""
    shown = {code for *_, code in PATHS if code is not None} | {C.PATH_REACH}
    assert shown == {each for each in RefusalCode if each.startswith("path_")}


def test_every_path_is_judged_in_order(plan_of: PlanOf) -> None:
    assert tuple(each.path for each in judge_paths(plan_of("SELECT COUNT(*) AS n FROM child_year"))) == get_args(Path)


# --- Reach ---------------------------------------------------------------------------------------------------------

LONDON = [code for code, each in load_authorities().items() if each.region == "London"]
EAST_MIDLANDS = [code for code, each in load_authorities().items() if each.region == "East Midlands"]


def test_a_cell_that_few_can_reach_is_no_exact_sum(plan_of: PlanOf, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every region has ten authorities today; the rule is there for the day when one has fewer."""
    plan = plan_of("SELECT COUNT(*) AS n FROM child_year WHERE home_region = 'East Midlands'")
    monkeypatch.setattr("query_engine.planning.paths.FEWEST_REACHING", len(EAST_MIDLANDS))
    assert judge_paths(plan)[1].allowed
    monkeypatch.setattr("query_engine.planning.paths.FEWEST_REACHING", len(EAST_MIDLANDS) + 1)
    with pytest.raises(QueryRefused, match="10 authorities alone, and needs 11") as refused:
        check_path(plan, "exact_sum")
    assert refused.value.code == C.PATH_REACH


def test_an_exact_sum_too_large_to_travel_with_its_capped_counts_is_refused(
    plan_of: PlanOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two statistics of one cell, and both once more, are 32 bytes; by any other path they are 16."""
    plan = plan_of("SELECT COUNT(*) AS n FROM child_year")
    monkeypatch.setattr("query_engine.planning.paths.BYTE_LIMIT", 32)
    assert plan_bytes(plan_for_path(plan, "exact_sum")) == 32
    monkeypatch.setattr("query_engine.planning.paths.BYTE_LIMIT", 31)
    assert [each.allowed for each in judge_paths(plan)] == [True, False, True]
    with pytest.raises(QueryRefused, match="would send 32 bytes, and may send 31") as refused:
        plan_for_path(plan, "exact_sum")
    assert refused.value.code == C.TOO_MANY_CELLS


def test_reach_is_counted_in_operators_of_the_roster(plan_of: PlanOf) -> None:
    """A roster of all England with five operators in London; then with four; then without London."""
    plan = plan_of("SELECT home_region, COUNT(*) AS n FROM child_year GROUP BY home_region")
    each_its_own = {code: f"operator-{code}" for code in load_authorities()}
    check_reach(plan, each_its_own)
    check_reach(plan, each_its_own | {code: f"shared-{place % 5}" for place, code in enumerate(LONDON)})
    with pytest.raises(QueryRefused, match="4 operators of the roster alone, and needs 5") as refused:
        check_reach(plan, each_its_own | {code: f"shared-{place % 4}" for place, code in enumerate(LONDON)})
    assert refused.value.code == C.PATH_REACH
    check_reach(plan, {code: each for code, each in each_its_own.items() if code not in LONDON})
    with pytest.raises(QueryRefused, match="2 operators"):
        check_reach(plan, {code: each for code, each in each_its_own.items() if code not in LONDON[2:]})


@pytest.mark.parametrize("condition", ["home_region <> 'London'", "home_region IN ('North East', 'South West')"])
def test_what_a_question_leaves_out_has_enough_operators_too(plan_of: PlanOf, condition: str) -> None:
    """England, less all of it but London, is London: with one authority there both are refused, not by cells alone."""
    plan = plan_of(f"SELECT sex, COUNT(*) AS n FROM child_year WHERE {condition} GROUP BY sex")
    each_its_own = {code: f"operator-{code}" for code in load_authorities()}
    check_reach(plan, each_its_own)
    check_reach(plan, {code: each for code, each in each_its_own.items() if code not in LONDON})
    for left in (1, 4):
        roster = {code: each for code, each in each_its_own.items() if code not in LONDON[left:]}
        with pytest.raises(QueryRefused, match=f"one of them has {left} operators") as refused:
            check_reach(plan, roster)
        assert refused.value.code == C.PATH_REACH
        check_reach(plan_of("SELECT sex, COUNT(*) AS n FROM child_year GROUP BY sex"), roster)


def test_the_figures_of_a_cell_are_reached_too(plan_of: PlanOf) -> None:
    """A FILTER reaches no further than its condition."""
    plan = plan_of("SELECT COUNT(*) AS n, COUNT(*) FILTER (WHERE home_region = 'London') AS london FROM child_year")
    with pytest.raises(QueryRefused, match="1 operators"):
        check_reach(plan, {code: "one" if code in LONDON else code for code in load_authorities()})


# --- Plans for paths -----------------------------------------------------------------------------------------------


def test_a_plan_has_an_id_for_each_path(plan_of: PlanOf) -> None:
    plan = plan_of("SELECT sex, COUNT(*) AS n FROM child_year GROUP BY sex")
    ids = {plan_for_path(plan, path).plan_id for path in get_args(Path)}
    assert len(ids) == 3
    assert plan.plan_id in ids


def test_under_noise_nothing_is_carried_that_no_figure_is_made_from(plan_of: PlanOf) -> None:
    """Children are counted to decide what is withheld, which noise does not."""
    plan = plan_of("SELECT COUNT(*) AS n, AVG(sdq_score) AS m FROM child_year")
    noisy = plan_for_path(plan, "noisy_sum")
    assert [each.name for each in noisy.statistics] == ["rows", "rows:sdq_score", "sum:sdq_score"]
    assert len(plan.statistics) == 6
    assert plan_for_path(plan, "exact_sum").statistics == plan.statistics
    assert plan_for_path(noisy, "noisy_sum") == noisy
    with pytest.raises(ValueError, match="the planner's own"):
        plan_for_path(noisy, "exact_sum")


# --- The one-path rule ---------------------------------------------------------------------------------------------

SAME = [
    ("a count and a count", "COUNT(*) AS n", "COUNT(DISTINCT child) AS n"),
    ("whatever it is grouped by", "sex, COUNT(*) AS n | GROUP BY sex", "age, COUNT(*) AS n | GROUP BY age"),
    ("a condition counted, and counted by", "SUM(engmath_94) AS n", "engmath_94, COUNT(*) AS n | GROUP BY 1"),
    ("a share and a sum", "AVG(engmath_94) AS n", "SUM(engmath_94) AS n"),
    ("a share and a count where it holds", "AVG(engmath_94) AS n", "COUNT(*) AS n | AND engmath_94"),
    ("a filter", "COUNT(*) FILTER (WHERE uasc) AS n", "COUNT(*) AS n"),
    ("a filter and its column", "COUNT(*) FILTER (WHERE uasc) AS n", "AVG(CASE WHEN uasc THEN 1 ELSE 0 END) AS n"),
    ("an average and a spread", "AVG(sdq_score) AS m", "STDDEV(sdq_score) AS s"),
    ("a correlation", "AVG(sdq_score) AS m", "CORR(months_in_care, sdq_score) AS r"),
    ("bins", "MEDIAN(sdq_score) AS m", "AVG(sdq_score) AS m"),
    ("a model", "FIT_LINEAR(sdq_score, age) AS m", "AVG(sdq_score) AS m"),
    ("a model and what it is fitted to", "FIT_LINEAR(sdq_score, age) AS m", "COUNT(*) AS n"),
]

APART = [
    ("two averages", "AVG(sdq_score) AS m", "AVG(attendance_rate) AS m"),
    ("an average and a count", "AVG(sdq_score) AS m", "COUNT(*) AS n"),
    ("an average and a count of others", "sex, AVG(sdq_score) AS m | GROUP BY 1", "sex, COUNT(*) AS n | GROUP BY 1"),
]


def asked(text: str, where: str = "academic_year = 202425") -> str:
    """A question of one year, of which the text may add to WHERE and GROUP BY after a bar."""
    items, _, tail = text.partition(" | ")
    return f"SELECT {items} FROM child_year WHERE {where} {tail}"


@pytest.mark.parametrize(("first", "second"), [case[1:] for case in SAME], ids=[case[0] for case in SAME])
def test_questions_about_the_same_thing_share_a_key(first: str, second: str, plan_of: PlanOf) -> None:
    """Of one year and population; of another year, or of populations that nobody is in both of, they share none."""
    plan, other = plan_of(asked(first)), plan_of(asked(second))
    assert measure_keys(plan) & measure_keys(other)
    assert not measure_keys(plan) & measure_keys(plan_of(asked(second, "academic_year = 202324")))
    leavers, looked_after = (
        f"academic_year = 202425 AND population = '{each}'" for each in ("care_leaver", "looked_after")
    )
    assert not measure_keys(plan_of(asked(first, leavers))) & measure_keys(plan_of(asked(second, looked_after)))
    assert measure_keys(plan_of(asked(first, leavers))) & measure_keys(other)


@pytest.mark.parametrize(("first", "second"), [case[1:] for case in APART], ids=[case[0] for case in APART])
def test_questions_about_other_things_share_none(first: str, second: str, plan_of: PlanOf) -> None:
    assert not measure_keys(plan_of(asked(first))) & measure_keys(plan_of(asked(second)))


def test_tables_do_not_keep_questions_apart(plan_of: PlanOf) -> None:
    """The children of the record are counted in all its tables, joined or not, and among all pupils."""
    children = measure_keys(plan_of("SELECT COUNT(*) AS n FROM child_year WHERE population = 'care_leaver'"))
    for other in ("COUNT(DISTINCT child) AS n FROM pep", f"COUNT(DISTINCT child_year.child) AS n {JOINED}"):
        assert children & measure_keys(plan_of(f"SELECT {other}"))
    assert children & measure_keys(plan_of("SELECT COUNT(*) AS n FROM pupil_year"))


def test_keys_do_not_depend_on_the_path(plan_of: PlanOf) -> None:
    plan = plan_of(asked("sex, COUNT(*) AS n, AVG(sdq_score) AS m | GROUP BY sex"))
    assert len({measure_keys(plan_for_path(plan, path)) for path in get_args(Path)}) == 1


def test_which_paths_go_together() -> None:
    """Either way round, and none with itself; exact sums go with nothing."""
    assert set(CONFLICTING) == set(get_args(Path))
    for path, others in CONFLICTING.items():
        assert path not in others
        assert all(path in CONFLICTING[other] for other in others)
    assert CONFLICTING["exact_sum"] == {"noisy_sum", "per_authority"}


def test_a_plan_remembers_that_its_asker_names_the_authority(plan_of: PlanOf) -> None:
    """By `per_authority` it is the same question: the column comes first in any case."""
    named = plan_of("SELECT home_authority, sex, COUNT(*) AS n FROM child_year GROUP BY 1, 2")
    plain = plan_of("SELECT sex, COUNT(*) AS n FROM child_year GROUP BY 1")
    assert (named.by_authority, plain.by_authority) == (True, False)
    assert named.plan_id == plain.plan_id
    assert named == replace(plain, by_authority=True)


DEFAULTS = [
    ("sex, COUNT(*) AS n FROM child_year GROUP BY sex", "noisy_sum", "no authority's own figures"),
    ("home_region, COUNT(*) AS n FROM child_year GROUP BY home_region", "noisy_sum", "no authority's own figures"),
    ("home_authority, COUNT(*) AS n FROM child_year GROUP BY 1", "per_authority", "a row for each home_authority"),
    # What may not go by the sum is not sent another way for that: it is refused, and its asker chooses.
    ("COUNT(*) AS n FROM placements", "noisy_sum", "no authority's own figures"),
]


@pytest.mark.parametrize(("asked", "path", "why"), DEFAULTS)
def test_a_question_leaves_by_the_path_that_shows_least(plan_of: PlanOf, asked: str, path: Path, why: str) -> None:
    assert default_path(plan_of(f"SELECT {asked}"))[0] == path
    assert why in default_path(plan_of(f"SELECT {asked}"))[1]

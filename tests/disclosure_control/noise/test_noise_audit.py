"""The audit of the noise: no mechanism lets out more than it claims, and one that did would be found out."""

import math
from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from typing import get_args

import pytest

from disclosure_control.noise.audit import Shift, audit_plan, bound_chance, bound_epsilon, bound_rho, list_shifts
from disclosure_control.noise.audited import MECHANISMS, plan_mechanism, plan_noised
from disclosure_control.noise.calibration import list_families
from disclosure_control.noise.kinds import LaplaceNoise, Noise, SkellamNoise
from disclosure_control.noise.rho import find_rho
from disclosure_control.noise.skellam import draw_skellam_shares
from disclosure_control.noise.terms import NoiseTerms
from query_engine.planning.plan import OutputKind, QueryPlan
from query_engine.query.model import Function
from tests.disclosure_control.noise.distributions import SeededBits
from tests.query_engine.example_counts import examples

DRAWS = max(1_000, examples(300))
"""Of fewer, the audit of what moves several figures comes to nothing, and would find no fault."""

TERMS = NoiseTerms("1", parties=8, dropouts=2, colluders=1)


CASES = [(name, absent) for name in MECHANISMS for absent in range(TERMS.dropouts + 1)]
"""Every mechanism at every level of dropout; a quick run has the highest, with the least noise, and counts at all."""

IS_QUICK = DRAWS < 10_000


@pytest.mark.parametrize(
    ("name", "absent"), [each for each in CASES if not IS_QUICK or each[0] == "count" or each[1] == TERMS.dropouts]
)
def test_no_mechanism_tells_more_than_it_claims(name: str, absent: int) -> None:
    """At every level of dropout within the tolerance, with every colluder telling; and the audit is no blank."""
    finding = audit_plan(plan_mechanism(name), TERMS, absent, DRAWS, SeededBits(absent))
    assert finding.found <= finding.claimed
    assert finding.found > least_found(name) * share_needed(absent)


def share_needed(absent: int) -> float:
    """What part of the noise that is there would be enough: the claim is of as many absent as may be."""
    parties = TERMS.parties - TERMS.colluders
    return (parties - TERMS.dropouts) / (parties - absent) if not IS_QUICK else 1.0


SPELT: Mapping[OutputKind, str] = {
    "count": "COUNT(*)",
    "distinct": "COUNT(DISTINCT child)",
    "model": "FIT_LINEAR(sdq_score, age)",
    "sum": "SUM(sdq_score * age)",
    "mean": "AVG(sdq_score)",
    "weighted_mean": "WEIGHTED_AVG(sdq_score, age)",
    "variance": "VAR_SAMP(sdq_score)",
    "variance_population": "VAR_POP(sdq_score)",
    "deviation": "STDDEV(sdq_score)",
    "deviation_population": "STDDEV_POP(sdq_score)",
    "covariance": "COVAR_SAMP(sdq_score, age)",
    "covariance_population": "COVAR_POP(sdq_score, age)",
    "correlation": "CORR(sdq_score, age)",
    "quantile": "MEDIAN(sdq_score)",
    **{each: f"{each.upper()}(sdq_score, age)" for each in get_args(Function) if each.startswith("regr_")},
}
"""Each figure of the language."""


def test_every_figure_of_the_language_is_made_as_one_that_is_audited_is() -> None:
    """Of no more families, and of each kind of statistic no more of them, than some mechanism that is audited."""
    assert SPELT.keys() == {"count", "distinct", "model", *get_args(Function)}
    audited = [kinds_of(plan_mechanism(name)) for name in MECHANISMS]
    for figure, written in SPELT.items():
        asked = kinds_of(plan_noised(f"SELECT {written} FROM child_year WHERE academic_year = 202425"))
        assert any(asked <= each for each in audited), figure


def kinds_of(plan: QueryPlan) -> Counter[str]:
    """How many families of each kind of statistic a plan has."""
    kinds = {each.name: each.kind for each in plan.statistics}
    return Counter(kinds[family[0]] for family in list_families(plan))


MANY_FIGURES = {"variance": 0.5, "children of many rows": 0.4, "line": 0.25, "model": 0.2}
"""What a deep run finds at least where one child moves three to five figures and no noise is spare: outcomes
in which all of them tell most are rare, and the rarer they are, the less is sure of their chance."""


def least_found(name: str) -> float:
    """What the audit comes to at least where no noise is spare: most of what is claimed, of draws enough to tell."""
    if not IS_QUICK:
        return MANY_FIGURES.get(name, 0.6)
    return 0.4 if name in ("count", "median") else 0.0


def test_noise_of_too_few_nodes_is_found_out() -> None:
    """Beyond the tolerance, where nothing is released: of 8 nodes 2 are left, and they make two fifths of the noise."""
    finding = audit_plan(plan_mechanism("count"), TERMS, absent=5, draws=2_500, bits=SeededBits(1))
    assert finding.found > finding.claimed


def test_noise_that_is_too_small_is_found_out() -> None:
    """A mechanism that forgets one of two families claims half of what it lets out."""
    both = list_shifts(plan_mechanism("average"), "1")
    wrong = [Shift(each.size, halved(each.noise)) for each in both]
    bits = SeededBits(2)
    noise = [each.noise.draw_shares(3_000, 1, bits) for each in wrong]
    outcomes = list(zip(*noise, strict=True))
    assert bound_epsilon(wrong, outcomes[:1_500], outcomes[1_500:]) > 1


def halved(noise: Noise) -> LaplaceNoise:
    assert isinstance(noise, LaplaceNoise)
    return LaplaceNoise(noise.scale / 2)


def test_no_noise_at_all_is_found_out() -> None:
    shift = [Shift(1, list_shifts(plan_mechanism("count"), "1")[0].noise)]
    nothing = [(0,)] * 2_000
    assert bound_epsilon(shift, nothing, nothing) > 4


@pytest.mark.parametrize(("hits", "draws"), [(5, 100), (1, 7), (50, 100), (450, 500), (99, 100)])
@pytest.mark.parametrize("tail", [0.025, 0.0025])
def test_intervals_of_clopper_and_pearson(hits: int, draws: int, tail: float) -> None:
    """At either end, what was seen or more of it is exactly so unlikely, by the binomial distribution itself."""
    low, high = bound_chance(hits, draws, tail)
    assert sum(binomial(k, draws, low) for k in range(hits, draws + 1)) == pytest.approx(tail, rel=1e-6)
    assert sum(binomial(k, draws, high) for k in range(hits + 1)) == pytest.approx(tail, rel=1e-6)


def binomial(k: int, draws: int, chance: float) -> float:
    return math.comb(draws, k) * chance**k * (1 - chance) ** (draws - k)


@pytest.mark.parametrize("draws", [1, 100])
def test_intervals_reach_the_ends(draws: int) -> None:
    none, every = bound_chance(0, draws, 0.025), bound_chance(draws, draws, 0.025)
    assert (none[0], every[1]) == (0.0, 1.0)
    assert (1 - none[1], every[0]) == pytest.approx((0.025 ** (1 / draws),) * 2)


def test_the_worst_child_moves_one_statistic_of_each_family() -> None:
    """An average is a count and a sum; a median is one bin, however many there are; a total is another grouping set."""
    found = {name: len(list_shifts(plan_mechanism(name), "1")) for name in MECHANISMS}
    losses = {name: sum(s.size / scale_of(s) for s in list_shifts(plan_mechanism(name), "1")) for name in MECHANISMS}
    assert (found["count"], found["total beside its parts"], found["average"], found["median"]) == (1, 2, 2, 1)
    assert set(losses.values()) == {1}


def scale_of(shift: Shift) -> Fraction:
    assert isinstance(shift.noise, LaplaceNoise)
    return shift.noise.scale


# --- Skellam noise ---------------------------------------------------------------------------------------------------

SKELLAM = NoiseTerms("5", parties=8, dropouts=2, colluders=1, mechanism="skellam")
"""At an epsilon for which one child can be told from some thousand draws."""

SKELLAM_DRAWS = max(1_000, examples(75))
SLOW = ("variance", "line", "model")
"""Mechanisms whose noise is not drawn fast enough for a quick run."""


def is_quick(name: str, absent: int) -> bool:
    return name == "count" or (name not in SLOW and absent == SKELLAM.dropouts)


@pytest.mark.parametrize(
    ("name", "absent"),
    [pytest.param(*each, marks=() if is_quick(*each) else pytest.mark.deep) for each in CASES],
)
def test_no_skellam_noise_tells_more_than_its_rho(name: str, absent: int) -> None:
    """At every level of dropout within the tolerance, with every colluder telling; and the audit is no blank."""
    draws = 3_000 if name == "count" else SKELLAM_DRAWS
    finding = audit_plan(plan_mechanism(name), SKELLAM, absent, draws, SeededBits(absent))
    assert finding.loss == "rho"
    assert finding.found <= finding.claimed
    assert finding.found > (0.1 * finding.claimed if draws >= 3_000 else 0)


def test_skellam_noise_of_too_few_nodes_is_found_out() -> None:
    """Beyond the tolerance, where nothing is released: of 8 nodes one is left, and makes a fifth of the noise."""
    finding = audit_plan(plan_mechanism("share"), SKELLAM, absent=6, draws=2_500, bits=SeededBits(1))
    assert finding.found > finding.claimed


def test_skellam_noise_that_is_too_small_is_found_out() -> None:
    """A mechanism that takes half of the standard deviation that it should."""
    right = list_shifts(plan_mechanism("share"), "5", "skellam")
    bits, draws = SeededBits(2), 3_000
    noise = [draw_skellam_shares(2 * draws, Fraction(variance_of(each), 4), 1, bits) for each in right]
    outcomes = list(zip(*noise, strict=True))
    assert bound_rho(right, outcomes[:draws], outcomes[draws:]) > find_rho(Fraction(5))


def variance_of(shift: Shift) -> int:
    assert isinstance(shift.noise, SkellamNoise)
    return shift.noise.variance

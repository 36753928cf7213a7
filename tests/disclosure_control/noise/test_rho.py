"""What Skellam noise lets out: the bound against the exact divergence, and what goes with an epsilon."""

import math
from fractions import Fraction

import numpy as np
import pytest

from disclosure_control.noise.calibration import calibrate, half_widths, spreads
from disclosure_control.noise.kinds import SkellamNoise
from disclosure_control.noise.rho import DELTA, find_rho, least_variance, lose
from disclosure_control.noise.terms import NoiseRefused, NoiseTerms, read_terms
from query_engine.planning.contributions import prove_contributions
from query_engine.planning.paths import plan_for_path
from tests.disclosure_control.drawn_releases import make_plan
from tests.disclosure_control.noise.distributions import skellam
from tests.disclosure_control.noise.test_calibration import noisy_plan

VARIANCES = (1, 2, 3, 11, 36, 129, 2_500)


def chances(variance: float) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """The distribution of Skellam noise, as far as it matters."""
    pmf, reach = skellam(variance), int(12 * math.sqrt(variance)) + 25
    return np.array([pmf(k) for k in range(-reach, reach + 1)])


def divergence(variance: float, moved: int, order: int) -> float:
    """The Renyi divergence of an order between the noise and the noise that has moved, summed up."""
    noise = chances(variance)
    here, there = noise[moved:], noise[: len(noise) - moved]
    kept = (here > 1e-290) & (there > 1e-290)
    logs = order * np.log(here[kept]) - (order - 1) * np.log(there[kept])
    return float(np.log(np.exp(logs - logs.max()).sum()) + logs.max()) / (order - 1)


@pytest.mark.parametrize("variance", VARIANCES)
@pytest.mark.parametrize("moved", [1, 2, 5])
def test_no_order_diverges_by_more_than_rho(variance: int, moved: int) -> None:
    """Of every whole order that numbers can be added up for; and of a greater variance, where more nodes answer."""
    if moved * moved > 4 * variance:
        pytest.skip("beyond what binary fractions can add up")
    rho = float(lose(moved, variance))
    for more in (1.0, 153 / 126):
        found = [divergence(variance * more, moved, order) / order for order in (2, 3, 4, 6, 8)]
        assert max(found) <= rho * (1 + 1e-9)
    assert divergence(variance, moved, 2) / 2 > 0.3 * rho


def test_rho_of_the_paper_by_hand() -> None:
    """One child in a count with a variance of 36: 1/72 and 5/5184, which is less than 3/144."""
    assert lose(1, 36) == Fraction(1, 72) + Fraction(5, 5184)
    assert lose(3, 1) == Fraction(9, 2) + Fraction(9, 4)  # 27/4 is more than 9/4
    assert lose(0, 5) == 0


@pytest.mark.parametrize("variance", VARIANCES)
def test_moves_in_several_figures_lose_no_more_than_one_by_their_sum(variance: int) -> None:
    """And where none is greater than some d, no more than as many by d as their sum has."""
    for first in range(1, 8):
        for second in range(1, 8):
            apart = lose(first, variance) + lose(second, variance)
            assert apart <= lose(first + second, variance)
            assert apart <= lose(first + second, variance, max(first, second))


@pytest.mark.parametrize("moved", [1, 4, 1_600, 810_000])
@pytest.mark.parametrize("rho", [Fraction(1, 10**6), Fraction(1, 67), Fraction(3)])
def test_the_least_variance_is_just_enough(moved: int, rho: Fraction) -> None:
    found = least_variance(moved, rho)
    assert lose(moved, found) <= rho
    assert found == 1 or lose(moved, found - 1) > rho


@pytest.mark.parametrize("epsilon", ["0.1", "0.5", "1", "5", "20"])
def test_rho_keeps_epsilon_but_for_delta(epsilon: str) -> None:
    """By an order that is looked for here; and with the next step more of rho by none."""
    rho = float(find_rho(Fraction(epsilon)))

    def least(rho: float) -> float:
        logs = (
            (a, (math.log(1 / DELTA) + (a - 1) * math.log1p(-1 / a) - math.log(a)) / (a - 1)) for a in range(2, 20_000)
        )
        return min(rho * a + left for a, left in logs)

    assert least(rho) <= float(epsilon) * (1 + 1e-9)
    assert least(rho * 1.001) > float(epsilon)


@pytest.mark.parametrize("epsilon", ["1", "5"])
def test_the_chance_beyond_epsilon_is_below_delta(epsilon: str) -> None:
    """Worked out from the distributions themselves, for one child in a count."""
    variance = least_variance(1, find_rho(Fraction(epsilon)))
    noise = chances(variance)
    here, there = noise[1:], noise[:-1]
    assert np.maximum(0, here - math.exp(float(epsilon)) * there).sum() <= DELTA


PLANS = ["sex, COUNT(*) AS n | GROUP BY ROLLUP (sex)", "AVG(sdq_score) AS m", "MEDIAN(sdq_score) AS m, COUNT(*) AS n"]


@pytest.mark.parametrize("asked", PLANS)
def test_what_the_worst_child_year_loses_is_the_rho_that_is_stated(asked: str) -> None:
    """In each set one statistic of each family, at worst: no more than epsilon allows, and nearly that."""
    plan = noisy_plan(asked)
    found = calibrate(plan, "1", "skellam")
    worst: dict[int, list[Fraction]] = {}
    for each in prove_contributions(plan):
        noise = found.noise[each.statistic, each.number]
        assert isinstance(noise, SkellamNoise)
        worst.setdefault(each.number, []).append(lose(each.most, noise.variance, each.each))
    losses = sum(max(of) for of in worst.values()) * found.families
    assert 0.9 * find_rho(Fraction(1)) < found.rho <= find_rho(Fraction(1))
    assert found.rho <= losses
    assert found.epsilon == 1
    assert found.delta == DELTA


def test_children_of_several_cells_cost_by_the_root_of_their_number() -> None:
    """One child in four cells of a count: four times the loss of one cell, not sixteen times."""
    plan = plan_for_path(make_plan("SELECT sex, COUNT(DISTINCT child) AS n FROM pep GROUP BY sex"), "noisy_sum")
    (noise,) = calibrate(plan, "1", "skellam").noise.values()
    assert isinstance(noise, SkellamNoise)
    assert 4 * lose(1, noise.variance) <= find_rho(Fraction(1)) < lose(4, noise.variance)


def test_many_sums_take_less_skellam_noise_than_laplace_noise() -> None:
    """As of a model; and one count takes more."""
    terms = [NoiseTerms("1", 153, 20, 7), NoiseTerms("1", 153, 20, 7, "skellam")]
    count = noisy_plan("COUNT(*) AS n")
    many = noisy_plan("FIT_LINEAR(sdq_score, age, sex, placements, months_in_care, key_stage) AS m | WHERE age < 18")
    laplace, skellam_ = (spreads(count, each, 153)[0]["rows"] for each in terms)
    assert laplace < skellam_
    laplace_sums, skellam_sums = (sum(spreads(many, each, 153)[0].values()) for each in terms)
    assert skellam_sums < 0.8 * laplace_sums


@pytest.mark.parametrize("variance", VARIANCES)
@pytest.mark.parametrize("answered", [133, 153])
def test_how_far_skellam_noise_lies_from_nothing(variance: int, answered: int) -> None:
    """The half-width holds it 19 times in 20."""
    part = answered / 126
    width = math.ceil(2.1183 * SkellamNoise(variance).spread(part))
    pmf = skellam(variance * part)
    assert sum(pmf(k) for k in range(-width, width + 1)) >= 0.95
    plan = noisy_plan("COUNT(*) AS n")
    widths = half_widths(plan, NoiseTerms("1", 153, 20, 7, "skellam"), 153)
    assert widths == [{"rows": 15}]


def test_terms_of_skellam_shares_as_json_and_back() -> None:
    """The mechanism is said of them, and goes without saying of Polya shares: terms have one spelling."""
    terms = NoiseTerms("0.5", 153, 20, 7, "skellam")
    assert terms.to_json()["mechanism"] == "skellam"
    assert read_terms(terms.to_json()) == terms
    for wrong in ("polya", "gauss", None):
        with pytest.raises(NoiseRefused, match="mechanism"):
            read_terms({**terms.to_json(), "mechanism": wrong})
    with pytest.raises(NoiseRefused, match="polya or skellam"):
        NoiseTerms("1", 5, 1, 1, "gauss")  # type: ignore[arg-type]


def test_an_epsilon_too_small_for_any_rho_is_refused() -> None:
    with pytest.raises(NoiseRefused):
        calibrate(noisy_plan("COUNT(*) AS n"), "0.000001", "skellam")

"""Shares of noise: each is what it should be, and together they are exactly the noise that is promised."""

import math
from fractions import Fraction

import pytest

from disclosure_control.noise.polya import draw_shares
from disclosure_control.noise.skellam import draw_skellam_shares
from tests.disclosure_control.noise.distributions import (
    SeededBits,
    check_agreement,
    differences,
    laplace,
    negative_binomial,
    polya,
    skellam,
)
from tests.query_engine.example_counts import examples

CELLS = examples(3_000)

SCALES = [Fraction(1, 5), Fraction(1), Fraction(2), Fraction(10, 3), Fraction(40)]


def added(shares: int, scale: Fraction, of: int, seed: int = 7) -> list[int]:
    """The noise of so many nodes together in every cell."""
    drawn = [draw_shares(CELLS, scale, of, SeededBits(seed * 1000 + node)) for node in range(shares)]
    return [sum(cell) for cell in zip(*drawn, strict=True)]


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("of", [2, 7, 126])
def test_one_share_is_the_difference_of_two_negative_binomial_numbers(scale: Fraction, of: int) -> None:
    """Mostly nothing, where there are many: 126 of them have 0 in all but one of a hundred figures."""
    check_agreement(added(1, scale, of), polya(1 / of, float(scale)))


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("of", [1, 2, 5, 20])
def test_all_shares_together_are_discrete_laplace(scale: Fraction, of: int) -> None:
    check_agreement(added(of, scale, of), laplace(float(scale)))


@pytest.mark.parametrize("absent", range(6))
@pytest.mark.parametrize("scale", [Fraction(1), Fraction(10)])
def test_the_noise_at_every_level_of_dropout(absent: int, scale: Fraction) -> None:
    """Of 16 nodes 3 may be missing and 2 collude: the noise is as promised, or more, until 6 fail us."""
    relied_on, promised = 16 - absent, 16 - 3 - 2
    check_agreement(added(relied_on, scale, promised), polya(relied_on / promised, float(scale)))
    if relied_on == promised:
        check_agreement(added(relied_on, scale, promised), laplace(float(scale)))


@pytest.mark.parametrize("scale", [Fraction(5000), Fraction(10**7, 3)])
def test_large_noise_has_the_right_size(scale: Fraction) -> None:
    """Of sums with bounds in the thousands: its quarters, and no trace of even and odd."""
    noise = added(4, scale, 4)
    quarter = float(scale) * math.log(2)
    sides = [sum(each < -quarter for each in noise), sum(-quarter <= each < 0 for each in noise)]
    sides += [sum(0 <= each <= quarter for each in noise), sum(each > quarter for each in noise)]
    check_agreement([side for side, number in enumerate(sides) for _ in range(number)], lambda k: 0.25, 0)
    check_agreement([each % 2 for each in noise], lambda k: 0.5 if k < 2 else 0, 0)
    check_agreement([each % 7 for each in noise], lambda k: 1 / 7 if k < 7 else 0, 0)


@pytest.mark.parametrize("cells", [1, 2, 3])
def test_cells_are_independent(cells: int) -> None:
    """Jumps are drawn for a whole table at once; no cell tells of another."""
    tables = [draw_shares(cells, Fraction(2), 1, bits) for bits in [SeededBits(11)] for _ in range(CELLS)]
    for cell in range(cells):
        check_agreement([table[cell] for table in tables], laplace(2))
    check_agreement([sum(table) for table in tables], polya(cells, 2))


def added_skellam(shares: int, variance: Fraction, of: int, cells: int = CELLS) -> list[int]:
    """The Skellam noise of so many nodes together in every cell."""
    drawn = [draw_skellam_shares(cells, variance, of, SeededBits(5_000 + node)) for node in range(shares)]
    return [sum(cell) for cell in zip(*drawn, strict=True)]


@pytest.mark.parametrize("variance", ["1/2", "36", "225"])
@pytest.mark.parametrize("of", [1, 12])
def test_skellam_shares_together_are_skellam(variance: str, of: int) -> None:
    """Where the jumps of a whole table are drawn at once, and where its cells are drawn one by one."""
    size = Fraction(variance)
    check_agreement(added_skellam(1, size, of), skellam(float(size / of)))
    check_agreement(added_skellam(of, size, of, CELLS if size < 100 else CELLS // 6), skellam(float(size)))


@pytest.mark.parametrize("absent", range(6))
@pytest.mark.parametrize("variance", [Fraction(1), Fraction(36)])
def test_the_skellam_noise_at_every_level_of_dropout(absent: int, variance: Fraction) -> None:
    """Of 16 nodes 3 may be missing and 2 collude: so much noise as is promised, or more, until 6 fail us."""
    relied_on, promised = 16 - absent, 16 - 3 - 2
    found = added_skellam(relied_on, variance, promised)
    check_agreement(found, skellam(float(variance * relied_on / promised)))


@pytest.mark.parametrize("cells", [1, 2, 3])
def test_cells_of_skellam_noise_are_independent(cells: int) -> None:
    tables = [draw_skellam_shares(cells, 2, 1, bits) for bits in [SeededBits(12)] for _ in range(CELLS)]
    for cell in range(cells):
        check_agreement([table[cell] for table in tables], skellam(2))
    check_agreement([sum(table) for table in tables], skellam(2 * cells))


def test_a_wrong_sampler_is_found_out() -> None:
    """The tests above are as good as this one: noise a tenth too small, and with 0 in every eighth figure."""
    noise = added(1, Fraction(1), 1)
    for wrong in (added(1, Fraction(9, 10), 1), [each if place % 8 else 0 for place, each in enumerate(noise)]):
        with pytest.raises(AssertionError):
            check_agreement(wrong, laplace(1))


# --- What the noise promises ---------------------------------------------------------------------------------------


def loss(shape: float, scale: float, shift: int) -> float:
    """The greatest privacy loss where one child moves a figure by `shift`: the logarithm of a ratio of chances."""
    pmf = differences(negative_binomial(shape, scale))
    reach = int(25 * scale) + shift
    return max(abs(math.log(pmf[k] / pmf[k + shift])) for k in range(-reach, reach - shift))


@pytest.mark.parametrize("shape", [1.0, 1.01, 1.1, 153 / 126, 2.0])
@pytest.mark.parametrize(("epsilon", "shift"), [(0.1, 1), (0.5, 1), (1.0, 1), (1.0, 5), (4.0, 1)])
def test_with_enough_shares_no_outcome_tells_more_than_epsilon(shape: float, epsilon: float, shift: int) -> None:
    """However many more nodes answer than must; and with just enough the promise is tight."""
    found = loss(shape, shift / epsilon, shift)
    assert found <= epsilon * (1 + 1e-9)
    if shape == 1.0:
        assert found == pytest.approx(epsilon)


@pytest.mark.parametrize(("missing", "epsilon"), [(8, 1.05), (15, 1.10), (76, 1.67)])
def test_what_missing_shares_would_cost(missing: int, epsilon: float) -> None:
    """Known answers: of 153 shares made to give epsilon 1 together, so many fail."""
    assert loss((153 - missing) / 153, 1.0, 1) == pytest.approx(epsilon, abs=0.006)


@pytest.mark.deep
@pytest.mark.parametrize("absent", range(6))
def test_no_attacker_tells_a_child_better_than_epsilon_allows(absent: int) -> None:
    """An empirical lower bound on epsilon, at 99 % confidence, from the best guess at one child in a figure."""
    relied_on, promised, epsilon = 16 - absent, 11, 1.0
    drawn = [draw_shares(200_000, Fraction(1), promised, SeededBits(900 + node)) for node in range(relied_on)]
    noise = [sum(cell) for cell in zip(*drawn, strict=True)]
    for least in range(-2, 4):
        there, away = sum(each + 1 >= least for each in noise), sum(each >= least for each in noise)
        error = 2.576 * math.sqrt(1 / there + 1 / away)
        assert math.log(there / away) - error <= epsilon

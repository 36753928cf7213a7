"""Poisson numbers of large means: exactly so likely, by the distribution, by their parts, and by the ratio itself."""

import math
from fractions import Fraction

import pytest

from disclosure_control.noise import large_poisson
from disclosure_control.noise.large_poisson import SMALLEST_MEAN, draw_large_poisson
from disclosure_control.noise.poisson import draw_poisson
from disclosure_control.noise.ratios import PRECISION, SMALLEST, enclose_ratio
from tests.disclosure_control.noise.distributions import SeededBits, check_agreement, poisson
from tests.query_engine.example_counts import examples

DRAWS = examples(1_500)


@pytest.mark.parametrize("mean", ["1024", "4001/3"])
def test_numbers_of_a_large_mean(mean: str) -> None:
    bits = SeededBits(1)
    check_agreement((draw_large_poisson(Fraction(mean), bits) for _ in range(DRAWS)), poisson(float(Fraction(mean))), 0)


@pytest.mark.parametrize("mean", [Fraction(10**6), Fraction(10**13, 7), Fraction(10**18)])
def test_numbers_of_a_very_large_mean_lie_as_normal_ones_do(mean: Fraction) -> None:
    """By tenths of the normal distribution; and they leave no trace of even and odd."""
    bits, root = SeededBits(2), math.sqrt(mean)
    drawn = [draw_poisson(mean, bits) for _ in range(DRAWS)]
    places = [int(10 * 0.5 * math.erfc(-(float(each - mean) / root) / math.sqrt(2))) for each in drawn]
    check_agreement(places, lambda k: 0.1 if 0 <= k < 10 else 0, 0)
    check_agreement([each % 2 for each in drawn], lambda k: 0.5 if k < 2 else 0, 0)


MEAN = Fraction(10_001, 3)
MODE = 3333


@pytest.mark.parametrize("number", [600, 3_000, 3_300, 3_332, 3_333, 3_334, 3_400, 3_900, 6_000])
@pytest.mark.parametrize("doublings", [0, 3])
def test_a_ratio_lies_between_the_whole_numbers_around_it(number: int, doublings: int) -> None:
    exact = large_poisson._work_out(MEAN, MODE, number, doublings) * 2**PRECISION
    low, high = enclose_ratio(MEAN, MODE, number, doublings)
    assert low <= exact <= high
    assert high - low <= 2


def test_below_what_the_series_is_sharp_for_nothing_is_told() -> None:
    assert enclose_ratio(MEAN, MODE, SMALLEST - 1, 0) == (0, 2**PRECISION)


def test_the_chance_worked_out_is_that_of_the_two_numbers() -> None:
    chance = poisson(float(MEAN))
    for number in (3_300, 3_333, 3_350):
        assert float(large_poisson._work_out(MEAN, MODE, number, 1)) == pytest.approx(
            2 * chance(number) / chance(MODE), rel=1e-9
        )


@pytest.mark.parametrize("mean", [1024, 5_000, 10**6])
def test_the_hat_lies_above_the_distribution(mean: int) -> None:
    """In every band on either side: a number at its near end is no likelier than the band's weight says."""
    reach = math.isqrt(7 * (mean + 1)) + 1
    for band in range(1, 12):
        for number in (mean + band * reach, mean - 1 - band * reach):
            if number >= 0:
                log = (number - mean) * math.log(mean) - math.lgamma(number + 1) + math.lgamma(mean + 1)
                assert log <= -(band - 1) * math.log(2)


class ScriptedBits:
    """Bits that are said beforehand."""

    def __init__(self, *numbers: int) -> None:
        self._numbers = list(numbers)

    def draw(self, number: int) -> int:
        return self._numbers.pop(0)


def test_what_64_bits_do_not_tell_is_worked_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the boundary itself: by the bits that follow, which are held against the ratio to the last figure."""
    exact = large_poisson._work_out(MEAN, MODE, 3_400, 0)
    first, rest = divmod(exact.numerator << 128, exact.denominator << 64)
    second = (rest // exact.denominator) & (2**64 - 1)
    wide = (first, first + 1)
    monkeypatch.setattr(large_poisson, "enclose_ratio", lambda *_: wide)
    for following, kept in ((second - 1, True), (second + 1, False)):
        assert large_poisson._is_kept(MEAN, MODE, 3_400, 0, ScriptedBits(first, following)) is kept
    assert large_poisson._is_kept(MEAN, MODE, 3_400, 0, ScriptedBits(first - 1))
    assert not large_poisson._is_kept(MEAN, MODE, 3_400, 0, ScriptedBits(first + 1))


def test_a_mean_just_below_is_drawn_in_parts() -> None:
    """Either way of drawing, on either side of where the one takes over."""
    bits = SeededBits(3)
    mean = Fraction(SMALLEST_MEAN) - Fraction(1, 2)
    check_agreement((draw_poisson(mean, bits) for _ in range(DRAWS // 3)), poisson(float(mean)), 0)

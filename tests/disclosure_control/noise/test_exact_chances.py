"""The building blocks of the samplers: events and Poisson numbers, each of exactly its probability."""

import ast
import math
from fractions import Fraction
from pathlib import Path

import pytest

from disclosure_control.noise import poisson as tables
from disclosure_control.noise.bits import SystemBits, draw_below
from disclosure_control.noise.chances import happens, survives, two_over_e
from disclosure_control.noise.poisson import draw_poisson
from tests.disclosure_control.noise.distributions import SeededBits, check_agreement, poisson
from tests.query_engine.example_counts import examples

DRAWS = examples(5_000)
SAMPLERS = Path(__file__).parents[3] / "disclosure_control" / "noise"


@pytest.mark.parametrize("most", [1, 2, 3, 5, 12, 1000])
def test_a_number_below_another_is_any_of_them(most: int) -> None:
    bits = SeededBits(most)
    check_agreement((draw_below(most, bits) for _ in range(DRAWS)), lambda k: 1 / most if k < most else 0, 0)


@pytest.mark.parametrize("chance", [Fraction(0), Fraction(1, 3), Fraction(7, 8), Fraction(1)])
def test_an_event_has_its_rational_probability(chance: Fraction) -> None:
    bits = SeededBits(1)
    check_agreement((happens(chance, bits) for _ in range(DRAWS)), lambda k: float(chance if k else 1 - chance), 0)


@pytest.mark.parametrize("exponent", ["0", "1/100", "1/2", "1", "3/2", "10/3", "6"])
def test_an_event_survives_with_a_power_of_e(exponent: str) -> None:
    """exp(-x), for whole exponents and between them."""
    bits, x = SeededBits(2), Fraction(exponent)
    check_agreement((survives(x, bits) for _ in range(DRAWS)), lambda k: math.exp(-x) if k else -math.expm1(-x), 0)


def test_an_event_of_two_over_e() -> None:
    bits = SeededBits(3)
    check_agreement((two_over_e(bits) for _ in range(DRAWS)), lambda k: 2 / math.e if k else 1 - 2 / math.e, 0)


@pytest.mark.parametrize("mean", ["1/100", "1/3", "1/2", "7/3", "16", "50", "1001/7"])
def test_poisson_numbers_of_every_mean(mean: str) -> None:
    """Of means that are drawn whole, in halves, and by the table."""
    bits, number = SeededBits(4), max(500, int(DRAWS / (1 + Fraction(mean) / 10)))
    check_agreement((draw_poisson(Fraction(mean), bits) for _ in range(number)), poisson(float(Fraction(mean))), 0)


def test_no_event_of_mean_nothing() -> None:
    assert draw_poisson(Fraction(0), SeededBits(5)) == 0


@pytest.mark.parametrize("precision", [64, 128, 192])
def test_the_table_encloses_the_cumulated_chances(precision: int) -> None:
    """Each of them lies between two whole numbers next to one another, whatever the precision."""
    low, high = tables._cumulated(precision)
    assert {above - below for below, above in zip(low, high, strict=True)} == {1}
    assert low == sorted(low)
    for k, (below, above) in enumerate(zip(low[:40], high[:40], strict=True)):
        true = math.fsum(poisson(16)(each) for each in range(k + 1))
        assert below / 2**precision <= true * (1 + 1e-12)
        assert true * (1 - 1e-12) <= above / 2**precision


class ScriptedBits:
    """Bits that are said beforehand, and how many were asked for."""

    def __init__(self, *numbers: int) -> None:
        self._numbers, self.asked = list(numbers), 0

    def draw(self, number: int) -> int:
        self.asked += number
        return self._numbers.pop(0)


def test_a_number_that_64_bits_do_not_tell_takes_64_more() -> None:
    """On the boundary itself: below it by the bits that follow, and above it."""
    boundary = tables._cumulated(64)[0][10]
    finer = tables._cumulated(128)[0][10] - (boundary << 64)
    for following, number in ((finer - 1, 10), (finer + 1, 11)):
        bits = ScriptedBits(boundary, following)
        assert tables._draw_block(bits) == number
        assert bits.asked == 128
    assert tables._draw_block(ScriptedBits(boundary - 1)) == 10
    assert tables._draw_block(ScriptedBits(boundary + 1)) == 11
    assert tables._draw_block(ScriptedBits(2**64 - 1, 0)) > 60


def test_the_systems_bits_are_fair_and_never_run_out() -> None:
    """By a bound that fair bits leave once in a million million runs; and more bits at once than are fetched."""
    bits = SystemBits()
    ones = sum(bits.draw(number).bit_count() for number in [1, 7, 64, 100] * 250)
    assert abs(ones - 172 * 250 / 2) < 7.2 * math.sqrt(172 * 250) / 2
    assert bits.draw(5000).bit_length() > 4900
    assert bits.draw(0) == 0


STANDARD = {"secrets", "typing", "collections.abc", "fractions", "bisect", "functools", "itertools", "math"}


@pytest.mark.parametrize("name", ["bits", "chances", "poisson", "large_poisson", "polya", "skellam"])
def test_nothing_in_a_sampler_can_be_foreseen_or_is_rounded(name: str) -> None:
    """No generator but the system's, no binary fraction, and no function that makes one."""
    tree = ast.parse((SAMPLERS / f"{name}.py").read_text())
    imported = {each.module for each in ast.walk(tree) if isinstance(each, ast.ImportFrom)}
    imported |= {alias.name for each in ast.walk(tree) if isinstance(each, ast.Import) for alias in each.names}
    own = {each for each in imported if each and each.startswith("disclosure_control.noise.")}
    assert imported - own <= STANDARD
    assert all(
        {alias.name for alias in each.names} <= {"isqrt", "prod"}  # of whole numbers alone
        for each in ast.walk(tree)
        if isinstance(each, ast.ImportFrom) and each.module == "math"
    )
    assert not [each for each in ast.walk(tree) if isinstance(each, ast.Constant) and isinstance(each.value, float)]
    assert not [each for each in ast.walk(tree) if isinstance(each, ast.Name) and each.id == "float"]

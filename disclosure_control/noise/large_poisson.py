"""Poisson numbers of a large mean, drawn exactly in a time that does not grow with it.

A number is proposed near the mode m and kept with the chance that makes it right: rejection from a hat that lies above
every distribution whose logarithm is concave, p(m + k) <= p(m) min(1, exp(1 - p(m) |k|)) (Devroye, A Simple Generator
for Discrete Log-Concave Distributions, Computing 39, 1987). Here the hat falls in steps, so that all of it is rational:
with t a whole number of at least 1 / p(m), numbers come in bands of t on either side, of which the first two weigh
alike, and every further one half of that before it, which is more than e makes of it.

The chance of keeping a number is rational too, but long. So 64 bits of a uniform number are held against whole numbers
below and above it (`ratios`), and where those do not tell, the whole of it is worked out: nothing is rounded in what is
drawn.
"""

from fractions import Fraction
from math import isqrt, prod

from disclosure_control.noise.bits import Bits, draw_below
from disclosure_control.noise.ratios import PRECISION, enclose_ratio

__all__ = ["SMALLEST_MEAN", "draw_large_poisson"]

SMALLEST_MEAN = 1_024
"""A smaller mean is as well drawn as a sum of smaller ones."""


def draw_large_poisson(mean: Fraction, bits: Bits) -> int:
    """A Poisson number of a mean of `SMALLEST_MEAN` at least."""
    mode = mean.numerator // mean.denominator
    reach = isqrt(7 * (mode + 1)) + 1
    while True:
        band = _draw_band(bits)
        away = band * reach + draw_below(reach, bits)
        number = mode + away if bits.draw(1) else mode - 1 - away
        if number >= 0 and _is_kept(mean, mode, number, max(0, band - 1), bits):
            return number


def _draw_band(bits: Bits) -> int:
    """0 or 1 with a third each, 2 with a sixth, 3 with a twelfth, and so on."""
    band = draw_below(3, bits)
    if band == 2:
        while bits.draw(1):
            band += 1
    return band


def _is_kept(mean: Fraction, mode: int, number: int, doublings: int, bits: Bits) -> bool:
    """An event of the chance p(number) / p(mode), doubled so often."""
    low, high = enclose_ratio(mean, mode, number, doublings)
    drawn = bits.draw(PRECISION)
    if low <= drawn < high:
        return _is_below(_work_out(mean, mode, number, doublings), drawn, bits)
    return drawn < low


def _work_out(mean: Fraction, mode: int, number: int, doublings: int) -> Fraction:
    """The same chance, to the last figure."""
    low, high = sorted((number, mode))
    power = Fraction(mean.numerator ** (high - low), mean.denominator ** (high - low))
    ratio = power / prod(range(low + 1, high + 1))
    return (1 << doublings) * (ratio if number >= mode else 1 / ratio)


def _is_below(chance: Fraction, drawn: int, bits: Bits) -> bool:
    """Whether a uniform number is below a chance, of which the first bits are drawn: more of them until it is told."""
    precision = PRECISION
    while True:
        scaled = chance.numerator << precision
        if (drawn + 1) * chance.denominator <= scaled:
            return True
        if drawn * chance.denominator >= scaled:
            return False
        drawn, precision = (drawn << PRECISION) | bits.draw(PRECISION), precision + PRECISION

"""Poisson numbers of any rational mean, drawn exactly."""

from bisect import bisect_right
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from itertools import islice

from disclosure_control.noise.bits import Bits, draw_below
from disclosure_control.noise.chances import happens
from disclosure_control.noise.large_poisson import SMALLEST_MEAN, draw_large_poisson

__all__ = ["draw_poisson"]

_BLOCK = 16
"""The mean of the numbers that are looked up in a table: a greater mean is a sum of them."""

_HALF = Fraction(1, 2)
_REFINED = 64
"""Bits of a uniform number that are drawn at once."""


def draw_poisson(mean: Fraction, bits: Bits) -> int:
    """A Poisson number: where it is not drawn at once, the sum of independent ones of smaller means."""
    if mean >= SMALLEST_MEAN:
        return draw_large_poisson(mean, bits)
    blocks, rest = divmod(mean, _BLOCK)
    halves, rest = divmod(rest, _HALF)
    whole = sum(_draw_block(bits) for _ in range(blocks)) + sum(_draw_small(_HALF, bits) for _ in range(halves))
    return whole + (_draw_small(rest, bits) if rest else 0)


def _draw_small(mean: Fraction, bits: Bits) -> int:
    """A Poisson number of mean 1/2 or less: a geometric one, kept with the chance that so many are in order.

    Source: Flajolet, Pelletier and Soria, On Buffon Machines and Numbers (SODA 2011), section 2.2.
    """
    while True:
        number = 0
        while happens(mean, bits):
            number += 1
        if all(draw_below(place, bits) == 0 for place in range(2, number + 1)):
            return number


def _draw_block(bits: Bits) -> int:
    """A Poisson number of mean `_BLOCK`: the first whose cumulated chance is beyond a uniform number.

    As many bits of the uniform number are drawn as it takes to tell: almost always the first 64 do.
    """
    drawn, precision = 0, 0
    while True:
        drawn, precision = (drawn << _REFINED) | bits.draw(_REFINED), precision + _REFINED
        low, high = _cumulated(precision)
        found = bisect_right(high, drawn)
        if found < len(low) and drawn < low[found]:
            return found


@cache
def _cumulated(precision: int) -> tuple[list[int], list[int]]:
    """Whole numbers below and above the cumulated chances of 0, 1, ..., in units of 2**-precision.

    e**16 lies between the sum of its series' first terms and that sum with twice the next term more.
    """
    terms = list(islice(_series(), 2 * precision + 1))
    least = sum(terms[:-1])
    most = least + 2 * terms[-1]
    low, high, total = [], [], Fraction(0)
    for term in terms[:precision]:
        total += term
        low.append(int((total / most) * 2**precision))
        high.append(int((total / least) * 2**precision) + 1)
    return low, high


def _series() -> Iterator[Fraction]:
    """The terms of the series of e**16."""
    term, place = Fraction(1), 0
    while True:
        yield term
        place += 1
        term = term * _BLOCK / place

"""Whole numbers below and above a ratio of two Poisson chances, by logarithms whose error is bounded.

These decide nothing by themselves: a sampler that finds its uniform number between the two works the ratio out. So what
is rounded here is never seen in what is drawn, and the bounds need only be true, not tight.

Logarithms of factorials are by Stirling's series, whose first terms are too much and too little in turn (Whittaker and
Watson, A Course of Modern Analysis, 12.33): after 1 / (1260 n^5) it is too much, by less than 1 / (1680 n^7). Decimal
arithmetic of 60 figures rounds each step, and each logarithm, to half of its last figure; the largest number here is
below 10^22, so that a dozen steps are within 10^-36.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from functools import lru_cache

__all__ = ["PRECISION", "enclose_ratio"]

PRECISION = 64
"""Bits of what is enclosed."""

SMALLEST = 512
"""Below this number Stirling's series is not sharp enough, and the two ends are as far apart as they can be."""

_EXACT = Context(prec=60)
_SLACK = Decimal("2e-22")
"""More than the error of a logarithm, and so than the share by which its power of e is off: 6e-23 is the most that
1 / (1680 n^7) comes to twice over."""

_LN_2 = _EXACT.ln(Decimal(2))


def enclose_ratio(mean: Fraction, mode: int, number: int, doublings: int) -> tuple[int, int]:
    """Whole numbers below and above 2**64 times 2**doublings times p(number) / p(mode), of this Poisson mean."""
    if number < SMALLEST or mode < SMALLEST:
        return 0, 1 << PRECISION
    at = _EXACT
    found = at.subtract(at.multiply(Decimal(number - mode), _log(mean)), _log_factorial(number))
    found = at.add(at.add(found, _log_factorial(mode)), at.multiply(Decimal(doublings + PRECISION), _LN_2))
    ratio = at.exp(found)
    slack = at.multiply(ratio, _SLACK)
    low, high = at.subtract(ratio, slack), at.add(ratio, slack)
    return int(low.to_integral_value(ROUND_FLOOR, at)), int(high.to_integral_value(ROUND_CEILING, at))


@lru_cache(maxsize=256)
def _log(mean: Fraction) -> Decimal:
    return _EXACT.subtract(_EXACT.ln(Decimal(mean.numerator)), _EXACT.ln(Decimal(mean.denominator)))


@lru_cache(maxsize=4096)
def _log_factorial(number: int) -> Decimal:
    """The logarithm of a factorial, less that of the root of 2 pi, which falls out of a ratio."""
    at, n = _EXACT, Decimal(number)
    found = at.subtract(at.multiply(at.add(n, Decimal("0.5")), at.ln(n)), n)
    for times, power, sign in ((12, 1, 1), (360, 3, -1), (1260, 5, 1)):
        term = at.divide(Decimal(sign), at.multiply(Decimal(times), at.power(n, power)))
        found = at.add(found, term)
    return found

"""What Skellam noise lets out of one child-year, as rho, and how much of it goes with an epsilon.

One figure that moves by d takes Skellam noise of the variance v. Of every whole order a from 2 on, the Renyi divergence
between its outcomes with the child-year and without is at most

    a d^2 / (2 v) + min( ((2 a - 1) d^2 + 6 d) / (4 v^2), 3 d / (2 v) )

(Agarwal, Kairouz and Liu, The Skellam Mechanism for Differentially Private Federated Learning, NeurIPS 2021, section 3,
taken of one figure; v is the variance, as theirs is). Its d are whole numbers, as all figures are here, and both norms
of the paper, of absolute values and of squares, are d. Since a is 2 or more, (2 a - 1) d^2 + 6 d is at most
a (2 d^2 + 3 d), and 3 d / (2 v) at most a * 3 d / (4 v). So the divergence is at most a times

    rho = d^2 / (2 v) + min( (2 d^2 + 3 d) / (4 v^2), 3 d / (4 v) ).

Divergences of figures with independent noise add up, and so does rho. This is zero-concentrated differential privacy
(Bun and Steinke 2016) of *whole* orders, which is what the theorem is proved for. No more is claimed, and none is used:
whoever adds or subtracts noise that does not depend on the data, as nodes beyond those that must answer do, makes no
divergence larger.

rho / d grows with d, so what a child-year moves by d1, d2, ... in figures of the same noise lets out no more than one
move by their sum; and where no move is greater than d, no more than sum / d moves by d.

Of the order a, a loss of rho a is one of epsilon but for a chance of delta, epsilon being rho a + c(a) with
c(a) = (ln(1 / delta) + (a - 1) ln(1 - 1 / a) - ln a) / (a - 1) (Canonne, Kamath and Steinke, The Discrete Gaussian for
Differential Privacy, NeurIPS 2020, proposition 12).
"""

from decimal import Context, Decimal
from fractions import Fraction
from functools import lru_cache
from math import ceil

__all__ = ["DELTA", "find_rho", "least_variance", "lose"]

DELTA = Fraction(1, 10**9)
"""The chance that is left out where an epsilon is told of Skellam noise."""

LARGEST_ORDER = 10**9

_CONTEXT = Context(prec=40)
_STEP = 10**12
"""Rho is rounded down to so many parts of 1."""


def lose(moved: int, variance: int, most: int | None = None) -> Fraction:
    """The rho of figures with this noise that move by `moved` together, and by `most` at most in one of them."""
    one = moved if most is None else most
    if one == 0:
        return Fraction(0)
    each = Fraction(one * one, 2 * variance) + min(
        Fraction(2 * one * one + 3 * one, 4 * variance * variance), Fraction(3 * one, 4 * variance)
    )
    return each * Fraction(moved, one)


def least_variance(moved: int, rho: Fraction, most: int | None = None) -> int:
    """The least whole variance with which such figures let out no more than rho."""
    low, high = 0, 1
    while lose(moved, high, most) > rho:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if lose(moved, middle, most) > rho else (low, middle)
    return high


@lru_cache(maxsize=256)
def find_rho(epsilon: Fraction) -> Fraction:
    """The rho that lets out no more than epsilon, but for a chance of `DELTA`: by whichever order allows most.

    Any order will do; the best is found by thirds, since what an order allows rises and falls once. It is 0 where an
    epsilon is too small for any.
    """
    low, high = 2, LARGEST_ORDER
    while high - low > 2:
        third = (high - low) // 3
        one, other = low + third, high - third
        low, high = (one, high) if _allow(epsilon, one) < _allow(epsilon, other) else (low, other)
    found = max(_allow(epsilon, order) for order in range(low, high + 1))
    return max(Fraction(0), Fraction(int(found * _STEP), _STEP))


def _allow(epsilon: Fraction, order: int) -> Fraction:
    """The rho that goes with epsilon at one order, to 30 figures."""
    at = _CONTEXT
    left_out = at.ln(Decimal(ceil(1 / DELTA)))
    kept = at.multiply(Decimal(order - 1), at.ln(at.divide(Decimal(order - 1), Decimal(order))))
    apart = at.divide(at.subtract(at.add(left_out, kept), at.ln(Decimal(order))), Decimal(order - 1))
    return (epsilon - Fraction(apart)) / order

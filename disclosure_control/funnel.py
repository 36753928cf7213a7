"""Control limits of a funnel plot: how far an authority's figure may lie from the figure of all by chance alone.

Ranks of small groups are mostly chance. A funnel sets each figure against limits that widen as its number of children
gets smaller, and only a figure outside them calls for a question (Spiegelhalter, Statistics in Medicine 2005; 24:
1185-1202). Limits come from released figures alone and are rounded outward, so they tell nothing that is not beside
them, and a figure is never called unusual by the rounding of its own count.
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import lru_cache
from math import comb, sqrt
from statistics import NormalDist
from typing import Literal

__all__ = ["CONTROL_LEVELS", "Limits", "Verdict", "judge_figure", "limits_of_mean", "limits_of_share"]

CONTROL_LEVELS = (0.95, 0.998)
"""About two and three standard deviations: to look twice at, and to act on."""

_PLACES = Decimal("0.0001")
_LARGE = 1_000
"""From so many children on the normal distribution serves."""

Verdict = Literal["within", "look twice", "unusual"]


@dataclass(frozen=True)
class Limits:
    """The interval of one control level around the target."""

    level: float
    low: Decimal
    high: Decimal


@lru_cache(maxsize=4096)
def limits_of_share(target: float, children: int) -> tuple[Limits, Limits]:
    """The limits of a share of so many children, around the share of all.

    From the binomial distribution, interpolated as in Spiegelhalter's appendix A.1.1. Raises `ValueError` for a
    target outside 0 to 1 or no children.
    """
    if not 0 <= target <= 1 or children < 1:
        raise ValueError("a target is from 0 to 1, and a figure is of one child at least")
    low, high = (tuple(_share_at(target, children, tail) for tail in tails) for tails in _tails())
    return _round(low, high, Decimal(0), Decimal(1))


def limits_of_mean(target: float, deviation: float, children: int) -> tuple[Limits, Limits]:
    """The limits of a mean over so many children, around the mean of all, whose standard deviation is `deviation`.

    Raises `ValueError` for a negative deviation or no children.
    """
    if deviation < 0 or children < 1:
        raise ValueError("a deviation is not negative, and a figure is of one child at least")
    error = deviation / sqrt(children)
    low, high = (tuple(target + NormalDist().inv_cdf(tail) * error for tail in tails) for tails in _tails())
    return _round(low, high, None, None)


def judge_figure(figure: Decimal, limits: tuple[Limits, Limits]) -> Verdict:
    """Where a released figure lies."""
    inner, outer = limits
    if inner.low <= figure <= inner.high:
        return "within"
    return "look twice" if outer.low <= figure <= outer.high else "unusual"


def _tails() -> tuple[tuple[float, ...], tuple[float, ...]]:
    return tuple((1 - level) / 2 for level in CONTROL_LEVELS), tuple((1 + level) / 2 for level in CONTROL_LEVELS)


def _share_at(target: float, children: int, tail: float) -> float:
    """The share below which chance alone leaves a figure with probability `tail`."""
    if target in (0, 1):
        return target
    if children >= _LARGE:
        return target + NormalDist().inv_cdf(tail) * sqrt(target * (1 - target) / children)
    below = 0.0
    for count in range(children + 1):
        chance = comb(children, count) * target**count * (1 - target) ** (children - count)
        if below + chance >= tail:
            return (count - (below + chance - tail) / chance) / children
        below += chance
    return 1.0  # the last chances were lost to rounding


def _round(
    low: tuple[float, ...], high: tuple[float, ...], least: Decimal | None, most: Decimal | None
) -> tuple[Limits, Limits]:
    """Outward to four places, and no further than a figure can be."""
    ends = []
    for level, below, above in zip(CONTROL_LEVELS, low, high, strict=True):
        first = Decimal(below).quantize(_PLACES, rounding=ROUND_FLOOR)
        last = Decimal(above).quantize(_PLACES, rounding=ROUND_CEILING)
        ends.append(
            Limits(level, first if least is None else max(first, least), last if most is None else min(last, most))
        )
    return ends[0], ends[1]

"""An audit of the noise: what a mechanism lets an attacker tell, measured, as a lower bound on its epsilon.

Two inputs that differ by one child-year are put through the mechanism many times. The attacker knows both, and all
other children, and how the noise is made; what colluding nodes added is taken off. Their best event is that the outcome
speaks for the one input by more than some margin, as the likelihoods of the noise have it. Half of the draws choose the
margin, and the other half bound the chances of that event under either input, at 99 per cent together (Clopper and
Pearson, Biometrika 1934). The logarithm of their ratio is a lower bound on epsilon, whatever the mechanism claims
(Ding and others, Detecting Violations of Differential Privacy, CCS 2018; DP-Auditorium goes about it alike).

A bound above the claim is proof of a fault. One below it proves nothing, so each is given beside the claim: an audit
that finds much less than was promised has looked in the wrong place.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from disclosure_control.noise.bits import Bits
from disclosure_control.noise.calibration import calibrate, list_families
from disclosure_control.noise.kinds import Noise
from disclosure_control.noise.terms import Mechanism, NoiseTerms
from query_engine.planning.contributions import prove_contributions
from query_engine.planning.plan import QueryPlan

__all__ = ["Finding", "Shift", "audit_plan", "bound_chance", "bound_epsilon", "bound_rho", "list_shifts"]

CONFIDENCE = 0.99
MARGINS = 40
"""Events that the first half of the draws chooses from."""


@dataclass(frozen=True, slots=True)
class Shift:
    """By how much one child-year moves one figure at the most, and the noise in it."""

    size: int
    noise: Noise


@dataclass(frozen=True, slots=True)
class Finding:
    """What the audit of one mechanism found, with so many nodes absent: `claimed` holds if `found` is below it.

    Either is of `loss`: of Skellam noise rho, which is what it keeps; its epsilon follows from that.
    """

    absent: int
    claimed: float
    found: float
    loss: Literal["epsilon", "rho"] = "epsilon"


def list_shifts(plan: QueryPlan, epsilon: str, mechanism: Mechanism = "polya") -> tuple[Shift, ...]:
    """What the worst child-year moves: one statistic of each family, in one cell of each grouping set.

    Of children that it can have in several cells, as many figures move as there are cells.
    """
    noise = calibrate(plan, epsilon, mechanism).noise
    most = {(each.statistic, each.number): each for each in prove_contributions(plan)}
    return tuple(
        Shift(moved.each, noise[family[0], number])
        for family in list_families(plan)
        for number in range(len(plan.sets))
        for moved in (most[family[0], number],)
        for _ in range(moved.most // moved.each)
    )


def audit_plan(plan: QueryPlan, terms: NoiseTerms, absent: int, draws: int, bits: Bits) -> Finding:
    """Audit a plan's noise with so many nodes absent and all colluders telling what they added."""
    telling = terms.parties - absent - terms.colluders
    shifts = list_shifts(plan, terms.epsilon, terms.mechanism)
    noise = [_draw_noise(shift.noise, terms.shares, telling, 2 * draws, bits) for shift in shifts]
    outcomes = list(zip(*noise, strict=True))
    without, with_child = outcomes[:draws], outcomes[draws:]
    if terms.mechanism == "polya":
        return Finding(absent, float(Fraction(terms.epsilon)), bound_epsilon(shifts, without, with_child))
    claimed = float(calibrate(plan, terms.epsilon, terms.mechanism).rho)
    return Finding(absent, claimed, bound_rho(shifts, without, with_child), "rho")


def _draw_noise(noise: Noise, shares: int, nodes: int, draws: int, bits: Bits) -> list[int]:
    """The noise of so many nodes together, as often as it is to be drawn."""
    drawn = (noise.draw_shares(draws, shares, bits) for _ in range(nodes))
    return [sum(each) for each in zip(*drawn, strict=True)]


def bound_epsilon(
    shifts: Sequence[Shift], without: Sequence[tuple[int, ...]], with_child: Sequence[tuple[int, ...]]
) -> float:
    """A lower bound on epsilon from the noise in figures without the child, and in figures with it.

    Either way round is tried, and the greater bound is given: a child who comes, and a child who goes.
    """
    return _bound(shifts, without, with_child, _log_ratio)


def bound_rho(
    shifts: Sequence[Shift], without: Sequence[tuple[int, ...]], with_child: Sequence[tuple[int, ...]]
) -> float:
    """A lower bound on rho from the same: what two chances of one event say of it, at the order that says most.

    Whether the event happens is worked out from the outcome, and so diverges no more than that (data processing; van
    Erven and Harremoes, Renyi Divergence and Kullback-Leibler Divergence, IEEE Transactions 60, 2014, theorem 9).
    """
    return _bound(shifts, without, with_child, _divergence)


def _bound(
    shifts: Sequence[Shift],
    without: Sequence[tuple[int, ...]],
    with_child: Sequence[tuple[int, ...]],
    measure: "_Measure",
) -> float:
    speaks = [_speak_for(shifts, noise, 0) for noise in without], [_speak_for(shifts, noise, 1) for noise in with_child]
    against = [[-each for each in side] for side in speaks]
    return max(_bound_one_way(speaks[1], speaks[0], measure), _bound_one_way(against[0], against[1], measure))


def _speak_for(shifts: Sequence[Shift], noise: tuple[int, ...], child: int) -> float:
    """How much an outcome speaks for the child: the difference of the log-likelihoods without it and with it."""
    outcome = [each + child * shift.size for each, shift in zip(noise, shifts, strict=True)]
    return sum(shift.noise.speak_for(each, shift.size) for each, shift in zip(outcome, shifts, strict=True))


def _bound_one_way(likely: Sequence[float], unlikely: Sequence[float], measure: "_Measure") -> float:
    """The bound from how often the one outcome is beyond a margin, and the other: chosen on the first halves."""
    half = len(likely) // 2
    margin = max(_list_margins(likely[:half]), key=lambda at: _tell(likely[:half], unlikely[:half], at, measure))
    return _tell(likely[half:], unlikely[half:], margin, measure)


def _list_margins(values: Sequence[float]) -> list[float]:
    ordered = sorted(values)
    return [ordered[place * (len(ordered) - 1) // MARGINS] for place in range(MARGINS + 1)]


def _tell(likely: Sequence[float], unlikely: Sequence[float], margin: float, measure: "_Measure") -> float:
    """What the chances of an event say of the loss, by the ends of both intervals that say least."""
    tail = (1 - CONFIDENCE) / 4  # Two chances, and two ways round.
    low, _ = bound_chance(sum(each >= margin for each in likely), len(likely), tail)
    _, high = bound_chance(sum(each >= margin for each in unlikely), len(unlikely), tail)
    return measure(low, high) if low > 0 else 0.0


_Measure = Callable[[float, float], float]
"""What two chances of one event say of a loss: the first is at least what it is, and the second at most."""


def _log_ratio(likely: float, unlikely: float) -> float:
    return math.log(likely / unlikely)


ORDERS = (2, 3, 4, 6, 8, 12, 16, 24, 32, 64)


def _divergence(likely: float, unlikely: float) -> float:
    """The greatest rho that a whole order's divergence between the two chances asks for; none where they overlap."""
    if likely <= unlikely:
        return 0.0
    sides = ((likely, unlikely), (1 - likely, 1 - unlikely))
    return max(
        math.log(sum(p * (p / q) ** (order - 1) for p, q in sides if p > 0)) / (order * (order - 1)) for order in ORDERS
    )


def bound_chance(hits: int, draws: int, tail: float) -> tuple[float, float]:
    """The interval of Clopper and Pearson for a chance, with this much left out at either end."""
    low = 0.0 if hits == 0 else _find(lambda chance: 1 - _below(hits, draws, chance), tail)
    high = 1.0 if hits == draws else _find(lambda chance: -_below(hits + 1, draws, chance), -tail)
    return low, high


def _find(rising: Callable[[float], float], wanted: float) -> float:
    """Where a function that rises between 0 and 1 takes a value."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < wanted else (low, middle)
    return (low + high) / 2


def _below(hits: int, draws: int, chance: float) -> float:
    """The chance of fewer than so many hits: an incomplete beta function, by its continued fraction."""
    return 1 - _beta(hits, draws - hits + 1, chance)


def _beta(a: int, b: int, x: float) -> float:
    """The regularised incomplete beta function (Lentz's method; Numerical Recipes, section 6.4)."""
    if x in (0.0, 1.0):
        return x
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(a, b, x) / a
    return 1 - front * _fraction(b, a, 1 - x) / b


def _fraction(a: int, b: int, x: float) -> float:
    """The continued fraction of the incomplete beta function."""
    tiny = 1e-300
    c, d = 1.0, 1 / ((1 - (a + b) * x / (a + 1)) or tiny)
    value = d
    for m in range(1, 500):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / ((1 + term * d) or tiny)
            c = (1 + term / c) or tiny
            value *= c * d
        if abs(c * d - 1) < 1e-12:
            break
    return value

"""What a question costs: the privacy loss of each academic year that it touches, from its plan and epsilon alone.

The unit of privacy is everything that a node holds on one child for one academic year, in every table. So a question
costs each academic year that it touches its whole epsilon, whatever its table or its filter, since no two questions
are known to be about different children: no parallel composition is claimed. What one child-year can add to the figures
is bounded in the noise itself (`disclosure_control.noise.calibration`), and is no part of the price.

Losses add up, in either of two currencies. Epsilon bounds what any outcome can tell. Rho, of zero-concentrated
differential privacy, bounds it but for a small chance, and adds up to less where a question has many parts: a part that
keeps an epsilon keeps a rho of half its square (Bun and Steinke, Concentrated Differential Privacy, TCC 2016,
propositions 1.4 and 1.7). Accounts are kept in epsilon; rho is stated beside it.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import floor, log, sqrt
from typing import Self

from disclosure_control.noise.calibration import calibrate
from disclosure_control.noise.terms import Mechanism
from query_engine.planning.plan import QueryPlan

__all__ = ["NOTHING", "Price", "PrivacyLoss", "price_plan", "write_epsilon"]

_PLACES = 6
"""Decimal places of an epsilon at most, as `read_epsilon` takes it."""


@dataclass(frozen=True, slots=True)
class PrivacyLoss:
    """How much may have been told of a child-year: epsilon, and rho beside it. Losses add up."""

    epsilon: Fraction
    rho: Fraction

    def __add__(self, other: Self) -> "PrivacyLoss":
        return PrivacyLoss(self.epsilon + other.epsilon, self.rho + other.rho)

    def epsilon_but_for(self, delta: float) -> float:
        """The epsilon that holds but for a chance of delta: that of rho where it is the smaller one.

        By the better of the two whole orders next to the best, as rho of Skellam noise is of whole orders alone.
        """
        if not self.rho:
            return 0.0
        rho, left_out = float(self.rho), log(1 / delta)
        order = max(2, floor(1 + sqrt(left_out / rho)))
        return min(float(self.epsilon), *(rho * each + left_out / (each - 1) for each in (order, order + 1)))


NOTHING = PrivacyLoss(Fraction(0), Fraction(0))


@dataclass(frozen=True, slots=True)
class Price:
    """What one manifest takes from each academic year that it touches, once for all its attempts.

    A child in several of these years loses the sum, and so does a child whom two nodes hold.
    """

    academic_years: tuple[int, ...]
    loss: PrivacyLoss


def price_plan(plan: QueryPlan, epsilon: str, mechanism: Mechanism = "polya") -> Price:
    """The price of a plan for `noisy_sum` at an epsilon. Raises `NoiseRefused` where noise cannot hide everybody."""
    calibration = calibrate(plan, epsilon, mechanism)
    return Price(plan.academic_years, PrivacyLoss(calibration.epsilon, calibration.rho))


def write_epsilon(epsilon: Fraction) -> str:
    """An epsilon, or a sum of several, as decimal text in its one spelling."""
    whole = epsilon * 10**_PLACES
    if whole.denominator != 1:
        raise ValueError(f"an epsilon has {_PLACES} decimal places at most")
    units, places = divmod(int(whole), 10**_PLACES)
    return f"{units}.{places:0{_PLACES}d}".rstrip("0").rstrip(".")

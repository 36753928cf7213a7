"""The two kinds of noise that nodes make together, each with how it is drawn and how far it spreads.

| | promise | shares | what it spreads with |
|---|---|---|---|
| discrete Laplace | epsilon | Polya | the sum of all that a child-year moves |
| Skellam | rho of whole orders, and so epsilon but for a chance of delta | Skellam | the root of the sum of squares |

So Skellam noise is less where one child is in many sums, as in a model, and Laplace noise where it is in a few.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import exp, sqrt
from typing import Protocol

from disclosure_control.noise.bits import Bits
from disclosure_control.noise.polya import draw_shares
from disclosure_control.noise.skellam import draw_skellam_shares

__all__ = ["LaplaceNoise", "Noise", "SkellamNoise"]


class Noise(Protocol):
    """The noise of one figure."""

    def draw_shares(self, cells: int, shares: int, bits: Bits) -> list[int]:
        """One node's share in so many figures: `shares` of them are the noise."""
        ...

    def spread(self, part: float) -> float:
        """The standard deviation of so many times the noise, in variance: where more nodes answer than must."""
        ...

    def is_larger(self, limit: int) -> bool:
        """Whether its scale, or its standard deviation, is beyond a limit."""
        ...

    def speak_for(self, outcome: int, moved: int) -> float:
        """How much an outcome speaks for a figure that has moved: the difference of the log-likelihoods, or nearly."""
        ...


@dataclass(frozen=True, slots=True)
class LaplaceNoise:
    """Discrete Laplace noise: k has the weight exp(-|k| / scale)."""

    scale: Fraction

    def draw_shares(self, cells: int, shares: int, bits: Bits) -> list[int]:
        """One node's share in so many figures."""
        return draw_shares(cells, self.scale, shares, bits)

    def spread(self, part: float) -> float:
        """The standard deviation of so many times the noise."""
        kept = exp(-1 / self.scale)
        return sqrt(2 * kept * part) / (1 - kept)

    def is_larger(self, limit: int) -> bool:
        """Whether its scale is beyond a limit."""
        return self.scale > limit

    def speak_for(self, outcome: int, moved: int) -> float:
        """The difference of the log-likelihoods."""
        return (abs(outcome) - abs(outcome - moved)) / float(self.scale)


@dataclass(frozen=True, slots=True)
class SkellamNoise:
    """Skellam noise of a variance."""

    variance: int

    def draw_shares(self, cells: int, shares: int, bits: Bits) -> list[int]:
        """One node's share in so many figures."""
        return draw_skellam_shares(cells, self.variance, shares, bits)

    def spread(self, part: float) -> float:
        """The standard deviation of so many times the noise."""
        return sqrt(self.variance * part)

    def is_larger(self, limit: int) -> bool:
        """Whether its standard deviation is beyond a limit."""
        return self.variance > limit * limit

    def speak_for(self, outcome: int, moved: int) -> float:
        """The difference of the log-likelihoods of normal noise as wide, which rises with an outcome as this one's."""
        return moved * (2 * outcome - moved) / (2 * self.variance)

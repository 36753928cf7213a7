"""Shares of Skellam noise: the difference of two Poisson numbers, of which sums are of the same kind.

Shares of the mean v / (2 m) on either side add up, m of them, to Skellam noise of the variance v; more than m are more.
Where a share is mostly nothing, the jumps of a whole table are drawn at once, as for Polya shares: a Poisson number of
them, each 1 or -1, each in any cell. What the noise lets out is in `rho`.
"""

from fractions import Fraction

from disclosure_control.noise.bits import Bits, draw_below
from disclosure_control.noise.poisson import draw_poisson

__all__ = ["draw_skellam_shares"]

FEW = 4
"""Jumps of a cell on average: with more of them, cells are drawn one by one."""


def draw_skellam_shares(cells: int, variance: Fraction | int, shares: int, bits: Bits) -> list[int]:
    """One node's share of the noise of so many figures: `shares` of them sum to Skellam noise of this variance."""
    mean = Fraction(variance) / (2 * shares)
    if 2 * mean > FEW:
        return [draw_poisson(mean, bits) - draw_poisson(mean, bits) for _ in range(cells)]
    noise = [0] * cells
    for _ in range(draw_poisson(2 * mean * cells, bits)):
        noise[draw_below(cells, bits)] += 1 if bits.draw(1) else -1
    return noise

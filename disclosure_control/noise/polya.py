"""Shares of discrete Laplace noise: each node draws one for each figure, and it is their sum that hides everybody.

Discrete Laplace noise of scale t gives k the weight exp(-|k| / t). It is the sum of m independent shares, each the
difference of two negative binomial (Polya) numbers of shape 1 / m; more shares than m are more noise. A share is also
a sum of jumps (a compound Poisson number): there are jumps of k and of -k at the rate exp(-k / t) / (k m), for each k
from 1 on. So a share is drawn by drawing its jumps, and a whole table's jumps at once:

- candidates come in bands, of which the numbers from 2**j to 2**(j+1) - 1 are one, at the rate 1 / m from each side;
- a candidate is any number of its band, and stays with the chance 2**j / k, then with the chance exp(-k / t);
- beyond the first band to begin at t or later, bands come at half the rate of the one before, and a candidate stays
  with a chance that is greater in proportion: 2**i exp(-k / t) in the i-th, below 1 since k / t is 2**i or more.

Every rate and every chance is rational or a power of e, so that the noise is exact: nothing is rounded anywhere.
"""

from collections.abc import Iterator
from fractions import Fraction

from disclosure_control.noise.bits import Bits, draw_below
from disclosure_control.noise.chances import survives, two_over_e
from disclosure_control.noise.poisson import draw_poisson

__all__ = ["draw_shares"]


def draw_shares(cells: int, scale: Fraction, shares: int, bits: Bits) -> list[int]:
    """One node's share of the noise of so many figures: `shares` of them sum to discrete Laplace noise of the scale."""
    noise = [0] * cells
    for jump in _jumps(cells, scale, shares, bits):
        noise[draw_below(cells, bits)] += jump if bits.draw(1) else -jump
    return noise


def _jumps(cells: int, scale: Fraction, shares: int, bits: Bits) -> Iterator[int]:
    """The sizes of all jumps of all figures."""
    last = _first_band_from(scale)
    candidates = draw_poisson(Fraction(2 * cells * (last + 2), shares), bits)
    for _ in range(candidates):
        band = draw_below(last + 2, bits)
        beyond = _further_bands(bits) if band > last else 0
        jump = _number_of_band(last + beyond if beyond else band, bits)
        if draw_below(jump, bits) < 1 << (jump.bit_length() - 1) and _stays(Fraction(jump) / scale, beyond, bits):
            yield jump


def _first_band_from(scale: Fraction) -> int:
    """The first band that begins at the scale or later."""
    band = 0
    while 1 << band < scale:
        band += 1
    return band


def _further_bands(bits: Bits) -> int:
    """1 with probability 1/2, 2 with 1/4, and so on."""
    band = 1
    while bits.draw(1):
        band += 1
    return band


def _number_of_band(band: int, bits: Bits) -> int:
    return (1 << band) + bits.draw(band)


def _stays(exponent: Fraction, beyond: int, bits: Bits) -> bool:
    """An event of probability 2**beyond * exp(-exponent): (2 / e) so many times, and e for each of them left out."""
    return all(two_over_e(bits) for _ in range(beyond)) and survives(exponent - beyond, bits)

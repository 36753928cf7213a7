"""Events whose probability is a power of e, decided exactly: by whole numbers alone, and with no logarithm.

A sampler that works with binary fractions leaves traces of the true figure in the last bits of what it adds (Mironov,
On Significance of the Least Significant Bits, CCS 2012). Here nothing is rounded. The method is John von Neumann's: of
events with the chances x, x/2, x/3, ... the first that fails is an odd one with probability exp(-x) (Canonne, Kamath
and Steinke, The Discrete Gaussian for Differential Privacy, NeurIPS 2020, algorithm 1).
"""

from fractions import Fraction

from disclosure_control.noise.bits import Bits, draw_below

__all__ = ["happens", "survives", "two_over_e"]


def happens(chance: Fraction, bits: Bits) -> bool:
    """An event of a rational probability."""
    return draw_below(chance.denominator, bits) < chance.numerator


def survives(exponent: Fraction, bits: Bits) -> bool:
    """An event of probability exp(-exponent), for any rational exponent from 0 on."""
    whole, numerator = divmod(exponent.numerator, exponent.denominator)
    return all(_decays(1, 1, bits) for _ in range(whole)) and _decays(numerator, exponent.denominator, bits)


def two_over_e(bits: Bits) -> bool:
    """An event of probability 2 / e, which is 1 - 1/3 + 1/(3 * 4) - 1/(3 * 4 * 5) and so on."""
    place = 3
    while draw_below(place, bits) == 0:
        place += 1
    return place % 2 == 1


def _decays(numerator: int, denominator: int, bits: Bits) -> bool:
    """An event of probability exp(-numerator / denominator), for a fraction from 0 to 1."""
    place = 1
    while draw_below(denominator * place, bits) < numerator:
        place += 1
    return place % 2 == 1

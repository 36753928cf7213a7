"""Sums of products too wide for 64 bits, carried in two parts that add up like any other statistic.

A product of one row is `high * 2**32 + low`, both cut towards zero, so that both have its sign. Summing the parts over
rows and nodes and joining the two sums gives the sum of the products, exactly.
"""

LIMB = 2**32
_LARGEST = 2**63 - 1


class SumOverflow(Exception):
    """A sum is outside the whole numbers of 64 bits, so what was added up cannot be known from it."""


def needs_limbs(bound: int, rows: int) -> bool:
    """Whether a sum over so many rows, each at most `bound` either way, may need more than 64 bits."""
    return bound * rows > _LARGEST


def split_product(product: int) -> tuple[int, int]:
    """One row's product in two parts."""
    sign = -1 if product < 0 else 1
    high, low = divmod(abs(product), LIMB)
    return sign * high, sign * low


def join_limbs(high: int, low: int) -> int:
    """The sum of the products from the sums of their parts. Raises `SumOverflow`."""
    if not all(-_LARGEST - 1 <= limb <= _LARGEST for limb in (high, low)):
        raise SumOverflow("a part of a sum has more than 64 bits: fewer rows, or a coarser scale, are needed")
    return high * LIMB + low

"""How few children can be left over between a group and its parts, by what is printed of all that they have.

Rounded counts leave it open whether anybody is left. What they have between them need not: nobody has less than none,
or more than the bound in the catalogue.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

from tests.end_to_end.attacks.known import Known

__all__ = ["Measured", "fewest_left", "is_beyond"]


@dataclass(frozen=True)
class Measured:
    """A group as it is printed: how many, and the least and the most that they have on average."""

    count: Known
    low: Fraction
    high: Fraction


def fewest_left(whole: Measured, parts: Sequence[Measured], bound: int) -> int | None:
    """The fewest children that can be in a group and in none of its parts, where each has the bound at most.

    None where what is printed of them does not go together.
    """
    most = whole.count.high - sum(part.count.low for part in parts)
    numbers = [range(part.count.low, part.count.high + 1) for part in parts]
    for left in range(max(0, most) + 1):
        if any(_goes_together(whole, parts, counts, left, bound) for counts in product(*numbers)):
            return left
    return None


def is_beyond(whole: Measured, parts: Sequence[Measured]) -> bool:
    """Whether an average is more than that of every part, or less: as no mixture of them is, in whatever numbers."""
    return all(whole.low >= part.high for part in parts) or all(whole.high <= part.low for part in parts)


def _goes_together(whole: Measured, parts: Sequence[Measured], counts: Sequence[int], left: int, bound: int) -> bool:
    everybody = sum(counts) + left
    if not whole.count.low <= everybody <= whole.count.high:
        return False
    least = everybody * whole.low - sum(count * part.high for count, part in zip(counts, parts, strict=True))
    most = everybody * whole.high - sum(count * part.low for count, part in zip(counts, parts, strict=True))
    return least <= left * bound and most >= 0

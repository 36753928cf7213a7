"""Making a perturbation table: of all changes that keep to the rules, the least predictable (maximum entropy).

The rules of one count (Giessing 2016; the R package `ptable`): no change beyond `most`; 0 on average; a variance of
`variance` at most; no outcome from 1 to `unprinted`, and none under 0; and, where asked for and where the count itself
may be printed, chances that fall on either side of no change at all. What has the greatest entropy under them is

    p(d) = exp(a d + b d^2) / sum over all d,

with a that makes the average 0 and b that makes the variance what it may be at most (b is 0 where it is less anyhow).
Where chances must fall, those that would rise are tied to their neighbour: the tied ones share the average of their d
and d^2. Two numbers are to be found whatever the table, by Newton's method.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, log

from disclosure_control.cell_key.ptable import KeyRange, PTable, PTableInvalid
from disclosure_control.cell_key.ptable_files import Chances, table_of_chances

__all__ = ["Shape", "find_chances", "find_row", "make_table"]

_STEPS = 500
_SMALL = 1e-13


@dataclass(frozen=True, slots=True)
class Shape:
    """What a table is to be like: greatest change, greatest variance, outcomes up to which none is printed.

    `falling` asks for chances that fall on either side of no change (`mono` in `ptable`).
    """

    most: int
    variance: float
    unprinted: int = 0
    falling: bool = True


def make_table(name: str, shape: Shape, keys: KeyRange) -> PTable:
    """The table of greatest entropy. Raises `PTableInvalid` where no change keeps to the rules."""
    return table_of_chances(name, find_chances(shape), keys)


def find_chances(shape: Shape) -> list[Chances]:
    """The chances of counts from 0 on; the last is of every count so large that no outcome is out of reach."""
    return [{0: 1.0}, *(find_row(count, shape) for count in range(1, shape.most + shape.unprinted + 2))]


def find_row(count: int, shape: Shape) -> Chances:
    """The chance of each change of a positive count. Raises `PTableInvalid`."""
    outcomes = range(max(0, count - shape.most), count + shape.most + 1)
    changes = [each - count for each in outcomes if each == 0 or each > shape.unprinted]
    blocks = [[each] for each in changes]
    while True:
        chances = _solve(count, blocks, shape.variance)
        rising = _first_rising(blocks, chances) if shape.falling and count > shape.unprinted else None
        if rising is None:
            break
        blocks[rising : rising + 2] = [blocks[rising] + blocks[rising + 1]]
    return {change: chance for block, chance in zip(blocks, chances, strict=True) for change in block}


def _first_rising(blocks: Sequence[Sequence[int]], chances: Sequence[float]) -> int | None:
    """The first pair of neighbours whose chance is greater further from no change."""
    for place, (left, right) in enumerate(pairwise(chances)):
        further, nearer = (left, right) if blocks[place][-1] < 0 else (right, left)
        if further > nearer + _SMALL:
            return place
    return None


def _solve(count: int, blocks: Sequence[Sequence[int]], variance: float) -> list[float]:
    """The chance of one change of each block. Raises `PTableInvalid`."""
    sizes = [len(block) for block in blocks]
    changes = [sum(block) / len(block) for block in blocks]
    squares = [sum(each**2 for each in block) / len(block) for block in blocks]
    free = _newton(count, sizes, changes, [0.0] * len(blocks))
    if sum(size * chance * square for size, chance, square in zip(sizes, free, squares, strict=True)) <= variance:
        return free
    return _newton(count, sizes, changes, [each - variance for each in squares])


def _newton(count: int, sizes: Sequence[int], changes: Sequence[float], squares: Sequence[float]) -> list[float]:
    """The chances proportional to exp(a change + b square) with averages of 0 of both: the least of a convex function.

    `squares` of 0 throughout leave b alone.
    """
    a = b = 0.0
    for _ in range(_STEPS):
        height, chances = _weigh(sizes, changes, squares, a, b)
        weights = [size * chance for size, chance in zip(sizes, chances, strict=True)]
        first, second = _average(weights, changes), _average(weights, squares)
        if abs(first) + abs(second) < _SMALL:
            return chances
        step = _step(weights, changes, squares, first, second)
        slope = step[0] * first + step[1] * second
        length = 1.0
        while length > 1e-12 and _weigh(sizes, changes, squares, a - length * step[0], b - length * step[1])[0] > (
            height - 1e-4 * length * slope + 1e-15
        ):
            length /= 2
        a, b = a - length * step[0], b - length * step[1]
    raise PTableInvalid(f"no changes of a count of {count} keep to the rules: allow greater changes or variance")


def _weigh(
    sizes: Sequence[int], changes: Sequence[float], squares: Sequence[float], a: float, b: float
) -> tuple[float, list[float]]:
    """The logarithm of the sum of all weights, and the chance of one change of each block."""
    exponents = [a * change + b * square for change, square in zip(changes, squares, strict=True)]
    top = max(exponents)
    total = sum(size * exp(each - top) for size, each in zip(sizes, exponents, strict=True))
    return top + log(total), [exp(each - top) / total for each in exponents]


def _average(weights: Sequence[float], values: Sequence[float]) -> float:
    return sum(weight * value for weight, value in zip(weights, values, strict=True))


def _step(
    weights: Sequence[float], changes: Sequence[float], squares: Sequence[float], first: float, second: float
) -> tuple[float, float]:
    """Newton's step: the inverse of the covariances of changes and squares, times their averages."""
    spread = _average(weights, [each**2 for each in changes]) - first**2 + 1e-18
    if not any(squares):
        return first / spread, 0.0
    width = _average(weights, [each**2 for each in squares]) - second**2 + 1e-18
    both = _average(weights, [one * other for one, other in zip(changes, squares, strict=True)]) - first * second
    size = spread * width - both**2
    if size <= 1e-15 * spread * width:
        return first / (spread + width), second / (spread + width)
    return (width * first - both * second) / size, (spread * second - both * first) / size

"""What sums say of counts: by one addition after the other, and by all of them at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor

import numpy as np

from disclosure_control.linked.counts.implied import narrow_bounds
from disclosure_control.linked.figures.amounts import Amount
from disclosure_control.suppression.deadline import NEVER, Deadline
from disclosure_control.suppression.lattice import Lattice
from disclosure_control.suppression.programs import INFINITE, NoSolution, Program, Row, Vector
from disclosure_control.suppression.reader import ALMOST, Contradiction
from disclosure_control.suppression.rules import UNBOUNDED
from disclosure_control.suppression.view import Bounds

__all__ = ["End", "Sums", "find_short", "raise_counts"]

MOST_NUMBERS = 64
"""How many numbers are taken off, one after the other."""

MOST_PASSES = 3

MOST_CELLS = 2_000
"""Cells over which all additions are looked at at once."""


@dataclass(frozen=True)
class Sums:
    """What is printed of one quantity by the cell, and the least and the most that a child of each cell has of it."""

    lattice: Lattice
    amounts: Mapping[int, Sequence[Amount]]
    least: Bounds
    most: Bounds

    def narrow(self, counts: tuple[Bounds, Bounds]) -> tuple[Bounds, Bounds]:
        """How many children there are, by one addition after the other. Raises `Contradiction`."""
        for _ in range(MOST_PASSES):
            before = counts
            is_open = counts[0] < counts[1]
            numbers = np.unique(np.append(self.least[is_open], self.most[is_open]))
            for number in numbers[:MOST_NUMBERS].tolist():
                counts = self._take_off(number, counts)
            if all((old == new).all() for old, new in zip(before, counts, strict=True)):
                break
        return counts

    def beyond(self, number: int, counts: tuple[Bounds, Bounds]) -> tuple[Bounds, Bounds]:
        """What children of each cell have beyond so much for each. Raises `Contradiction`."""
        low = _times(self.least - number, counts, greatest=False)
        high = _times(self.most - number, counts, greatest=True)
        for cell, found in self.amounts.items():
            for each in found:
                under, over = each.beyond(number, int(counts[0][cell]), int(counts[1][cell]))
                low[cell], high[cell] = max(int(low[cell]), under), min(int(high[cell]), over)
        return narrow_bounds(self.lattice, low, high)

    def _take_off(self, number: int, counts: tuple[Bounds, Bounds]) -> tuple[Bounds, Bounds]:
        low, high = self.beyond(number, counts)
        few, many = counts[0].copy(), counts[1].copy()
        for cell in np.flatnonzero((few < many) & ((low > -UNBOUNDED) | (high < UNBOUNDED))).tolist():
            each = int(self.least[cell]) - number, int(self.most[cell]) - number
            at_least, at_most = _how_many((int(low[cell]), int(high[cell])), each)
            few[cell], many[cell] = max(int(few[cell]), at_least), min(int(many[cell]), at_most)
        return narrow_bounds(self.lattice, few, many)

    def rows(self, column: Mapping[int, int]) -> Iterator[Row]:
        """The additions of counts and of amounts, and what a child has at least and at most.

        A cell's count has this column, and what its children have the next.
        """
        for each in self.lattice.relations:
            for step in (0, 1):
                members = [column[cell] + step for cell in (each.total, *each.parts)]
                yield members, [1.0, *[-1.0] * len(each.parts)], 0.0, 0.0
        for cell, at in column.items():
            yield [at + 1, at], [1.0, -float(self.least[cell])], 0.0, INFINITE
            yield [at + 1, at], [1.0, -float(self.most[cell])], -INFINITE, 0.0
        for cell, found in self.amounts.items():
            at = column[cell]
            for amount in found:
                if amount.average is None:
                    yield [at + 1], [1.0], float(amount.total[0]), float(amount.total[1])
                else:
                    low, high = map(float, amount.average)
                    yield [at + 1, at], [1.0, -low], 0.0, INFINITE
                    yield [at + 1, at], [1.0, -high], -INFINITE, 0.0


def raise_counts(
    sums: Sums, counts: tuple[Bounds, Bounds], few: int, deadline: Deadline = NEVER
) -> tuple[Bounds, Bounds]:
    """The least and the most of each count that all additions together show to be under a `few`, where those of counts
    alone do not; others are left as they are.

    Raises `Contradiction` and `TimeUp`.
    """
    low, high = counts[0].copy(), counts[1].copy()
    left = np.flatnonzero((low < high) & (high >= few)).tolist()
    if not left or len(low) > MOST_CELLS:
        return counts
    programs = _Programs(sums, counts, few, deadline)
    if small := programs.seem_small(left):
        alone = _Programs(replace(sums, amounts={}), counts, few, deadline).seem_small(small)
        for cell in sorted(set(small).difference(alone)):
            if (most := floor(programs.end(cell, greatest=True) + ALMOST)) < few:
                high[cell] = most
                low[cell] = max(int(low[cell]), ceil(programs.end(cell, greatest=False) - ALMOST))
    return narrow_bounds(sums.lattice, low, high)


End = tuple[int, int, int, int]
"""A cell, so much of what each of its children has, whether what they have beyond that (1) or less (-1) is looked at,
and how much of it is enough."""


def find_short(sums: Sums, counts: tuple[Bounds, Bounds], ends: Sequence[End], deadline: Deadline = NEVER) -> list[End]:
    """The ends at which one addition after the other shows that there is not enough, or all of them at once do.

    Raises `Contradiction` and `TimeUp`.
    """
    cells, known = len(counts[0]), {number: sums.beyond(number, counts) for number in {each[1] for each in ends}}
    short = [end for end in ends if _beyond(known, end) < end[3]]
    found = set(short)
    left = [end for end in ends if end not in found]
    if not left or cells > MOST_CELLS:
        return short
    column = {cell: 2 * cell for cell in range(cells)}
    lower, upper = np.zeros(2 * cells + len(left)), np.full(2 * cells + len(left), INFINITE)
    lower[0 : 2 * cells : 2], upper[0 : 2 * cells : 2] = counts[0], _or_infinite(counts[1])
    upper[2 * cells :] = [enough for *_, enough in left]
    at = {end: 2 * cells + place for place, end in enumerate(left)}
    taken = [  # No more than its children have beyond so much for each, or less.
        ([at[end], column[end[0]] + 1, column[end[0]]], [1.0, -float(end[2]), float(end[2] * end[1])], -INFINITE, 0.0)
        for end in left
    ]
    program = Program(lower, upper, [*sums.rows(column), *taken], deadline, costs_change=True)

    def lacking(looked: Sequence[End]) -> list[End]:
        """Those of these that have enough in no table: all that are left, where these have less together than that.

        Else they are looked at again, without those that have; or by halves, where none has.
        """
        wanted = np.zeros(program.columns)
        wanted[[at[end] for end in looked]] = -1.0
        program.set_costs(wanted)
        table = _minimise(program)
        left = [end for end in looked if table[at[end]] < end[3] - ALMOST]
        if not left or table[[at[end] for end in looked]].sum() < min(end[3] for end in left) - ALMOST:
            return left
        middle = len(left) // 2 if len(left) == len(looked) else len(left)
        return [end for half in (left[:middle], left[middle:]) if half for end in lacking(half)]

    return [*short, *lacking(left)]


def _beyond(known: Mapping[int, tuple[Bounds, Bounds]], end: End) -> int:
    """What the children of a cell have beyond so much for each at most, or less, by one addition after the other."""
    cell, number, sign, _ = end
    low, high = known[number]
    return int(high[cell] if sign > 0 else -low[cell])


def _minimise(program: Program) -> Vector:
    try:
        return program.minimise()
    except NoSolution:
        raise Contradiction("the children of counts have more or less between them than so many can have") from None


def _or_infinite(most: Bounds) -> Vector:
    return np.where(most < UNBOUNDED, most, INFINITE)


class _Programs:
    """Counts and amounts as columns of one linear program, and of each count as much as is under a few."""

    def __init__(self, sums: Sums, counts: tuple[Bounds, Bounds], few: int, deadline: Deadline) -> None:
        cells = len(counts[0])
        self._few, self._column = few, {cell: 3 * cell for cell in range(cells)}
        lower, upper = np.zeros(3 * cells), np.full(3 * cells, INFINITE)
        lower[0::3], upper[0::3] = counts[0], _or_infinite(counts[1])
        upper[2::3] = few
        capped: list[Row] = [([3 * cell + 2, 3 * cell], [1.0, -1.0], -INFINITE, 0.0) for cell in range(cells)]
        rows = [*sums.rows(self._column), *capped]
        self._program = Program(lower, upper, rows, deadline, costs_change=True)

    def seem_small(self, cells: Sequence[int]) -> list[int]:
        """Those of these cells that no table shows to be as many as a few, of those in which most are."""
        left = list(cells)
        while left:
            table = self._solve(dict.fromkeys(left, -1.0), step=2)
            small = [cell for cell in left if table[3 * cell] < self._few - ALMOST]
            if len(small) == len(left):
                break
            left = small
        return left

    def end(self, cell: int, *, greatest: bool) -> float:
        """The most of a count, or a few where it can be that many; or the least."""
        table = self._solve({cell: -1.0 if greatest else 1.0}, step=2 if greatest else 0)
        return min(float(table[3 * cell]), float(self._few)) if greatest else float(table[3 * cell])

    def _solve(self, costs: Mapping[int, float], step: int) -> Vector:
        wanted = np.zeros(self._program.columns)
        for cell, cost in costs.items():
            wanted[self._column[cell] + step] = cost
        self._program.set_costs(wanted)
        return _minimise(self._program)


def _times(each: Bounds, counts: tuple[Bounds, Bounds], *, greatest: bool) -> Bounds:
    """The least, or the most, that children come to of whom each comes to so much."""
    low, high = counts
    is_open = (high >= UNBOUNDED) & (each > 0 if greatest else each < 0)
    ends = each * np.minimum(low, UNBOUNDED), each * np.where(high < UNBOUNDED, high, low)
    together = np.maximum(*ends) if greatest else np.minimum(*ends)
    limit = UNBOUNDED if greatest else -UNBOUNDED
    return np.clip(np.where(is_open, limit, together), -UNBOUNDED, UNBOUNDED)


def _how_many(together: tuple[int, int], each: tuple[int, int]) -> tuple[int, int]:
    """How many children can come to something between two ends, where each comes to something between two others."""
    (low, high), (least, most) = together, each
    few, many = 0, UNBOUNDED
    if low > -UNBOUNDED:
        few = -(-low // most) if most > 0 and low > 0 else few
        many = low // most if most < 0 else many
    if high < UNBOUNDED:
        few = max(few, -(-high // least)) if least < 0 and high < 0 else few
        many = min(many, high // least) if least > 0 else many
    return few, many

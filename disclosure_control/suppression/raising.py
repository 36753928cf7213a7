"""Raising cells of a table, as many at once as can be: the program that witnesses come from.

A cell that is raised is the sum of two columns: what counts, up to a cap, and what is beyond. Aiming at other cells
opens and closes what counts, and leaves the costs as they are. What was the cheapest then stays so but for some bounds,
which is what the dual simplex method begins from: where few cells change, it takes a tenth of the steps that other
costs would.
"""

from collections.abc import Mapping

import numpy as np

from disclosure_control.suppression.deadline import Deadline
from disclosure_control.suppression.programs import Places, Program, Rows, Vector

__all__ = ["Raising"]


class Raising:
    """A linear program over columns, of which those of some cells can be raised."""

    def __init__(
        self, columns: Mapping[int, int], lower: Vector, upper: Vector, rows: Rows, deadline: Deadline
    ) -> None:
        self._count, self._lower, self._upper = len(lower), lower, upper
        self._place = {cell: place for place, cell in enumerate(columns)}
        self._column = np.array(list(columns.values()), np.int64)
        self._counting = {column: place for place, column in enumerate(columns.values())}
        self._held: list[int] = []
        self._open = np.zeros(len(columns))
        self._weights = np.ones(len(columns))
        none, doubled = np.zeros(len(columns)), _double(rows, self._column, self._count)
        least, most = np.concatenate([lower, none]), np.concatenate([upper, none])
        self._program = Program(least, most, doubled, deadline, presolve=False)
        self._price()

    def weigh(self, weights: Mapping[int, float]) -> None:
        """Have these cells count for so much."""
        for cell, weight in weights.items():
            self._weights[self._place[cell]] = weight
        self._price()

    def aim(self, caps: Mapping[int, int]) -> None:
        """Have these cells count, up to their caps, and no others."""
        wanted = np.zeros(len(self._open))
        for cell, cap in caps.items():
            if cell in self._place:
                wanted[self._place[cell]] = cap - self._lower[self._column[self._place[cell]]]
        own = self._column
        wanted = np.clip(wanted, 0, self._upper[own] - self._lower[own])
        changed = np.flatnonzero(wanted != self._open)
        own = own[changed]
        self._program.set_bounds(own, self._lower[own], self._upper[own] - wanted[changed])
        self._program.set_bounds(self._count + changed, np.zeros(len(changed)), wanted[changed])
        self._open = wanted

    def hold(self, column: int, number: float) -> None:
        """Have a column be this number, until all are released."""
        self._held.append(column)
        beyond, counts = number, 0.0
        if column in self._counting:
            counts = min(number - self._lower[column], self._open[self._counting[column]])
            beyond -= counts
        self._bound(column, (beyond, beyond), (counts, counts))

    def release(self) -> None:
        """Have the columns that were held be what they can be again."""
        for column in self._held:
            wanted = self._open[self._counting[column]] if column in self._counting else 0.0
            self._bound(column, (self._lower[column], self._upper[column] - wanted), (0.0, wanted))
        self._held.clear()

    def _bound(self, column: int, beyond: tuple[float, float], counts: tuple[float, float]) -> None:
        """Change what a column can be, and what counts of it if anything can."""
        columns, ends = [column], [beyond]
        if column in self._counting:
            columns, ends = [column, self._count + self._counting[column]], [beyond, counts]
        low, high = np.array(ends).T
        self._program.set_bounds(columns, low, high)

    def solve(self) -> Vector:
        """The columns where as much counts as can be. Raises `NoSolution` and `TimeUp`."""
        return self._sum(self._program.minimise())

    def sink(self, cell: int) -> Vector:
        """The columns where this cell is as small as it can be. Raises `NoSolution` and `TimeUp`."""
        costs = np.zeros(self._program.columns)
        costs[[self._column[self._place[cell]], self._count + self._place[cell]]] = 1
        self._program.set_costs(costs)
        self._program.expect(costs_change=True)
        try:
            return self._sum(self._program.minimise())
        finally:
            self._program.expect(costs_change=False)
            self._price()

    def _sum(self, found: Vector) -> Vector:
        """The columns, each with what counts of it."""
        values = found[: self._count].copy()
        values[self._column] += found[self._count :]
        return values

    def _price(self) -> None:
        self._program.set_costs(np.concatenate([np.zeros(self._count), -self._weights]))


def _double(rows: Rows, columns: Places, count: int) -> Rows:
    """Rows in which each of these columns stands beside a new one, which come after all others in the same order."""
    beside = np.full(count, -1)
    beside[columns] = count + np.arange(len(columns))
    row, twice = np.repeat(np.arange(len(rows.sizes)), rows.sizes), beside[rows.columns] >= 0
    order = np.argsort(np.concatenate([row, row[twice]]), kind="stable")
    return Rows(
        rows.sizes + np.bincount(row[twice], minlength=len(rows.sizes)),
        np.concatenate([rows.columns, beside[rows.columns[twice]]])[order],
        np.concatenate([rows.factors, rows.factors[twice]])[order],
        rows.low,
        rows.high,
    )

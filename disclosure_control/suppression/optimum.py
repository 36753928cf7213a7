"""The cheapest pattern of a table, exactly: cutting planes after Fischetti and Salazar (Management Science, 2001).

A master program chooses which cells to withhold. For each cell that must be able to rise, a linear program asks how far
it can with that choice; where that is not far enough, the prices of the program's bounds say which cells any good
choice must have some of, and the master is told so. A master that may withhold cells in part is cut first, since that
is quick; what it then costs is less than any pattern does.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from disclosure_control.suppression.lattice import Lattice
from disclosure_control.suppression.programs import INFINITE, NoSolution, Places, Program, Row, Vector

__all__ = ["Limits", "Optimum"]

MOST_ROUNDS = 60
"""Of cutting, in part and in whole."""

ENOUGH = 1e-6

HALF = 0.5
NEARLY_WHOLE = 0.9
STEPS = 10

FAR = 1e6
"""Further than any cell falls."""

WORTHWHILE = 0.8
"""Raising cells together goes on for as long as a fifth of them is cleared by it."""


@dataclass(frozen=True)
class Limits:
    """How far each cell can fall and rise: shown, by rounding alone, and withheld. `open` cells are withheld."""

    shown: tuple[Vector, Vector]
    withheld: tuple[Vector, Vector]
    open: "np.ndarray[tuple[int], np.dtype[np.bool_]]"

    @property
    def gains(self) -> tuple[Vector, Vector]:
        """How much further a cell can fall and rise if it is withheld."""
        return self.shown[0] - self.withheld[0], self.withheld[1] - self.shown[1]


class Optimum:
    """The search for the cheapest pattern, in two steps: with cells that are withheld in part, and in whole."""

    def __init__(self, lattice: Lattice, limits: Limits, needs: Mapping[int, int], costs: Vector) -> None:
        self._choices = np.flatnonzero((limits.gains[0] + limits.gains[1] > 0) & ~limits.open)
        count = len(self._choices)
        self._master = Program(np.zeros(count), np.ones(count), _bridges(lattice, limits, self._choices))
        self._costs = costs[self._choices]
        self._master.set_costs(self._costs)
        self._separator = _Separator(lattice, limits, needs, self._choices)

    def nearly(self) -> list[int] | None:
        """Cells to withhold at nearly the least cost, or None where it takes too long.

        What would be withheld nearly whole is withheld, with a few of the next, and the rest is asked for again, until
        nothing is in parts.
        """
        while (chosen := self._cut()) is not None:
            parts = np.flatnonzero((chosen > ENOUGH) & (chosen < 1 - ENOUGH))
            if not len(parts):
                return self._cells(chosen)
            largest = parts[np.lexsort((self._costs[parts], -chosen[parts]))]
            taken = np.union1d(largest[: 1 + len(parts) // STEPS], np.flatnonzero(chosen >= NEARLY_WHOLE))
            self._master.set_bounds(taken, np.ones(len(taken)), np.ones(len(taken)))
        return None

    def exactly(self) -> list[int] | None:
        """The cells to withhold at least cost, or None where it takes too long."""
        if self._cut() is None:
            return None
        self._master.whole_numbers(range(len(self._choices)))
        chosen = self._cut()
        return None if chosen is None else self._cells(chosen)

    def _cells(self, chosen: Vector) -> list[int]:
        return [int(cell) for cell in self._choices[chosen > HALF]]

    def _cut(self) -> Vector | None:
        """The master's choice once nothing more can be cut from it."""
        for _ in range(MOST_ROUNDS):
            try:
                chosen = self._master.minimise()
            except NoSolution:
                return None
            cuts = list(self._separator.cuts(chosen))
            if not cuts:
                return chosen
            for cut in cuts:
                self._master.add_row(cut)
        return None


class _Separator:
    """Tells which cells do not rise far enough with a choice, and what choices that let them have in common.

    Beside each cell in need it has a lifted column, of at most the cell and at most the need, so that one program
    clears many cells at once.
    """

    def __init__(self, lattice: Lattice, limits: Limits, needs: Mapping[int, int], choices: Places) -> None:
        self._limits, self._needs, self._choices = limits, needs, choices
        self._count = len(lattice)
        self._lifted = {cell: self._count + place for place, cell in enumerate(needs)}
        lower = np.concatenate([limits.shown[0], np.full(len(needs), -FAR)])
        upper = np.concatenate([limits.shown[1], np.array(list(needs.values()), float)])
        lifts: list[Row] = [([cell, column], [1.0, -1.0], 0.0, INFINITE) for cell, column in self._lifted.items()]
        self._program = Program(lower, upper, [*_relations(lattice), *lifts])

    def cuts(self, chosen: Vector) -> Iterator[Row]:
        """What must be added to the master."""
        self._choose(chosen)
        for cell in self._doubtful():
            if self._is_lacking(cell):
                yield self._cut(cell)

    def _choose(self, chosen: Vector) -> None:
        """Let each cell change as much as is withheld of it."""
        share = self._limits.open.astype(float)
        share[self._choices] = np.clip(chosen, 0, 1)
        falls, rises = self._limits.gains
        lower, upper = self._limits.shown[0] - share * falls, self._limits.shown[1] + share * rises
        self._program.set_bounds(range(self._count), lower, upper)

    def _is_lacking(self, cell: int) -> bool:
        return bool(self._raise([cell])[cell] < self._needs[cell] - ENOUGH)

    def _doubtful(self) -> list[int]:
        """The cells that are not seen to rise far enough together with others."""
        left = list(self._needs)
        while left:
            change = self._raise([self._lifted[cell] for cell in left])
            still = [cell for cell in left if change[cell] < self._needs[cell] - ENOUGH]
            if len(still) > len(left) * WORTHWHILE:
                return still
            left = still
        return left

    def _raise(self, columns: Sequence[int]) -> Vector:
        """A change with these columns as large as can be."""
        costs = np.zeros(self._count + len(self._lifted))
        costs[list(columns)] = -1
        self._program.set_costs(costs)
        return self._program.minimise()

    def _cut(self, cell: int) -> Row:
        """From the prices of the bounds that keep a cell from rising: some of these have to be withheld."""
        limits, choices = self._limits, self._choices
        falls, rises = limits.gains
        price = -self._program.reduced_costs[: self._count]
        upwards, downwards = np.maximum(price, 0), np.maximum(-price, 0)
        worth = upwards * rises + downwards * falls
        fixed = float((upwards * limits.shown[1] - downwards * limits.shown[0]).sum())
        lacking = self._needs[cell] - fixed - float(worth[limits.open].sum())
        factors = np.minimum(worth[choices], lacking)
        places = np.flatnonzero(factors > ENOUGH)
        return [int(each) for each in places], [float(each) for each in factors[places]], lacking, INFINITE


def _bridges(lattice: Lattice, limits: Limits, choices: Places) -> Iterator[Row]:
    """No cell is withheld alone among those that add up, where none of them is rounded."""
    column = {int(cell): place for place, cell in enumerate(choices)}
    rounded = limits.shown[0] < limits.shown[1]
    for relation in lattice.relations:
        cells = (relation.total, *relation.parts)
        if any(rounded[cell] for cell in cells):
            continue
        free = [column[cell] for cell in cells if cell in column]
        is_open = sum(bool(limits.open[cell]) for cell in cells)
        if is_open == 1:
            yield free, [1.0] * len(free), 1.0, INFINITE
        for place in free if not is_open else ():
            yield free, [-1.0 if each == place else 1.0 for each in free], 0.0, INFINITE


def _relations(lattice: Lattice) -> Iterator[Row]:
    for relation in lattice.relations:
        cells = (relation.total, *relation.parts)
        yield cells, (1.0, *(-1.0 for _ in relation.parts)), 0.0, 0.0

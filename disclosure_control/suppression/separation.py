"""Separation: which cells a choice does not let rise far enough, and what all choices that do have in common.

For each cell that must be able to rise a linear program asks how far it can. Where that is not far enough, the prices
of the program's bounds say of which cells any good choice has some (Fischetti and Salazar, Management Science, 2001).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from disclosure_control.suppression.lattice import Lattice
from disclosure_control.suppression.limits import Limits
from disclosure_control.suppression.programs import INFINITE, Places, Program, Row, Vector
from disclosure_control.suppression.progress import Progress, say_nothing
from disclosure_control.suppression.routes import Routes

__all__ = ["OUTSIDER", "Onlooker", "Separator"]

ENOUGH = 1e-6

WORTHWHILE = 0.8
"""Raising cells together goes on for as long as a fifth of them is cleared by it."""

IDLE = 3
"""So many cells in a row that rise far enough end a search that has found something: what is left comes up again."""


@dataclass(frozen=True)
class Onlooker:
    """Somebody who knows some cells, and of whom the `told` ones are no secret: what those add up to."""

    known: frozenset[int]
    told: frozenset[int]


OUTSIDER = Onlooker(frozenset(), frozenset())
"""Whoever knows what is published, and no more."""


class Separator:
    """Tells what must be added to a choice of cells to withhold, for each of those who look on.

    Beside each cell in need it has a lifted column, of at most the cell and at most the need, so that one program
    clears many cells at once.
    """

    def __init__(
        self,
        lattice: Lattice,
        limits: Limits,
        needs: Mapping[int, int],
        choices: Places,
        onlookers: Sequence[Onlooker] = (),
        progress: Progress = say_nothing,
    ) -> None:
        self._progress = progress
        self._needs, self._choices = needs, choices
        self._views = [(each, limits.knowing(each.known)) for each in (OUTSIDER, *onlookers)]
        self._count = len(lattice)
        self._lifted = {cell: self._count + place for place, cell in enumerate(needs)}
        lower = np.concatenate([limits.shown[0], np.full(len(needs), limits.withheld[0].min(initial=0))])
        upper = np.concatenate([limits.shown[1], np.array(list(needs.values()), float)])
        lifts: list[Row] = [([cell, column], [1.0, -1.0], 0.0, INFINITE) for cell, column in self._lifted.items()]
        self._program = Program(lower, upper, [*_relations(lattice), *lifts], costs_change=True)
        self._routes = Routes(lattice, needs)

    def cuts(self, chosen: Vector) -> list[Row]:
        """What must be added to the choice: for outsiders; for who knows more, once outsiders are told nothing."""
        outsiders, *others = self._views
        return list(self._find(chosen, *outsiders)) or [cut for each in others for cut in self._find(chosen, *each)]

    def _find(self, chosen: Vector, onlooker: Onlooker, limits: Limits) -> Iterator[Row]:
        lower, upper = self._bounds(chosen, limits)
        cells = [cell for cell in self._needs if cell not in onlooker.told]
        if onlooker is not OUTSIDER:
            cells = self._routes.lacking(cells, lower, upper)
        if not cells:
            return
        self._program.set_bounds(range(self._count), lower, upper)
        doubtful = self._doubtful(cells) if onlooker is OUTSIDER else cells
        idle = -len(doubtful)  # Until something is found all of them are looked at.
        while doubtful and idle < IDLE:
            self._progress(f"choosing what to withhold: {len(doubtful)} cells that a choice may not be enough for")
            cell = doubtful[0]
            change, rest, idle = self._raise([cell]), doubtful[1:], idle + 1
            if change[cell] < self._needs[cell] - ENOUGH:
                yield self._cut(cell, limits)
                # What is in the way of this one is in the way of those at it, and is cut once: they come up again.
                price, idle = self._program.reduced_costs, 0
                rest = [each for each in rest if abs(price[each]) < ENOUGH]
            doubtful = self._lacking(rest, change)

    def _bounds(self, chosen: Vector, limits: Limits) -> tuple[Vector, Vector]:
        """How far each cell can fall and rise: as much as is withheld of it."""
        share = limits.open.astype(float)
        share[self._choices] = np.clip(chosen, 0, 1)
        falls, rises = limits.gains
        return limits.shown[0] - share * falls, limits.shown[1] + share * rises

    def _doubtful(self, cells: Collection[int]) -> list[int]:
        """Those of the cells that are not seen to rise far enough together with others; first what rises least."""
        left = list(cells)
        while left:
            change, before = self._raise([self._lifted[cell] for cell in left]), len(left)
            left = self._lacking(left, change)
            if len(left) > before * WORTHWHILE:
                return sorted(left, key=lambda cell: change[cell] / self._needs[cell])
        return left

    def _lacking(self, cells: Collection[int], change: Vector) -> list[int]:
        return [cell for cell in cells if change[cell] < self._needs[cell] - ENOUGH]

    def _raise(self, columns: Sequence[int]) -> Vector:
        """A change with these columns as large as can be."""
        costs = np.zeros(self._count + len(self._lifted))
        costs[list(columns)] = -1
        self._program.set_costs(costs)
        return self._program.minimise()

    def _cut(self, cell: int, limits: Limits) -> Row:
        """From the prices of the bounds that keep a cell from rising: some of these have to be withheld."""
        falls, rises = limits.gains
        price = -self._program.reduced_costs[: self._count]
        upwards, downwards = np.maximum(price, 0), np.maximum(-price, 0)
        worth = upwards * rises + downwards * falls
        fixed = float((upwards * limits.shown[1] - downwards * limits.shown[0]).sum())
        lacking = self._needs[cell] - fixed - float(worth[limits.open].sum())
        factors = np.minimum(worth[self._choices], lacking)
        places = np.flatnonzero(factors > ENOUGH)
        return [int(each) for each in places], [float(each) for each in factors[places]], lacking, INFINITE


def _relations(lattice: Lattice) -> Iterator[Row]:
    for relation in lattice.relations:
        cells = (relation.total, *relation.parts)
        yield cells, (1.0, *(-1.0 for _ in relation.parts)), 0.0, 0.0

"""Routes: small changes of a table that raise one cell as far as it must be able to rise, and leave most as it is.

A route that was found for one of those who look on does for all who know none of the cells on it, and for as long as
those are withheld: so most of them are looked at without a program being solved.
"""

from collections.abc import Collection, Mapping

import numpy as np

from disclosure_control.suppression.lattice import Lattice
from disclosure_control.suppression.programs import INFINITE, NoSolution, Program, Rows, Vector

__all__ = ["Routes"]

NOTHING = 1e-7
"""The solver's own bounds are as exact."""


class Routes:
    """The routes of some cells, each by what it needs, within bounds that differ by who looks on and what is withheld.

    A program has two columns for each cell, a rise and a fall, and wants as little of either as can be. A cell that is
    to rise is a bound of it: so each program begins where the last one ended.
    """

    def __init__(self, lattice: Lattice, needs: Mapping[int, int]) -> None:
        self._needs, self._count = needs, len(lattice)
        self._raised: list[int] = []
        self._routes, self._cells = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self._changes = np.zeros(0)
        everything = np.full(2 * self._count, INFINITE)
        self._program = Program(np.zeros(2 * self._count), everything, _rows(lattice), presolve=False)
        self._program.set_costs(np.ones(2 * self._count))

    def lacking(self, cells: Collection[int], lower: Vector, upper: Vector) -> list[int]:
        """Those of the cells that have no route within these bounds."""
        shown = self._shown(lower, upper)
        left = [cell for cell in cells if cell not in shown]
        if not left:
            return []
        self._program.set_bounds(range(self._count), np.zeros(self._count), upper)
        self._program.set_bounds(range(self._count, 2 * self._count), np.zeros(self._count), -lower)
        return [cell for cell in left if not self._has_route(cell, lower, upper)]

    def _shown(self, lower: Vector, upper: Vector) -> frozenset[int]:
        """The cells with a route that was found before and is within these bounds."""
        beyond = (self._changes < lower[self._cells] - NOTHING) | (self._changes > upper[self._cells] + NOTHING)
        fits = np.ones(len(self._raised), bool)
        fits[self._routes[beyond]] = False
        return frozenset(self._raised[route] for route in np.flatnonzero(fits))

    def _has_route(self, cell: int, lower: Vector, upper: Vector) -> bool:
        need, most = float(self._needs[cell]), float(upper[cell])
        if most < need - NOTHING:
            return False
        self._bound(cell, (min(need, most), most), 0)  # Were it to fall as well, it would not have risen.
        try:
            found = self._program.minimise()
        except NoSolution:
            return False
        finally:
            self._bound(cell, (0, most), -float(lower[cell]))
        self._keep(cell, found[: self._count] - found[self._count :])
        return True

    def _bound(self, cell: int, rise: tuple[float, float], fall: float) -> None:
        least, most = rise
        self._program.set_bounds([cell, self._count + cell], np.array([least, 0]), np.array([most, fall]))

    def _keep(self, cell: int, change: Vector) -> None:
        moved = np.flatnonzero(np.abs(change) > NOTHING)
        self._routes = np.concatenate([self._routes, np.full(len(moved), len(self._raised))])
        self._cells = np.concatenate([self._cells, moved])
        self._changes = np.concatenate([self._changes, change[moved]])
        self._raised.append(cell)


def _rows(lattice: Lattice) -> Rows:
    """Every relation, of rises less falls."""
    members, count = lattice.incidence, len(lattice)
    sizes = 2 * members.add_up(np.ones(len(members.cells), np.int64))
    columns = np.stack([members.cells, count + members.cells], axis=1).ravel()
    factors = np.stack([members.signs, -members.signs], axis=1).ravel().astype(float)
    nothing = np.zeros(len(members))
    return Rows(sizes, columns, factors, nothing, nothing)

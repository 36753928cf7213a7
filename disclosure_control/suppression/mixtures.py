"""Mixtures of tables: where two tables agree with what is published, so does each that lies between them.

A table in which one cell is large and another in which a second one is have tables between them in which both are large
enough, if either was by more than enough. So a few tables show of many pairs of cells what would take a program for
each pair.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from disclosure_control.suppression.programs import Places, Vector

__all__ = ["Mixtures", "Reached"]

Reached = npt.NDArray[np.bool_]
"""Of each of some cells, by its place, whether it is 1 at least."""


class Mixtures:
    """Tables, and what lies between each of them and those in which one of some cells is largest.

    What is by so little less than 1, or less than enough, is taken for that (`almost`).
    """

    def __init__(self, cells: Sequence[int], almost: float) -> None:
        self._cells, self._almost = np.array(cells, np.int64), almost
        self._tables = np.empty((0, 0))
        self._largest_in = np.zeros(len(cells), np.int64)
        self._there = np.packbits(np.empty((0, len(cells)), bool), axis=1)
        self.largest = np.full(len(cells), -np.inf)
        """How large each of the cells is in the table in which it is largest."""

    def take(self, tables: Iterable[Vector]) -> None:
        """Add tables to those that there are."""
        if not len(added := np.array(list(tables))):
            return
        before, here = len(self._tables), added[:, self._cells]
        self._tables = np.concatenate([self._tables.reshape(before, -1), added]) if before else added
        self._there = np.concatenate([self._there, np.packbits(here > 1 - self._almost, axis=1)])
        larger = here.max(axis=0) > self.largest
        self._largest_in[larger] = before + here.argmax(axis=0)[larger]
        self.largest[larger] = here.max(axis=0)[larger]

    def reached(self, cell: int, enough: float, among: Reached | None = None) -> Reached:
        """Which of the cells are 1 in a table in which another cell is enough: of these, and of what lies between.

        With `among` others than those are not looked at.
        """
        column, enough = self._tables[:, cell], enough - self._almost
        found, left = np.zeros(len(self._cells), bool), np.ones(len(self._cells), bool) if among is None else among
        large = np.flatnonzero(column >= enough)
        # The table in which the cell is largest does for most.
        for tables in (large[np.argsort(-column[large])[:1]], large):
            places = np.flatnonzero(left & ~found)
            found[places] = self._between(column, enough, tables, places)
        return found

    def _between(self, column: Vector, enough: float, tables: Places, places: Places) -> Reached:
        """The same of the cells in some places, and of these tables and those in which each cell is largest."""
        largest, at_largest = self.largest[places], column[self._largest_in[places]]
        here = self._tables[np.ix_(tables, self._cells[places])]
        needed = _share(1 - self._almost - here, largest - here)
        borne = 1 - _share(enough - at_largest, column[tables, np.newaxis] - at_largest)
        alone = (at_largest >= enough) & (largest >= 1 - self._almost)
        return np.asarray(alone | (needed <= borne).any(axis=0))

    def reached_without(self, cell: int) -> Reached:
        """Which of the cells are 1 in one of these tables in which another cell is 0."""
        found = np.bitwise_or.reduce(self._there[self._tables[:, cell] < self._almost], axis=0)
        return np.unpackbits(found, count=len(self._cells)).astype(bool)


def _share(missing: Vector, gained: Vector) -> Vector:
    """How much of another table makes up for what is missing in one: more than 1 where none does."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(missing <= 0, 0.0, np.where(gained > 0, missing / gained, np.inf))

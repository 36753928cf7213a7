"""Mixtures of tables: where two tables agree with what is published, so does each that lies between them.

A table in which one cell is large and another in which a second one is have tables between them in which both are large
enough, if either was by more than enough. So a few tables show of many pairs of cells what would take a program for
each pair.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from disclosure_control.suppression.programs import Vector

__all__ = ["Mixtures", "Reached"]

Reached = npt.NDArray[np.bool_]
"""Of each of some cells, by its place, whether it is 1 at least."""


class Mixtures:
    """Tables, and what lies between each of them and those in which one of some cells is largest.

    What is by so little less than 1, or less than enough, is taken for that (`almost`).
    """

    def __init__(self, cells: Sequence[int], almost: float) -> None:
        self._cells, self._almost = np.array(cells, np.int64), almost
        self._tables: list[Vector] = []
        self._largest_in = np.zeros(len(cells), np.int64)
        self._here = self._needed = np.empty((0, len(cells)))
        self._there = np.packbits(self._here > 0, axis=1)
        self.largest = np.full(len(cells), -np.inf)
        """How large each of the cells is in the table in which it is largest."""

    def take(self, tables: Iterable[Vector]) -> None:
        """Add tables to those that there are."""
        here, there = [self._here], [self._there]
        for table in tables:
            larger = table[self._cells] > self.largest
            self.largest[larger] = table[self._cells[larger]]
            self._largest_in[larger] = len(self._tables)
            self._tables.append(table)
            here.append(table[np.newaxis, self._cells])
            there.append(np.packbits(here[-1] > 1 - self._almost, axis=1))
        self._here, self._there = np.concatenate(here), np.concatenate(there)
        self._needed = _share(1 - self._almost - self._here, self.largest - self._here)

    def reached(self, cell: int, enough: float, among: Reached | None = None) -> Reached:
        """Which of the cells are 1 in a table in which another cell is enough: of these, and of what lies between.

        With `among` others than those are not looked at.
        """
        places = np.arange(len(self._cells)) if among is None else np.flatnonzero(among)
        column, enough = np.array([table[cell] for table in self._tables]), enough - self._almost
        at_largest, large = column[self._largest_in[places]], np.flatnonzero(column >= enough)
        borne = 1 - _share(enough - at_largest, column[large, np.newaxis] - at_largest)
        alone = (at_largest >= enough) & (self.largest[places] >= 1 - self._almost)
        found = np.zeros(len(self._cells), bool)
        found[places] = alone | (self._needed[np.ix_(large, places)] <= borne).any(axis=0)
        return found

    def reached_without(self, cell: int) -> Reached:
        """Which of the cells are 1 in one of these tables in which another cell is 0."""
        empty = np.array([table[cell] < self._almost for table in self._tables], bool)
        found = np.bitwise_or.reduce(self._there[empty], axis=0)
        return np.unpackbits(found, count=len(self._cells)).astype(bool)


def _share(missing: Vector, gained: Vector) -> Vector:
    """How much of another table makes up for what is missing in one: more than 1 where none does."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(missing <= 0, 0.0, np.where(gained > 0, missing / gained, np.inf))

"""Parts of a table: cells that are looked at by themselves, with everything outside held still.

What is enough with the rest of the table held still is enough all the same, and a program over a region's authorities
is solved in a fraction of the time of one over the country. A table that is no tree in any column is one part.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from disclosure_control.suppression.lattice import Lattice, Relation
from disclosure_control.suppression.programs import Places

__all__ = ["Mask", "Part", "Parts"]

Mask = npt.NDArray[np.bool_]

Value = TypeVar("Value")


@dataclass(frozen=True)
class Part:
    """Some cells of a lattice, numbered anew: those that `move`, and those that they add up with, which are still."""

    lattice: Lattice
    cells: Places
    moves: Mask

    @cached_property
    def numbers(self) -> Mapping[int, int]:
        """The number here of each cell that moves."""
        return {int(cell): number for number, cell in enumerate(self.cells) if self.moves[number]}


class Parts:
    """The ways to divide one lattice."""

    def __init__(self, lattice: Lattice) -> None:
        self._lattice = lattice
        self._relation, self._cell = lattice.incidence.relations, lattice.incidence.cells

    def by_tree(self) -> list[Places]:
        """The cells beneath the totals of one column, group by group: of that column which leaves the smallest groups.

        With the totals held still, what is beneath one of them has nothing to do with what is beneath another, where
        the column is a tree and no flat list. The totals themselves are in no group, unless there is one alone.
        """
        count = len(self._lattice)
        best = [np.arange(count)]
        for totals in self._totals().values():
            moves = np.ones(count, bool)
            moves[totals] = False
            found = self.connected(moves)
            if len(found) > 1 and max(map(len, found)) < max(map(len, best)):
                best = found
        return best

    def connected(self, moves: Mask) -> list[Places]:
        """The cells that move, in groups of which none has to do with another: each takes its neighbours' least."""
        inner = moves[self._cell]
        cells, relations = self._cell[inner], self._relation[inner]
        labels, changed = np.arange(len(moves)), True
        while changed:
            least = np.full(len(self._lattice.relations), len(moves))
            np.minimum.at(least, relations, labels[cells])
            lower = labels.copy()
            np.minimum.at(lower, cells, least[relations])
            lower = lower[lower]
            changed = bool((lower < labels).any())
            labels = lower
        moving = np.flatnonzero(moves)
        moving = moving[np.argsort(labels[moving], kind="stable")]
        borders = np.flatnonzero(np.diff(labels[moving])) + 1
        return [each for each in np.split(moving, borders) if len(each)]

    def related(self) -> Mask:
        """The cells that are a total or a part of one."""
        found = np.zeros(len(self._lattice), bool)
        found[self._cell] = True
        return found

    def take(self, cells: Sequence[int] | Places) -> Part:
        """The part in which these cells move."""
        moves = np.zeros(len(self._lattice), bool)
        moves[cells] = True
        is_touched = np.zeros(len(self._lattice.relations), bool)
        is_touched[self._relation[moves[self._cell]]] = True
        is_taken = moves.copy()
        is_taken[self._cell[is_touched[self._relation]]] = True
        taken = np.flatnonzero(is_taken)
        relations = [self._lattice.relations[each] for each in np.flatnonzero(is_touched)]
        return Part(_restrict(self._lattice, taken, relations), taken, moves[taken])

    def above(self, cells: Sequence[int] | Places) -> Mask:
        """The totals that these cells are part of, near and far."""
        reached = np.zeros(len(self._lattice), bool)
        reached[list(self._lattice.climb(map(int, cells)))] = True
        reached[cells] = False
        return reached

    def _totals(self) -> dict[str, list[int]]:
        """The cells that are totals along each column."""
        keys = self._lattice.keys
        found: dict[str, list[int]] = {}
        for relation in self._lattice.relations:
            for column in {name for name, _ in keys[relation.total] ^ keys[relation.parts[0]]}:
                found.setdefault(column, []).append(relation.total)
        return found


def _restrict(lattice: Lattice, cells: Places, relations: Sequence[Relation]) -> Lattice:
    number = {int(cell): place for place, cell in enumerate(cells)}
    anew = tuple(Relation(number[each.total], tuple(number[part] for part in each.parts)) for each in relations)

    def pick(values: Sequence[Value]) -> tuple[Value, ...]:
        return tuple(values[cell] for cell in number)

    shown = sum(cell < lattice.shown for cell in number)
    named, sizes = pick(lattice.keys), pick(lattice.breadths)
    return Lattice(named, anew, (), sizes, pick(lattice.levels), pick(lattice.owners), shown)

"""Contributors: what somebody who is counted finds out about others, since they know that they are there themselves.

Of six children c are fourteen, and the rest are sixteen: whoever is one of the rest knows that the others are five at
most. So what an outsider may not know of a count, or of a group that nobody asked for, may nobody know who is in a cell
that it does not count: each of them is a reader for whom that cell is not empty.

Looked at are the smallest cells there are, one for each reader: of somebody in several of them at once, by columns that
no question crosses, each by itself. Where a cell is known to hold somebody its children know nothing more than others.
Where counts are rounded nothing is looked at: one child is mostly less than what rounding leaves open. Nor is at groups
that an outsider knows to be few, or nobody.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

import numpy as np
import numpy.typing as npt

from disclosure_control.linked.counts.cells import Linked
from disclosure_control.linked.counts.rules import Rules, strictest
from disclosure_control.linked.counts.said import Entries, Said
from disclosure_control.suppression.deadline import Deadline
from disclosure_control.suppression.parts import Parts
from disclosure_control.suppression.programs import Vector
from disclosure_control.suppression.reader import ALMOST, Contradiction, Reader
from disclosure_control.suppression.view import View

__all__ = ["find_told_to_contributors"]


def find_told_to_contributors(
    linked: Linked, entries: Entries, rules: Rules, view: View, deadline: Deadline
) -> frozenset[int]:
    """The withheld cells, and cells that nobody asked for, of which somebody who is counted knows too much.

    `view` is what is printed, as an outsider has it. Raises `TimeUp`.
    """
    if any(each.bases.nation > 1 for each in rules):
        return frozenset()
    said = Said.of(linked, entries, rules)
    hidden = [cell for cell in said.hidden() if cell not in linked.ordinary]
    wanted = dict.fromkeys([*said.withheld_cells(), *hidden], strictest(rules).least)
    return frozenset(_find(view, wanted, frozenset(hidden) if view.rule.hidden[0] else frozenset(), deadline))


def _find(view: View, wanted: Mapping[int, int], may_be_none: Set[int], deadline: Deadline) -> Iterator[int]:
    """What has nothing to do with each other is looked at by itself."""
    lattice, parts = view.lattice, Parts(view.lattice)
    smallest = set(range(len(lattice))) - {each.total for each in lattice.relations}
    for cells in parts.connected(view.low < view.high) if wanted else ():
        inside = [int(cell) for cell in cells if int(cell) in wanted and view.high[cell] >= wanted[int(cell)]]
        own = [int(cell) for cell in cells if int(cell) in smallest and view.low[cell] == 0]
        if inside and own:
            part = parts.take(cells)
            numbers = part.numbers
            search = _Search(
                replace(view.within(part), withheld=tuple(sorted({numbers[cell] for cell in (*inside, *own)}))),
                {numbers[cell]: wanted[cell] for cell in inside},
                [numbers[cell] for cell in own],
                frozenset(numbers[cell] for cell in inside if cell in may_be_none),
                deadline,
            )
            yield from (int(part.cells[cell]) for cell in search.run())


@dataclass(frozen=True)
class _Search:
    """The search, among readers each of whom is in one of their `own` cells, for cells that cannot be large enough."""

    view: View
    wanted: Mapping[int, int]
    own: list[int]
    may_be_none: Set[int]
    deadline: Deadline

    def run(self) -> Iterator[int]:
        """Tables are looked at that show of many readers at once that they know no more; then reader by reader."""
        cells, told = list(self.wanted), set[int]()
        left = np.array([[cell not in self._counting[each] for cell in cells] for each in self.own])
        reader, before = Reader(self.view, self.deadline), -1
        reader.weigh(dict.fromkeys(self.own, float(max(self.wanted.values()))))
        while left.any() and left.sum() != before:
            before = left.sum()
            caps = {self.own[number]: 1 for number in np.flatnonzero(left.any(axis=1))}
            caps |= {cells[number]: self.wanted[cells[number]] for number in np.flatnonzero(left.any(axis=0))}
            left &= ~self._shown(reader.lift(caps), cells)
        for weights in self._halves() if self.may_be_none and left.any() else ():
            left &= ~self._shown(reader.sink(list(weights), list(weights.values())), cells)
        for number in range(len(self.own)):
            told.update(self._told_to(number, left, cells, told))
        return iter(sorted(told))

    def _shown(self, table: Vector, cells: list[int]) -> npt.NDArray[np.bool_]:
        """Of which readers a table with somebody in their cell shows that which cells are large enough."""
        fine = [self._is_enough(table, cell) or self._is_none(table, cell) for cell in cells]
        return np.outer(table[self.own] > 1 - ALMOST, fine)

    def _halves(self) -> Iterator[dict[int, float]]:
        """What tables are to be small in: cells that may be empty, as far as one half of the readers' own is not."""
        for digit, side in product(range((len(self.own) - 1).bit_length()), (0, 1)):
            mine = [cell for place, cell in enumerate(self.own) if place >> digit & 1 == side]
            yield dict.fromkeys(self.may_be_none, 1.0) | dict.fromkeys(mine, -1.0)

    def _told_to(self, number: int, left: npt.NDArray[np.bool_], cells: list[int], told: Set[int]) -> Iterator[int]:
        """Which cells are told to one reader, that nobody else is told: of those that are `left` for them.

        A table that shows this reader that they know no more shows others that, too, and what is left is less for all.
        """
        mine = left[number]
        mine &= np.array([cell not in told for cell in cells])
        if not mine.any():
            return
        low, before = self.view.low.copy(), -1
        low[self.own[number]] = 1
        reader = Reader(replace(self.view, low=low), self.deadline)
        try:
            while mine.any() and mine.sum() != before:
                before = mine.sum()
                for table in self._tables(reader, [cells[place] for place in np.flatnonzero(mine)]):
                    left &= ~self._shown(table, cells)
            for place in np.flatnonzero(mine).tolist():
                for table in self._tables_of(reader, cells[place]) if mine[place] else ():
                    left &= ~self._shown(table, cells)
                    if not mine[place]:
                        break
                if mine[place]:
                    yield cells[place]
        except Contradiction:
            return  # Nobody can be in there.

    def _tables(self, reader: Reader, cells: list[int]) -> Iterator[Vector]:
        """A table in which these cells are large together, and one in which those that may be are empty."""
        yield reader.lift({cell: self.wanted[cell] for cell in cells})
        if empty := [cell for cell in cells if cell in self.may_be_none]:
            yield reader.sink(empty)

    def _tables_of(self, reader: Reader, cell: int) -> Iterator[Vector]:
        """The table in which a cell is largest, and, where it may be empty, the one in which it is smallest."""
        yield reader.most(cell)
        if cell in self.may_be_none:
            yield reader.sink([cell])

    def _is_enough(self, table: Vector, cell: int) -> bool:
        return bool(table[cell] > self.wanted[cell] - ALMOST)

    def _is_none(self, table: Vector, cell: int) -> bool:
        """Whether there is nobody in a cell of whom that says nothing."""
        return cell in self.may_be_none and bool(table[cell] < ALMOST)

    @cached_property
    def _counting(self) -> Mapping[int, Set[int]]:
        """The cells that count whoever is in one of their own."""
        totals: dict[int, list[int]] = {}
        for relation in self.view.lattice.relations:
            for part in relation.parts:
                totals.setdefault(part, []).append(relation.total)
        return {own: _reach(own, totals) for own in self.own}


def _reach(own: int, totals: Mapping[int, Sequence[int]]) -> Set[int]:
    found, front = {own}, [own]
    while front:
        new = {total for cell in front for total in totals.get(cell, ())} - found
        found |= new
        front = list(new)
    return found

"""Contributors: what somebody who is counted finds out about others, since they know that they are there themselves.

Of six children c are fourteen, and the rest are sixteen: whoever is one of the rest knows that the others are five at
most. So what an outsider may not know of a count may nobody know who is in a cell that it does not count: each of the
smallest cells of which an outsider takes it that there may be nobody in it is a reader to whom it is not empty. Where a
cell is known to hold somebody its children know nothing more than others.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from disclosure_control.suppression.deadline import NEVER, Deadline
from disclosure_control.suppression.mixtures import Mixtures
from disclosure_control.suppression.parts import Parts
from disclosure_control.suppression.programs import Places, Vector
from disclosure_control.suppression.reader import ALMOST, Contradiction, Reader
from disclosure_control.suppression.view import View

__all__ = ["told_to_contributors"]

AMPLE = 2
"""So many times as many as it takes are tried for at first: what lies half way to another table is enough still."""


def told_to_contributors(
    view: View, wanted: Mapping[int, int], deadline: Deadline = NEVER, may_be_none: Set[int] = frozenset()
) -> Iterator[int]:
    """Which of some cells, each of which is wanted to be able to be so large, somebody in another knows not to be.

    Of those that `may_be_none` it is enough to be able to be empty. What has nothing to do with each other is looked at
    by itself. Raises `TimeUp`.
    """
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
    """The search, among readers each of whom is in one of their `own` cells, for cells that cannot be large enough.

    A reader knows no more of a cell where a table that has somebody in their own has the cell large enough, or empty if
    that says nothing.
    """

    view: View
    wanted: Mapping[int, int]
    own: list[int]
    may_be_none: Set[int]
    deadline: Deadline

    def run(self) -> Iterator[int]:
        """Cell by cell: mostly a few tables, and what lies between them, show of all readers that they know no more.

        Only where these do not is it asked how large the cell can be, and then how large each reader's own.
        """
        reader, mixtures = Reader(self.view, self.deadline), Mixtures(self.own, ALMOST)
        ample = AMPLE * max(self.wanted.values())
        for cells in (self.wanted, self.own):
            mixtures.take(reader.lift_each(dict.fromkeys(cells, ample)))
        nowhere = (own for own, most in zip(self.own, mixtures.largest, strict=True) if most < 1 - ALMOST)
        mixtures.take(reader.raise_all(dict.fromkeys(nowhere, 1)))
        for cell in self.wanted:
            left = self._left(cell, mixtures)
            if len(left):
                mixtures.take([reader.most(cell)])
                left = self._left(cell, mixtures)
            if len(left):
                mixtures.take(self._raise_own(reader, mixtures, left, ample))
                left = self._left(cell, mixtures)
            readers = [self.own[place] for place in left.tolist()]
            if readers and cell in self.may_be_none:
                readers = list(self._shut_out(readers, cell, (0, 0), mixtures))
            enough = self.wanted[cell], int(self.view.high[cell])
            if readers and next(self._shut_out(readers, cell, enough, mixtures), None) is not None:
                yield cell

    def _raise_own(self, reader: Reader, mixtures: Mixtures, places: Places, ample: int) -> Iterator[Vector]:
        """Tables in which each of these readers' own cells is as large as it can be, or ample."""
        caps = np.minimum(ample, self.view.high[self.own]) - ALMOST
        short = places[mixtures.largest[places] < caps[places]].tolist()
        return reader.raise_each([self.own[place] for place in short], caps[short].tolist())

    def _left(self, cell: int, mixtures: Mixtures) -> Places:
        """The readers, by the places of their own cells, of whom no table shows that they know no more of a cell."""
        left = mixtures.largest > 1 - ALMOST  # In the others can be nobody.
        left[self._counted_in.get(cell, [])] = False
        if cell in self.may_be_none:
            left &= ~mixtures.reached_without(cell)
        if left.any():
            left &= ~mixtures.reached(cell, self.wanted[cell], left)
        return np.flatnonzero(left)

    def _shut_out(
        self, readers: Sequence[int], cell: int, between: tuple[int, int], mixtures: Mixtures
    ) -> Iterator[int]:
        """Those of some readers of whom nobody is there in any table that has a cell between these."""
        low, high, left = self.view.low.copy(), self.view.high.copy(), list(readers)
        low[cell], high[cell] = between
        try:
            reader = Reader(replace(self.view, low=low, high=high), self.deadline)
            tables = list(reader.lift_each(dict.fromkeys(readers, 1)))
            mixtures.take(tables)
            left = [own for own in readers if max(table[own] for table in tables) < 1 - ALMOST]
            yield from (own for own in left if reader.most(own)[own] < 1 - ALMOST)
        except Contradiction:
            yield from left

    @cached_property
    def _counted_in(self) -> Mapping[int, Sequence[int]]:
        """The readers whom each cell counts, by the places of their own."""
        totals: dict[int, list[int]] = {}
        for relation in self.view.lattice.relations:
            for part in relation.parts:
                totals.setdefault(part, []).append(relation.total)
        found: dict[int, list[int]] = {}
        for place, own in enumerate(self.own):
            for cell in _reach(own, totals):
                found.setdefault(cell, []).append(place)
        return found


def _reach(own: int, totals: Mapping[int, Sequence[int]]) -> Set[int]:
    found, front = {own}, [own]
    while front:
        new = {total for cell in front for total in totals.get(cell, ())} - found
        found |= new
        front = list(new)
    return found

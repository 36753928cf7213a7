"""Groups of children that no question is about and that lie in several parts: of no part is it known that there is
anybody in it, and of all of them together that there are some, and too few.

A question of its own that cuts such a group in two (a decoy) hides it from whoever looks at parts one by one, and takes
nothing from what the others tell. Which parts make up such a group is chosen by a program of whole numbers: it is held
to tables that agree with everything published, and either of its choices' own least and most is found to do, or the
tables that show otherwise are added to those that the next choice is held to.
"""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from itertools import islice
from math import ceil, floor

import numpy as np

from disclosure_control.suppression.attack import Known
from disclosure_control.suppression.deadline import NEVER, Deadline
from disclosure_control.suppression.programs import NoSolution, Program, Row, Vector
from disclosure_control.suppression.reader import ALMOST, Reader
from disclosure_control.suppression.view import View

__all__ = ["MOST_CHOICES", "find_lacking", "find_unions"]

MOST_JOINED = 40
"""So many cells by columns that no table has together are looked at in groups of several."""

MOST_CHOICES = 200
"""Choices that are looked at; were there more, the last is taken to be one."""

AWAY = 1000
"""So many times as much as others the cells of a choice count, where it is asked whether nobody need be in them."""

SOMEBODY = 1e-3
"""So much more than nothing, or less than enough, has a meaning in tables that need not be of whole numbers."""


def find_unions(
    view: View,
    hidden: Sequence[int],
    deadline: Deadline = NEVER,
    joint: Set[int] = frozenset(),
    most: int = MOST_CHOICES,
) -> list[list[Known]]:
    """The parts of each such group among these cells that has no other in it, each with what is known of it.

    The `joint` ones (see `Linked`) are among them where few of them are small. Of no more than so many groups are they,
    those of fewest parts. Raises `Contradiction` and `TimeUp`.
    """
    free = [cell for cell in hidden if view.low[cell] < view.high[cell]]
    if not free:
        return []
    reader, least = Reader(replace(view, withheld=tuple(free)), deadline), view.rule.enough(0)
    left, tables = lift_all(reader, free, least)
    if not left or _can_be_empty(reader, left, tables):
        return []  # All of them can be empty at once, and so can whatever they make up.
    if len(joint & set(left)) > MOST_JOINED:
        left = [cell for cell in left if cell not in joint]
    small = _find_small(reader, left, least)
    if not small or _can_be_empty(reader, small, tables):
        return []
    return list(islice(_Search(reader, small, least, tables, deadline).run(), most))


def _can_be_empty(reader: Reader, cells: Sequence[int], tables: list[Vector]) -> bool:
    """Whether nobody need be in any of these cells; with it one more table, in which they are as empty as can be."""
    tables.append(reader.sink(cells))
    return bool(tables[-1][list(cells)].sum() < SOMEBODY)


def find_lacking(reader: Reader, cells: Sequence[int], least: int) -> list[int]:
    """The cells that cannot have enough."""
    return _find_small(reader, lift_all(reader, cells, least)[0], least)


def _find_small(reader: Reader, cells: Sequence[int], least: int) -> list[int]:
    """The same of cells that are asked about one by one, but for those that have enough in a table made for another."""
    largest = np.full(len(reader.view.low), -np.inf)
    for table in reader.raise_each(cells, [least - ALMOST] * len(cells)):
        largest = np.maximum(largest, table)
    return [cell for cell in cells if largest[cell] < least - ALMOST]


def lift_all(reader: Reader, cells: Sequence[int], least: int) -> tuple[list[int], list[Vector]]:
    """The cells that have not enough in any of some tables in which as many have as can, and these tables."""
    left, tables = list(cells), list[Vector]()
    while left:
        tables.append(reader.lift(dict.fromkeys(left, least)))
        still = [cell for cell in left if tables[-1][cell] < least - ALMOST]
        if len(still) == len(left):
            break
        left = still
    return left, tables


@dataclass
class _Search:
    """The search for a group among cells that are small, by tables that agree with what is published."""

    reader: Reader
    cells: Sequence[int]
    least: int
    tables: list[Vector]
    deadline: Deadline

    def run(self) -> Iterator[list[Known]]:
        """The cells of each group: those of fewest first, so that none has another in it."""
        count = len(self.cells)
        master = Program(np.zeros(count), np.ones(count), map(self._hold, self.tables), self.deadline)
        master.set_costs(np.ones(count))
        master.whole_numbers(range(count))
        for number in range(MOST_CHOICES):
            try:
                places = [place for place, share in enumerate(master.minimise()) if share > SOMEBODY]
            except NoSolution:
                break
            chosen = [self.cells[place] for place in places]
            fewest, most = self._empty(chosen), self.reader.swell(chosen)
            low, high = (float(table[chosen].sum()) for table in (fewest, most))
            if (low > SOMEBODY and high < self.least - SOMEBODY) or number == MOST_CHOICES - 1:
                yield [Known(cell, ceil(low - ALMOST), floor(high + ALMOST)) for cell in chosen]
                master.add_row((places, [1.0] * len(places), 0, len(places) - 1))  # Not again, nor with others.
                continue
            for table in (fewest, most):
                master.add_row(self._hold(table))

    def _empty(self, chosen: Sequence[int]) -> Vector:
        """A table in which as few as can be are in what was chosen, and, where that is nobody, few in other cells.

        The fewer cells somebody is in, the more it says of what the next choice has to have.
        """
        weights = dict.fromkeys(self.cells, 1.0) | dict.fromkeys(chosen, float(AWAY))
        table = self.reader.sink(list(weights), list(weights.values()))
        return self.reader.sink(chosen) if table[list(chosen)].sum() > SOMEBODY else table

    def _hold(self, table: Vector) -> Row:
        """In this table there is somebody in the group, and it is too small."""
        return range(len(self.cells)), [float(table[cell]) for cell in self.cells], SOMEBODY, self.least - SOMEBODY

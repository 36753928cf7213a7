"""Own sake: what is withheld in a table without totals was most likely withheld for its own sake, and is few.

In one table with totals a reader does not know for whose sake a count is withheld. Of one without, nothing was withheld
for others' sake unless it was for that of an earlier table, and whoever replays the rule mostly knows: five boys and
five girls, both withheld, are known from a total of ten that is asked for later. So a further row is printed only where
no count becomes one number by such a reading, as far as tables can be read so; nor, where zeros are withheld, somebody.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import ceil

import numpy as np

from disclosure_control.linked.children.counted import counts_of, stands_alone
from disclosure_control.linked.counts.cells import Linked, Place
from disclosure_control.linked.counts.implied import narrow_bounds
from disclosure_control.linked.counts.rules import Rules
from disclosure_control.linked.counts.said import Entries
from disclosure_control.linked.counts.view import SOMEBODY, Reading, view_counts
from disclosure_control.linked.published import Published
from disclosure_control.suppression.attack import Known
from disclosure_control.suppression.deadline import NEVER, Deadline
from disclosure_control.suppression.parts import Parts
from disclosure_control.suppression.programs import Places
from disclosure_control.suppression.reader import ALMOST, Contradiction, Reader
from disclosure_control.suppression.rules import UNBOUNDED
from disclosure_control.suppression.view import WITHHELD, View

__all__ = ["OwnSake", "list_few"]


def list_few(published: Sequence[Published]) -> Sequence[frozenset[Place]]:
    """Table by table the counts that may be withheld for their own sake alone: none of one with totals."""
    return [frozenset(_few_of(number, table)) for number, table in enumerate(published)]


def _few_of(number: int, table: Published) -> Iterator[Place]:
    if not stands_alone(table.plan) or len(table.plan.academic_years) != 1:
        return
    for counted in counts_of(table.plan):
        if table.plan.outputs[counted.place].kind == "count" and counted.rows == table.plan.where:
            yield from ((number, place, counted.label) for place in range(len(table.rows)))


FEW_CELLS = 12
"""So few cells that seem known are looked at one by one before it is asked whether they were known already."""


@dataclass(frozen=True, eq=False)
class OwnSake:
    """What is known of withheld counts if those of some tables, in this order, are `few`; `less` was printed before.

    Whether what is withheld is somebody is taken by one `reading` of both.
    """

    linked: Linked
    less: Entries
    rules: Rules
    few: Sequence[Collection[Place]]
    deadline: Deadline = NEVER
    reading: Reading = SOMEBODY

    def fresh(self, entries: Entries, view: View | None = None) -> Mapping[int, Known]:
        """The withheld cells that are then one number (or somebody, where zeros are withheld), and were not before.

        `view` is what is printed, where somebody has it. Raises `TimeUp`.
        """
        if (now := self._read(entries, view)) is None:
            return {}
        seeming = now.seeming()
        if len(seeming) <= FEW_CELLS:  # What was known before is mostly not asked for then.
            seeming = [cell for cell in seeming if now.tells(cell)]
        fresh = (cell for cell in seeming if self._past is None or not self._past.tells(cell))
        return {each.cell: each for each in map(now.know, fresh) if each is not None}

    @cached_property
    def _past(self) -> "_Reading | None":
        return self._read(self.less, None)

    def _read(self, entries: Entries, view: View | None) -> "_Reading | None":
        """What is printed, to whoever takes it that the tables withhold what is few, one after the other."""
        if not any(self._is_withheld(entries, place) for places in self.few for place in places):
            return None
        try:
            view, cells = view or view_counts(self.linked, entries, self.rules, self.reading), set[int]()
        except Contradiction:
            return None
        for places in self.few:
            own = [each for each in places if self._is_withheld(entries, each)]
            least = {self.linked.places[each]: self.rules[each[0]].least for each in own}
            with suppress(Contradiction):  # Some of them were withheld for others' sake.
                view = _hold(view, least)
                cells |= least.keys()
        return _Reading(view, frozenset(cells), all(each.shows_zero for each in self.rules), self.deadline)

    def _is_withheld(self, entries: Entries, place: Place) -> bool:
        return place in self.linked.places and entries.get(place) == WITHHELD


def _hold(view: View, least: Mapping[int, int]) -> View:
    """The view of whoever takes it that these are fewer. Raises `Contradiction`."""
    if not least:
        return view
    high, cells, enough = view.high.copy(), list(least), np.array(list(least.values()))
    high[cells] = np.minimum(high[cells], enough - 1)
    if (view.low[cells] > high[cells]).any():  # As it mostly is, where any was: so nothing has to be added up.
        raise Contradiction("not all of these are so few")
    low, high = narrow_bounds(view.lattice, view.low, high)
    return replace(view, low=low, high=high)


@dataclass(frozen=True, eq=False)
class _Reading:
    """A view in which some cells are few. What has nothing to do with each other is looked at by itself."""

    view: View
    cells: frozenset[int]
    shows_zero: bool
    deadline: Deadline
    _readers: dict[int, tuple[Mapping[int, int], Reader]] = field(default_factory=dict)

    def seeming(self) -> list[int]:
        """The cells of which no table is found that shows them otherwise, as far as one is looked for."""
        low, high = self.view.low, self.view.high
        found = [cell for cell in self.cells if self._is_told(int(low[cell]), int(high[cell]))]
        for numbers, inside in self._looked(self.cells.difference(found)):
            cells, reader = self._lay_out(numbers)
            with suppress(Contradiction):  # Not all of them can be few.
                seem = set(_seem_known(reader, [cells[cell] for cell in inside], shows_zero=self.shows_zero))
                found += [cell for cell in inside if cells[cell] in seem]
        return sorted(found)

    def tells(self, cell: int) -> bool:
        """Whether a cell is known, if it is one of them."""
        if cell not in self.cells:
            return False
        if self.shows_zero or int(self.view.low[cell]) == int(self.view.high[cell]):
            return self.know(cell) is not None
        try:
            return self._least(cell) > 0 or self.know(cell) is not None
        except Contradiction:
            return False

    def know(self, cell: int) -> Known | None:
        """How far a cell is known, if that is too far."""
        low, high = int(self.view.low[cell]), int(self.view.high[cell])
        if not self._is_told(low, high):
            ((numbers, _),) = self._looked(frozenset({cell}))
            cells, reader = self._lay_out(numbers)
            try:
                least, most = reader.interval(cells[cell])
            except Contradiction:
                return None
            low, high = least or 0, UNBOUNDED if most is None else most
        return Known(cell, low, high) if self._is_told(low, high) else None

    def _least(self, cell: int) -> int:
        """The least that it can be."""
        if (low := int(self.view.low[cell])) > 0:
            return low
        ((numbers, _),) = self._looked(frozenset({cell}))
        cells, reader = self._lay_out(numbers)
        return ceil(float(reader.sink([cells[cell]])[cells[cell]]) - ALMOST)

    def _is_told(self, least: int, most: int) -> bool:
        if self.shows_zero:  # A 0 would be printed.
            return 0 < least == most
        return least == most or least > 0

    def _looked(self, cells: frozenset[int]) -> Iterator[tuple[Places, list[int]]]:
        """The cells that each of these has to do with, and those of these that are among them."""
        for numbers in self._groups if cells else ():
            if inside := sorted(cells.intersection(map(int, numbers))):
                yield numbers, inside

    @cached_property
    def _parts(self) -> Parts:
        return Parts(self.view.lattice)

    @cached_property
    def _groups(self) -> Sequence[Places]:
        return self._parts.connected(self.view.low < self.view.high)

    def _lay_out(self, numbers: Places) -> tuple[Mapping[int, int], Reader]:
        if (first := int(numbers[0])) not in self._readers:
            part = self._parts.take(numbers)
            self._readers[first] = part.numbers, Reader(self.view.within(part), self.deadline)
        return self._readers[first]


def _seem_known(reader: Reader, cells: Sequence[int], *, shows_zero: bool) -> list[int]:
    """Those that are alike in all tables that are looked at, or nowhere empty where zeros are withheld.

    In each of two tables some are small and the others large, so that what one has another can lack; in the last two
    all of them are the one or the other.
    """
    left, halving, is_last = list(cells), 0, False
    low, high = np.full(len(reader.view.low), np.inf), np.full(len(reader.view.low), -np.inf)
    while left and not is_last:
        signs = [1.0 - 2 * (place >> halving & 1) for place in range(len(left))]
        is_last = min(signs) > 0
        for weights in (signs, [-each for each in signs]):
            table = reader.sink(left, weights)
            low, high = np.minimum(low, table), np.maximum(high, table)
        left = [cell for cell in left if high[cell] - low[cell] < 1 - ALMOST or (low[cell] > ALMOST and not shows_zero)]
        halving += 1
    return left

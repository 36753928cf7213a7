"""What is printed of each cell, and where: laid out once, in arrays, for all that an attack asks of it.

An authority has thousands of counts in fifty releases, and there are as many authorities as England has.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from disclosure_control.linked.counts.cells import Linked, Place
from disclosure_control.linked.counts.rules import Rules
from disclosure_control.suppression.parts import Mask
from disclosure_control.suppression.programs import Places
from disclosure_control.suppression.reader import Contradiction
from disclosure_control.suppression.rules import UNBOUNDED, Interval
from disclosure_control.suppression.view import WITHHELD, Bounds, Printed

__all__ = ["Entries", "Said", "printed_cells"]

Entries = Mapping[Place, Printed | Interval]
"""What is printed of each count, or between what it is by a share; one that nobody has is left out."""


@dataclass(frozen=True)
class Said:
    """Entry after entry: its place, its cell, the number of its question, and between what the count is by it.

    One that is `printed` is a number, one that is `withheld` hides one, and one that `is_open` is any symbol. There
    are `count` cells.
    """

    places: Sequence[Place]
    cells: Places
    numbers: Places
    low: Bounds
    high: Bounds
    printed: Mask
    withheld: Mask
    is_open: Mask
    count: int

    @classmethod
    def of(cls, linked: Linked, entries: Entries, rules: Rules) -> "Said":
        """What is said of cells; of counts that nobody can be in nothing is."""
        places = [place for place in entries if place in linked.places]
        said, cells = [entries[place] for place in places], [linked.places[place] for place in places]
        hidden, levels = [rule.hidden for rule in rules], linked.lattice.levels

        def ends(place: Place, entry: Printed | Interval, cell: int) -> Interval:
            if isinstance(entry, int):
                return rules[place[0]].behind(entry, levels[cell])
            return entry if isinstance(entry, tuple) else hidden[place[0]]

        low, high = np.array(list(map(ends, places, said, cells)), np.int64).reshape(-1, 2).T
        return cls(
            places,
            cells=np.array(cells, np.int64),
            numbers=np.array([number for number, _, _ in places], np.int64),
            low=low,
            high=high,
            printed=np.array([isinstance(entry, int) for entry in said], bool),
            withheld=np.array([entry == WITHHELD for entry in said], bool),
            is_open=np.array([isinstance(entry, str) for entry in said], bool),
            count=len(linked.lattice),
        )

    def bounds(self, may_be_none: Collection[int]) -> tuple[Bounds, Bounds]:
        """What each cell can be by itself, where what is not printed may be nobody in these tables.

        Raises `Contradiction`.
        """
        is_nobody = self.is_open & np.isin(self.numbers, list(may_be_none))
        low, high = np.zeros(self.count, np.int64), np.full(self.count, UNBOUNDED, np.int64)
        np.maximum.at(low, self.cells, np.where(is_nobody, 0, self.low))
        np.minimum.at(high, self.cells, self.high)
        if (low > high).any():
            raise Contradiction("two releases print one count differently")
        return low, high

    def hidden(self) -> list[int]:
        """The cells that nobody asked for, or of which nothing is told.

        A figure that hides how many are behind it says nothing, nor does one that says between what they are: its group
        is looked at like one that nobody asked for, or else asking for a withheld average of three children would keep
        everybody from looking at them.
        """
        return np.flatnonzero(~self._any(self.printed | self.withheld)).tolist()

    def withheld_cells(self) -> list[int]:
        """The cells that are withheld and nowhere printed."""
        return np.flatnonzero(self._any(self.withheld) & ~self._any(self.printed)).tolist()

    def printed_later(self) -> list[tuple[int, int]]:
        """The cells that one release withholds and a later one prints, each with the number of the first question."""
        latest = np.full(self.count, -1)
        np.maximum.at(latest, self.cells[self.printed], self.numbers[self.printed])
        found = np.flatnonzero(self.withheld & (self.numbers < latest[self.cells]))
        return list(zip(self.cells[found].tolist(), self.numbers[found].tolist(), strict=True))

    def places_of(self, cells: Collection[int]) -> Mapping[int, Sequence[Place]]:
        """The counts that are of each of these cells and tell something of it."""
        found: dict[int, list[Place]] = {cell: [] for cell in cells}
        for entry in np.flatnonzero((self.printed | self.withheld) & np.isin(self.cells, list(cells))).tolist():
            found[int(self.cells[entry])].append(self.places[entry])
        return found

    def _any(self, which: Mask) -> Mask:
        """The cells of which there is such an entry."""
        found = np.zeros(self.count, bool)
        found[self.cells[which]] = True
        return found


def printed_cells(linked: Linked, entries: Entries) -> frozenset[int]:
    """The cells of the counts that are printed."""
    return frozenset(
        linked.places[place] for place, entry in entries.items() if isinstance(entry, int) and place in linked.places
    )

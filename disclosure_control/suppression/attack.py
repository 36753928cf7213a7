"""The attack on a table that is published: what a reader can work out about the cells that are withheld.

All withheld cells are treated alike, since a reader does not know for whose sake each is withheld. The attack is by
linear programs, and by whole numbers: it does not guess, and claims nothing about readers who do.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from disclosure_control.suppression.deadline import NEVER, Deadline
from disclosure_control.suppression.only_small import find_only_small
from disclosure_control.suppression.parts import Parts
from disclosure_control.suppression.programs import Places
from disclosure_control.suppression.progress import Progress, say_nothing
from disclosure_control.suppression.reader import Contradiction, Reader
from disclosure_control.suppression.view import View
from disclosure_control.suppression.witnesses import find_witnesses

__all__ = ["Attack", "Contradiction", "Knowing", "Known", "attack_view", "know_cells"]

MOST_INTERVALS = 2_000
"""Withheld cells of which each is given the whole interval; of more, only those are that tell too much."""


@dataclass(frozen=True)
class Known:
    """What a reader knows of a withheld cell: the least and the most that it can be, None where nothing limits it."""

    cell: int
    low: int | None
    high: int | None

    @property
    def is_exact(self) -> bool:
        """Whether the figure itself is known."""
        return self.low is not None and self.low == self.high


@dataclass(frozen=True)
class Attack:
    """What a reader finds. `told` are withheld cells of which too much is known, the exact ones among them.

    `barred` are cells that are printed although the rule withholds them. `zeros` are withheld cells of which nothing is
    told by their being 0: all that they add up is printed as 0.
    """

    withheld: int
    known: tuple[Known, ...]
    told: frozenset[int]
    barred: frozenset[int] = frozenset()
    zeros: frozenset[int] = frozenset()

    @property
    def exact(self) -> int:
        """How many withheld figures are known exactly."""
        return sum(each.is_exact for each in self.known)

    @property
    def below_rule(self) -> int:
        """How many are known to be narrower than the rule has it: a small count is known to be small."""
        return len(self.told)

    @property
    def is_safe(self) -> bool:
        """Whether nothing is told."""
        return not self.told and not self.barred


def attack_view(view: View, *, intervals: bool | None = None, progress: Progress = say_nothing) -> Attack:
    """Attack a table as it is published. Raises `Contradiction` where its figures do not add up.

    Witness tables clear most cells at once. A cell that none clears is looked at alone, and is told if linear programs
    bound it so, or if no table of whole numbers was found that clears it; or if it is the only one that can be small.
    """
    Reader(view)
    if not view.withheld:
        return Attack(0, (), frozenset())
    found = find_witnesses(view, progress=progress)
    only = find_only_small(view, found)
    told = frozenset((*found.told(), *only))
    every = len(view.withheld) <= MOST_INTERVALS if intervals is None else intervals
    bounded = know_cells(view, view.withheld if every else told, progress=progress)
    known = tuple(Known(each.cell, only[each.cell], only[each.cell]) if each.cell in only else each for each in bounded)
    exact = {each.cell for each in known if each.is_exact}
    return Attack(len(view.withheld), known, told | exact)


def know_cells(
    view: View, wanted: Collection[int], deadline: Deadline = NEVER, progress: Progress = say_nothing
) -> Iterable[Known]:
    """What is known of these cells, in their order. Raises `Contradiction` and `TimeUp`."""
    knowing, found = Knowing(view, deadline), list[Known]()
    for cell in sorted(wanted):
        progress(f"looking at what is known of each cell: {len(found)} of {len(wanted)}")
        found.append(knowing.know(cell))
    return found


class Knowing:
    """What is known of single cells of a view, each looked at beside what it has to do with alone.

    Of some cells it was `found` before.
    """

    def __init__(
        self, view: View, deadline: Deadline = NEVER, found: Mapping[int, tuple[int, int]] | None = None
    ) -> None:
        self._view, self._deadline = view, deadline
        self._known: dict[int, tuple[int | None, int | None]] = dict(found or {})
        self._readers: dict[int, tuple[Mapping[int, int], Reader]] = {}

    @cached_property
    def _parts(self) -> Parts:
        return Parts(self._view.lattice)

    @cached_property
    def _groups(self) -> Mapping[int, Places]:
        """The cells that each has to do with."""
        groups = self._parts.connected(self._view.low < self._view.high)
        return {int(cell): cells for cells in groups for cell in cells}

    def know(self, cell: int) -> Known:
        """What is known of a cell. Raises `Contradiction` and `TimeUp`."""
        low, high = int(self._view.low[cell]), int(self._view.high[cell])
        if low == high:
            return Known(cell, low, high)
        if cell not in self._known:
            numbers, reader = self._read(self._groups[cell])
            self._known[cell] = reader.interval(numbers[cell])
        return Known(cell, *self._known[cell])

    def _read(self, cells: Places) -> tuple[Mapping[int, int], Reader]:
        if (first := int(cells[0])) not in self._readers:
            part = self._parts.take(cells)
            self._readers[first] = part.numbers, Reader(self._view.within(part), self._deadline)
        return self._readers[first]

"""Witness tables: whole tables that agree with everything published, and together show that no withheld cell is told.

Two linear programs for each cell would do, and take long. Here one program raises all cells that still need it at
once; a handful of tables does for most, and what is left is looked at one by one. Nothing here knows the data.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil, floor
from random import Random

import numpy as np

from disclosure_control.suppression.deadline import NEVER, Deadline
from disclosure_control.suppression.parts import Parts
from disclosure_control.suppression.programs import Places, Vector
from disclosure_control.suppression.progress import Progress, say_nothing
from disclosure_control.suppression.reader import ALMOST, Contradiction, Reader
from disclosure_control.suppression.view import Bounds, View, lacks

__all__ = ["Witnesses", "find_witnesses", "told_cells"]

MOST_ROUNDS = 80
"""Programs for many cells at once, before cells are looked at singly."""

MOST_IDLE = 4
"""So often in a row may cells be weighed anew without anything new being shown."""

WEIGHTS = 1e6
"""So many times as much as the lightest the heaviest cell can count: the more, the fewer are raised half way."""

MOST_SINGLE = 100
"""So few cells are looked at singly as soon as raising all at once helps no more: for many it is that nothing can."""

MOST_BEGINNINGS = 3
"""Programs for a first table, before it is found by branching."""


@dataclass
class Witnesses:
    """Tables of whole numbers, the range of each cell over them, and the withheld cells that they leave told.

    Where there is no table, `low` is more than any number, and `high` less. `lost` has the told cells that no table can
    clear, each with the least and the most that it can be.
    """

    view: View
    tables: list[Bounds] = field(default_factory=list)
    lost: dict[int, tuple[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Nothing is seen yet."""
        self.low = np.full(len(self.view.low), np.iinfo(np.int64).max)
        self.high = np.full(len(self.view.low), np.iinfo(np.int64).min)
        self._told = list(self.view.withheld)

    def take(self, table: Vector) -> bool:
        """Keep a table if it is one of whole numbers and shows something new of a withheld cell that was told."""
        whole = np.rint(table).astype(np.int64)
        if np.abs(whole - table).max(initial=0) > ALMOST:
            return False
        low, high = np.minimum(self.low, whole), np.maximum(self.high, whole)
        told = np.array(self._told, np.int64)
        if self.tables and not ((high > self.high) | (low < self.low))[told].any():
            return False
        self.low, self.high = low, high
        self.tables.append(whole)
        self._told = told[lacks(self.view.rule, low[told], high[told])].tolist()
        return len(self._told) < len(told)

    def told(self) -> list[int]:
        """The withheld cells of which these tables do not show enough."""
        return list(self._told)

    def hoped(self) -> list[int]:
        """Those of them that a further table may clear."""
        return [cell for cell in self._told if cell not in self.lost] if self.lost else self.told()

    def lose(self, cell: int, low: float, high: float) -> None:
        """Have a cell be between these in all tables, of whole numbers or not: it may be that none can clear it."""
        least, most = ceil(low - ALMOST), floor(high + ALMOST)
        if most < self.view.rule.enough(least):
            self.lost[cell] = least, most

    def cap(self, cell: int) -> int:
        """How large a table must have a cell for enough to be shown."""
        return self.caps([cell])[cell]

    def caps(self, cells: Sequence[int]) -> dict[int, int]:
        """How large a table must have each of some cells."""
        return self._caps(cells, self.low) if self.tables else self._least_caps(cells)

    def gain_by_sinking(self) -> list[int]:
        """The cells that are told and would need to be less large, were they seen to be smaller."""
        least = self._least_caps(self._told)
        return [cell for cell, cap in self.caps(self._told).items() if cap > least[cell]]

    def _least_caps(self, cells: Sequence[int]) -> dict[int, int]:
        return self._caps(cells, np.maximum(self.view.low, 0))

    def _caps(self, cells: Sequence[int], low: Bounds) -> dict[int, int]:
        ends = zip(cells, low[list(cells)].tolist(), strict=True)
        return {cell: self.view.rule.enough(least) for cell, least in ends}


def find_witnesses(view: View, deadline: Deadline = NEVER, progress: Progress = say_nothing) -> Witnesses:
    """Witness tables for a view; what they leave told, linear reasoning finds. Raises `Contradiction` and `TimeUp`.

    What has nothing to do with each other is looked at by itself.
    """
    parts, free = Parts(view.lattice), view.low < view.high
    related, looked = parts.related(), []
    if len(single := np.flatnonzero(free & ~related)):
        looked.append((single, _find_single(view.within(parts.take(single)))))
    connected = parts.connected(free & related)
    for number, cells in enumerate(connected):
        progress(f"proving that nothing is told: {number} of {len(connected)} parts of the table")
        part = parts.take(cells)
        looked.append((part.cells, _find_together(view.within(part), deadline, progress)))
    found = Witnesses(view)
    if all(each.tables for _, each in looked):
        _join(found, view.low, looked)
    for numbers, each in looked:
        found.lost |= {int(numbers[cell]): known for cell, known in each.lost.items()}
    return found


def _find_single(view: View) -> Witnesses:
    """Witnesses of cells that add up to nothing: each is as small as it can be in one, and large enough in another."""
    found = Witnesses(view)
    small = np.clip(0, view.low, view.high)
    found.take(small.astype(float))
    large = small.copy()
    for cell in found.told():
        large[cell] = max(small[cell], min(int(view.high[cell]), found.cap(cell)))
    found.take(large.astype(float))
    return found


def _find_together(view: View, deadline: Deadline, progress: Progress) -> Witnesses:
    """Witnesses of cells that all have to do with each other; none where no table of whole numbers is found."""
    found, reader = Witnesses(view), Reader(view, deadline)
    _raise_together(found, reader, progress)
    if not found.tables:
        _begin(found, reader)
        _raise_together(found, reader, progress)
    if found.tables:
        _raise_by_parts(found, deadline, progress)
    for number, cell in enumerate(hoped := found.hoped()):
        progress(_left(len(hoped) - number))
        if cell in found.told():
            _raise_alone(found, reader, cell, by_branching=True)
    return found


def _begin(found: Witnesses, reader: Reader) -> None:
    """Find a first table, where raising has found none: one in which all is small, or else one by branching."""
    draw = Random(0)  # noqa: S311
    for _ in range(MOST_BEGINNINGS):
        if found.take(reader.sink(found.told(), [1 + draw.random() for _ in found.told()])) or found.tables:
            return
    found.take(reader.whole({}))


def _raise_by_parts(found: Witnesses, deadline: Deadline, progress: Progress) -> None:
    """Look at what is told part by part, with everything outside as it is in the first witness."""
    view, parts, still = found.view, Parts(found.view.lattice), found.tables[0]
    groups, told, looked = parts.by_tree(), set(found.hoped()), []
    for cells in groups if len(groups) > 1 else ():
        if wanted := told.intersection(map(int, cells)):
            part = parts.take(cells)
            inner = replace(view, withheld=tuple(sorted(wanted))).within(part, still[part.cells].tolist())
            looked.append((part.cells, _find_together(inner, deadline, progress)))
    _join(found, still, [each for each in looked if each[1].tables])


def _join(found: Witnesses, still: Bounds, looked: Sequence[tuple[Places, Witnesses]]) -> None:
    """Take tables made of one from each part, the first of each with the first of the others, and so on."""
    for number in range(max((len(each.tables) for _, each in looked), default=0)):
        table = still.astype(float)
        for cells, each in looked:
            table[cells] = each.tables[min(number, len(each.tables) - 1)]
        found.take(table)


def _raise_together(found: Witnesses, reader: Reader, progress: Progress) -> None:
    """Raise all that are told at once, and go on with those that were not reached, for as long as that helps.

    Once none is left, or none of them is reached, those that it would help are lowered, and those that are told still
    are weighed anew: a table that is not of whole numbers shows nothing. Weights are drawn from a fixed seed, so that
    the same view has the same witnesses; they differ widely, since of cells that count alike many are raised half way.
    """
    draw, idle, left = Random(0), 0, list[int]()  # noqa: S311
    for _ in range(MOST_ROUNDS):
        progress(_left(len(found.hoped())))
        if not left:
            if idle and found.tables and len(found.hoped()) <= MOST_SINGLE:
                for cell in found.hoped():
                    _raise_alone(found, reader, cell)
            if not (left := found.hoped()) or idle > MOST_IDLE:
                return
            reader.weigh({cell: WEIGHTS ** draw.random() for cell in left})
            idle += 1
        caps = found.caps(left)
        table = reader.lift_whole(caps)
        helped, told = found.take(table), set(found.told())
        still = [cell for cell in left if cell in told and table[cell] < caps[cell] - ALMOST]
        left = still if len(still) < len(left) else []
        if not left and min(reader.view.rule.hidden) >= 0 and (small := found.gain_by_sinking()):
            helped |= found.take(reader.sink(small))
        idle = 0 if helped else idle


def _left(cells: int) -> str:
    return f"proving that nothing is told: {cells} cells to go"


def _raise_alone(found: Witnesses, reader: Reader, cell: int, *, by_branching: bool = False) -> None:
    """Show one cell to be as large as it can be, in whole numbers, or that no table can clear it."""
    cap = found.cap(cell)
    largest = reader.lift({cell: cap})
    if largest[cell] < cap - ALMOST:
        smallest = reader.least(cell)
        found.lose(cell, float(smallest[cell]), float(largest[cell]))
        found.take(smallest)
        found.take(largest)
    else:
        found.take(largest)
    for cost in (-1.0, 1.0) if by_branching else ():
        if cell in found.hoped():
            found.take(reader.whole({cell: cost}))


def told_cells(reader: Reader, wanted: Iterable[int] | Mapping[int, int]) -> list[int]:
    """Those of the withheld cells that linear reasoning shows not to be large enough, whole numbers or not.

    Enough is what the rule has it, or what is wanted of each.
    """
    view = reader.view
    given = wanted if isinstance(wanted, Mapping) else {}
    caps = {cell: given.get(cell, view.rule.enough(max(int(view.low[cell]), 0))) for cell in wanted}
    left = [cell for cell in caps if cell in view.withheld]
    while left:
        table = reader.lift({cell: caps[cell] for cell in left})
        still = [cell for cell in left if table[cell] < caps[cell] - ALMOST]
        if len(still) == len(left):
            break
        left = still
    return [cell for cell in left if reader.lift({cell: caps[cell]})[cell] < caps[cell] - ALMOST]


__all__ += ["Contradiction"]

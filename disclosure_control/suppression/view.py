"""What a reader has of a table: the printed figures, and the least and the most that each cell can be by itself."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from disclosure_control.presets.preset import Level
from disclosure_control.suppression.lattice import Lattice
from disclosure_control.suppression.parts import Part
from disclosure_control.suppression.rules import UNBOUNDED, Rule

__all__ = ["UNKNOWN", "WITHHELD", "Bounds", "Printed", "View", "added_zeros", "lacks", "view_printed"]

WITHHELD = "c"
"""Stands in the place of a figure that is withheld."""

UNKNOWN = "x"
"""Stands in the place of a figure that nobody has: it is not looked for, and helps nobody."""

Printed = int | str
"""A figure as it is printed, or one of the two symbols."""

Bounds = npt.NDArray[np.int64]


@dataclass(frozen=True)
class View:
    """A lattice as a reader sees it. `withheld` are cells by number, in order."""

    lattice: Lattice
    rule: Rule
    low: Bounds
    high: Bounds
    withheld: tuple[int, ...]

    @cached_property
    def ceiling(self) -> int:
        """More than any figure can be unless there is no limit to it: what is printed would add up to less."""
        known = self.high[self.high < UNBOUNDED]
        largest = max(abs(int(known.max(initial=0))), abs(int(known.min(initial=0))))
        return min(UNBOUNDED, (largest + 2 * self.rule.enough(0)) * (1 + max(self.lattice.breadths, default=1)))

    def knowing(self, figures: Sequence[int], cells: Sequence[int]) -> "View":
        """The view of a reader who knows these cells besides, as they are."""
        low, high = self.low.copy(), self.high.copy()
        places = list(cells)
        low[places] = high[places] = [figures[cell] for cell in places]
        known = set(cells)
        return replace(self, low=low, high=high, withheld=tuple(each for each in self.withheld if each not in known))

    def within(self, part: Part, figures: Sequence[int] | None = None) -> "View":
        """The view of a part; those of its cells that are held still are known, or are to be as these figures are."""
        number = {int(cell): place for place, cell in enumerate(part.cells)}
        withheld = tuple(number[cell] for cell in self.withheld if cell in number)
        found = View(part.lattice, self.rule, self.low[part.cells], self.high[part.cells], withheld)
        return found if figures is None else found.knowing(figures, [int(cell) for cell in np.flatnonzero(~part.moves)])


def lacks(rule: Rule, low: Bounds, high: Bounds) -> npt.NDArray[np.bool_]:
    """Which of some withheld figures are told, if these are the least and the most that each can be."""
    least, places = np.unique(np.minimum(low, UNBOUNDED), return_inverse=True)
    enough = np.array([rule.enough(int(each)) for each in least], np.int64)
    return np.asarray(high < enough[places])


def view_printed(lattice: Lattice, rule: Rule, printed: Sequence[Printed]) -> View:
    """The view of a table whose cells are printed so; a total without a row is known by nobody."""
    bounds = [_bounds(rule, entry, level) for entry, level in zip(printed, lattice.levels, strict=False)]
    bounds += [_bounds(rule, UNKNOWN, level) for level in lattice.levels[len(printed) :]]
    low, high = np.array(bounds, np.int64).reshape(-1, 2).T
    withheld = tuple(cell for cell, entry in enumerate(printed) if entry == WITHHELD)
    return View(lattice, rule, low, high, withheld)


def added_zeros(lattice: Lattice, printed: Sequence[Printed]) -> frozenset[int]:
    """The withheld cells that are 0 as all that they add up is printed as 0: they say again what that says."""
    zeros = [cell for cell, entry in enumerate(printed) if entry == 0]
    totals = (each.total for each in lattice.work_out(zeros))
    return frozenset(cell for cell in totals if cell < len(printed) and printed[cell] == WITHHELD)


def _bounds(rule: Rule, entry: Printed, level: Level) -> tuple[int, int]:
    if isinstance(entry, int):
        return rule.behind(entry, level)
    low, high = rule.hidden
    return (low, high) if entry == WITHHELD else (min(low, 0), high)

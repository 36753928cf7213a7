"""How far each cell of a table can fall and rise: shown, by rounding alone, and withheld."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from disclosure_control.suppression.parts import Mask, Part
from disclosure_control.suppression.programs import Vector

__all__ = ["Limits"]

Ends = tuple[Vector, Vector]
"""The least (0 or under) and the most (0 or over) that each cell can change."""


@dataclass(frozen=True)
class Limits:
    """What each cell can change by if it is shown, and if it is withheld; those that are `open` are withheld."""

    shown: Ends
    withheld: Ends
    open: Mask

    @property
    def gains(self) -> Ends:
        """How much further a cell can fall and rise if it is withheld."""
        return self.shown[0] - self.withheld[0], self.withheld[1] - self.shown[1]

    @property
    def are_rounded(self) -> bool:
        """Whether most of what is shown can change, since it is rounded."""
        return bool((self.shown[0] < self.shown[1]).sum() > len(self.open) / 2)

    @property
    def can_change(self) -> Mask:
        """Which cells can change as things stand."""
        return self.open | (self.shown[0] < self.shown[1])

    def within(self, part: Part) -> "Limits":
        """The limits of a part's cells; those that are held still do not change at all."""

        def pick(ends: Ends) -> Ends:
            low, high = (np.where(part.moves, end[part.cells], 0.0) for end in ends)
            return low, high

        return Limits(pick(self.shown), pick(self.withheld), self.open[part.cells] & part.moves)

    def knowing(self, cells: Collection[int]) -> "Limits":
        """The limits for a reader who knows these cells, withheld or not."""
        places = list(cells)

        def hold(ends: Ends) -> Ends:
            low, high = (end.copy() for end in ends)
            low[places] = high[places] = 0
            return low, high

        return Limits(hold(self.shown), hold(self.withheld), self.open)

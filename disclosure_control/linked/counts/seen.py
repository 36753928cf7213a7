"""What tables that agree with everything published have shown: how small and how large each cell is in some of them.

When less is printed than before, the same tables agree with that too: what they have shown need not be shown again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from disclosure_control.suppression.rules import Rule
from disclosure_control.suppression.view import Bounds, lacks

__all__ = ["Seen"]


@dataclass(frozen=True)
class Seen:
    """The range of each cell over some tables, in all of which it is between the `least` and the `most` it can be."""

    low: Bounds
    high: Bounds
    least: Bounds
    most: Bounds
    tables: tuple[Bounds, ...] = ()

    @classmethod
    def of(cls, before: "Seen | None", least: Bounds, most: Bounds) -> "Seen":
        """What was seen before, where it agrees with these bounds; otherwise nothing."""
        if before is not None and (least <= before.least).all() and (most >= before.most).all():
            return cls(before.low, before.high, least, most, before.tables)
        numbers = np.iinfo(np.int64)
        return cls(np.full(len(least), numbers.max), np.full(len(least), numbers.min), least, most)

    def beside(self, low: Bounds, high: Bounds, tables: Iterable[Bounds]) -> "Seen":
        """With further tables, and the range over them."""
        further = (*self.tables, *tables)
        return Seen(np.minimum(self.low, low), np.maximum(self.high, high), self.least, self.most, further)

    def empties(self, cells: Sequence[int]) -> bool:
        """Whether nobody is in any of these cells in one of the tables."""
        looked = np.array(cells, np.int64)
        return any(not each[looked].any() for each in self.tables)

    def lacking(self, cells: Iterable[int], rule: Rule) -> list[int]:
        """Those of the cells that were not seen to be large enough."""
        looked = np.array(list(cells), np.int64)
        return [int(cell) for cell in looked[lacks(rule, self.low[looked], self.high[looked])]]

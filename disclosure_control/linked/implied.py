"""What printed counts say of others at once, by adding up: before any linear program is asked.

A total of which all parts are known is known, and so is the last unknown part of a known total. The more has been
released, the more totals are known so; and what is left then falls apart into small groups of counts that have nothing
to do with each other.
"""

import numpy as np

from disclosure_control.suppression.lattice import Lattice
from disclosure_control.suppression.reader import Contradiction
from disclosure_control.suppression.view import Bounds

__all__ = ["fix_implied"]


def fix_implied(lattice: Lattice, low: Bounds, high: Bounds) -> tuple[Bounds, Bounds]:
    """The least and the most of each cell, where those are alike that additions with one unknown give.

    Raises `Contradiction` where an addition is wrong, or gives what a cell cannot be.
    """
    low, high = low.copy(), high.copy()
    members = [(relation.total, *relation.parts) for relation in lattice.relations]
    if not members:
        return low, high
    sizes = [len(each) for each in members]
    starts = np.cumsum([0, *sizes[:-1]])
    cells = np.concatenate([np.array(each, np.int64) for each in members])
    signs = np.full(len(cells), -1, np.int64)
    signs[starts] = 1
    while True:
        free = low[cells] < high[cells]
        unknown = np.add.reduceat(free.astype(np.int64), starts)
        rest = np.add.reduceat(np.where(free, 0, signs * low[cells]), starts)
        if (rest[unknown == 0] != 0).any():
            raise Contradiction("the figures that are shown do not add up")
        last = free & np.repeat(unknown == 1, sizes)
        if not last.any():
            return low, high
        found, values = cells[last], -signs[last] * np.repeat(rest, sizes)[last]
        if ((values < low[found]) | (values > high[found])).any():
            raise Contradiction("the figures that are shown do not add up")
        low[found] = high[found] = values

"""Which cells are in which relations, as arrays: laid out once for a lattice, however many tables are read by it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Incidence"]

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Incidence:
    """Member after member of the relations: of which relation, which cell, and 1 for its total or -1 for a part.

    `starts` says where each relation begins.
    """

    relations: Numbers
    cells: Numbers
    signs: Numbers
    starts: Numbers

    @classmethod
    def of(cls, members: Sequence[Sequence[int]]) -> "Incidence":
        """That of relations, each given as its total and then its parts."""
        sizes = np.array([len(each) for each in members], np.int64)
        starts = np.cumsum(sizes) - sizes
        signs = np.full(int(sizes.sum()), -1, np.int64)
        signs[starts] = 1
        cells = np.array([cell for each in members for cell in each], np.int64)
        return cls(np.repeat(np.arange(len(members)), sizes), cells, signs, starts)

    def __len__(self) -> int:
        return len(self.starts)

    def add_up(self, values: Numbers) -> Numbers:
        """What the members of each relation come to together."""
        return np.add.reduceat(values, self.starts) if len(self) else np.zeros(0, np.int64)

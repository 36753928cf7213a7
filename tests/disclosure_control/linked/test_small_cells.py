"""The cells of which it is asked whether they can have enough: one by one, but for those that a table shows to have."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import cast

import numpy as np

from disclosure_control.linked.counts.unions import find_lacking
from disclosure_control.suppression.programs import Vector
from disclosure_control.suppression.reader import Reader
from disclosure_control.suppression.view import View


class Asked(Reader):
    """Tables of five cells: none has enough of the first, and where the second has, so have the third and fourth."""

    def __init__(self) -> None:
        self.view = cast("View", SimpleNamespace(low=np.zeros(5)))
        self.most_of: list[int] = []

    def lift(self, caps: Mapping[int, int]) -> Vector:
        """As many as can be: of these, only the last."""
        return np.array([1.0, 2.0, 2.0, 2.0, caps.get(4, 6)])

    def most(self, cell: int) -> Vector:
        """A table in which this cell is as large as it can be."""
        self.most_of.append(cell)
        return np.array([3.0, 0, 0, 0, 0]) if cell == 0 else np.array([0.0, 6, 7, 6, 0])


def test_what_has_enough_in_a_table_made_for_another_is_not_asked_about() -> None:
    reader = Asked()
    assert find_lacking(reader, range(5), 6) == [0]
    assert reader.most_of == [0, 1]

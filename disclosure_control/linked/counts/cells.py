"""The cells that counts of several questions are of: what has no child in common, and what that adds up to."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain

from disclosure_control.linked.children.counted import Columns, Kind
from disclosure_control.linked.children.parts import Cut
from disclosure_control.suppression.lattice import Lattice
from query_engine.planning.region import Region

__all__ = ["MOST_CELLS", "At", "Categories", "Linked", "Part", "Place"]

MOST_CELLS = 50_000
"""Cells that releases are attacked over."""

At = tuple[Columns, int]
"""A dimension, and the number of a category of it."""

Categories = frozenset[At]
"""Of each dimension the number of the category; a dimension that is not among them is added up over."""

Part = tuple[Kind, int, Region]
"""What has no child in common with any other part: of what is counted, over which group of authorities, which of it."""

Place = tuple[int, int, str]
"""The number of a question, of its cell, and the label of the column."""


@dataclass(frozen=True)
class Linked:
    """All counts of several questions as cells of one lattice.

    `places` has the cell of each count; those of which it is known that nobody can be in them are left out. `keys` says
    what each cell is: a part and its categories, by their numbers in `classes`; the cells it adds up; or by a word what
    two cells differ by. `ordinary` are those in which it is ordinary that there is nobody: who lacks a value of what is
    averaged or added up, and the rows beyond one for each child. `lacking` are those of children who lack a value of
    what questions ask by. `joint` are those by three columns, by each two of which tables count, and none by all: the
    cells of each three together, fewest first. Those `left_out` add up to nothing.
    """

    lattice: Lattice
    places: Mapping[Place, int]
    keys: tuple[object, ...]
    classes: Mapping[Columns, Cut]
    ordinary: frozenset[int] = frozenset()
    lacking: tuple[int, ...] = ()
    joint: tuple[frozenset[int], ...] = ()
    left_out: frozenset[int] = frozenset()

    @cached_property
    def joined(self) -> frozenset[int]:
        """All that are joint."""
        return frozenset(chain(*self.joint))

    def leave_out(self, cells: frozenset[int]) -> "Linked":
        """The same without the additions that any of these cells are in."""
        kept = (each for each in self.lattice.relations if each.total not in cells and cells.isdisjoint(each.parts))
        return replace(self, lattice=replace(self.lattice, relations=tuple(kept)), left_out=cells)

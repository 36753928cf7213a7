"""The cells that counts of several questions are of: what has no child in common, and what that adds up to."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import cast

from disclosure_control.linked.children.counted import Columns, Kind
from disclosure_control.linked.children.parts import Cut, TooTangled
from disclosure_control.presets.preset import LEVELS
from disclosure_control.suppression.lattice import Lattice, Relation
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

    def iter_parts(self) -> Iterator[tuple[int, Part, Categories]]:
        """Yield the cells that are of a part by itself, each with that and its categories."""
        for cell, key in enumerate(self.keys):
            match key:
                case ((_, _, _), frozenset()):
                    yield cell, *cast("tuple[Part, Categories]", key)
                case _:
                    pass

    def widen(
        self, what: str, keys: Sequence[object], relations: Sequence[Relation], breadths: Sequence[int]
    ) -> "Linked":
        """The same with more cells, which are numbered on, and what adds up to them or of which they are parts.

        Raises `TooTangled` where there are too many: by `what`.
        """
        lattice, count = self.lattice, len(keys)
        numbers = range(len(lattice), len(lattice) + count)
        if numbers.stop > MOST_CELLS:
            raise TooTangled(f"{what} make more than {MOST_CELLS:,} cells with all others")
        wider = replace(
            lattice,
            keys=(*lattice.keys, *(frozenset({("cell", str(number))}) for number in numbers)),
            relations=(*lattice.relations, *relations),
            breadths=(*lattice.breadths, *breadths),
            levels=(*lattice.levels, *(LEVELS[0],) * count),
            owners=(*lattice.owners, *(frozenset[tuple[str, str]](),) * count),
            shown=lattice.shown + count,
        )
        return replace(self, lattice=wider, keys=(*self.keys, *keys))

    def leave_out(self, cells: frozenset[int]) -> "Linked":
        """The same without the additions that any of these cells are in."""
        kept = (each for each in self.lattice.relations if each.total not in cells and cells.isdisjoint(each.parts))
        return replace(self, lattice=replace(self.lattice, relations=tuple(kept)), left_out=cells)

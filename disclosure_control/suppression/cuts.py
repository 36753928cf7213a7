"""What every pattern that is enough has in common, read off single relations, before any program is solved.

Most of what a search would find out one linear program at a time is told by these, so that few programs are left.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from disclosure_control.suppression.lattice import Lattice
from disclosure_control.suppression.limits import Limits
from disclosure_control.suppression.programs import INFINITE, Places, Row

__all__ = ["find_bridges", "find_capacities"]

LEAST = 1e-6
"""A lack that is none."""


def find_bridges(lattice: Lattice, limits: Limits, choices: Places) -> Iterator[Row]:
    """No cell is withheld alone among those that add up, where none of them is rounded."""
    column = {int(cell): place for place, cell in enumerate(choices)}
    rounded, is_withheld = (limits.shown[0] < limits.shown[1]).tolist(), limits.open.tolist()
    for relation in lattice.relations:
        cells = (relation.total, *relation.parts)
        if any(rounded[cell] for cell in cells):
            continue
        free = [column[cell] for cell in cells if cell in column]
        is_open = sum(is_withheld[cell] for cell in cells)
        if is_open == 1:
            yield free, [1.0] * len(free), 1.0, INFINITE
        for place in free if not is_open else ():
            yield free, [-1.0 if each == place else 1.0 for each in free], 0.0, INFINITE


def find_capacities(lattice: Lattice, limits: Limits, needs: Mapping[int, int], choices: Places) -> Iterator[Row]:
    """As much as a cell must rise, the others that it adds up with must be able to make up for."""
    room = _Room.of(limits, choices)
    for relation in lattice.relations:
        cells = (relation.total, *relation.parts)
        for cell in cells:
            if cell in needs:
                yield from _find_capacity(relation.total, cells, cell, needs[cell], room)


class _Room(NamedTuple):
    """How far each cell can fall and rise, as things stand and withheld besides, and the column of each choice."""

    falls: Sequence[float]
    rises: Sequence[float]
    further_falls: Sequence[float]
    further_rises: Sequence[float]
    column: Mapping[int, int]

    @classmethod
    def of(cls, limits: Limits, choices: Places) -> "_Room":
        low, high = (np.where(limits.open, *ends) for ends in zip(limits.withheld, limits.shown, strict=True))
        falls, rises = limits.gains
        column = {int(cell): place for place, cell in enumerate(choices)}
        return cls((-low).tolist(), high.tolist(), falls.tolist(), rises.tolist(), column)


def _find_capacity(total: int, cells: Sequence[int], cell: int, need: int, room: _Room) -> Iterator[Row]:
    """For a part to rise its total rises or other parts fall; for a total to rise its parts do."""
    lacking, worth = float(need), {}
    for other in cells:
        if other == cell:
            continue
        rises = total in (cell, other)
        lacking -= room.rises[other] if rises else room.falls[other]
        further = room.further_rises[other] if rises else room.further_falls[other]
        if further > 0 and other in room.column:
            worth[room.column[other]] = further
    if lacking > LEAST:
        yield list(worth), [min(each, lacking) for each in worth.values()], lacking, INFINITE

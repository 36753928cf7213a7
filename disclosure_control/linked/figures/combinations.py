"""Combinations: groups of which a figure follows from those of others, though it follows of no one of their cells.

What is printed of a quantity adds up over the cells as counts do. A group is known where whatever it has is some
additions and subtractions of what is printed; which cells make up such a group, and by which additions, is chosen by a
program of whole numbers. Each addition is taken any number of times, all cells but those of the group have to cancel
out, and a cell is in the group once or not at all. So groups of however many cells are found.

Counts have to be exact. Then what is known of a group so is known of its number too, and that is the same in all
tables that agree with what is printed: it is read from one.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from disclosure_control.suppression.deadline import NEVER, Deadline
from disclosure_control.suppression.lattice import Lattice
from disclosure_control.suppression.parts import Mask, Parts
from disclosure_control.suppression.programs import INFINITE, NoSolution, Places, Program, Row, Vector

__all__ = ["Search", "find_combinations"]

MOST_GROUPS = 200
"""Groups that are found among cells that have to do with each other, before more has to be withheld."""

HALF = 0.5


@dataclass(frozen=True)
class Search:
    """What is looked among: cells that may be in a group, where others are `known` by what is printed.

    `table` is one that agrees with what is printed; groups are looked for of so many children there, and under so many.
    """

    lattice: Lattice
    known: Mask
    small: Mask
    table: Vector
    sizes: tuple[int, int]
    deadline: Deadline = NEVER


def find_combinations(search: Search, before: Collection[Sequence[int]] = ()) -> Iterator[tuple[int, ...]]:
    """The groups of several small cells that are known together, those of fewest cells first.

    They have no other in them, nor one from before. Raises `TimeUp`.
    """
    lattice, own = search.lattice, search.small.copy()
    own[[each.total for each in lattice.relations]] = False  # Whoever is in a total is in its parts.
    parts = Parts(lattice)
    for moving in parts.connected(~search.known) if own.any() else ():
        cells = moving[own[moving]]
        if len(cells) > 1:
            past = [group for group in before if set(group) <= set(cells.tolist())]
            yield from _find_among(_lay_out(search, moving, cells), cells.tolist(), past)


def _find_among(program: Program, cells: Sequence[int], before: Collection[Sequence[int]]) -> Iterator[tuple[int, ...]]:
    column = {cell: place for place, cell in enumerate(cells)}
    for group in before:
        _leave_out(program, [column[cell] for cell in group])
    for _ in range(MOST_GROUPS):
        try:
            found = program.minimise()[: len(cells)]
        except NoSolution:
            return
        places = np.flatnonzero(found > HALF).tolist()
        yield tuple(cells[place] for place in places)
        _leave_out(program, places)


def _leave_out(program: Program, places: Sequence[int]) -> None:
    """Not again, nor with others: without these, the others would be known too."""
    program.add_row((places, [1.0] * len(places), 0, len(places) - 1))


def _lay_out(search: Search, moving: Places, cells: Places) -> Program:
    """A column for each cell that may be in a group, and for each addition; a row for each cell that moves."""
    members, row = search.lattice.incidence, np.full(len(search.lattice), -1)
    row[moving] = np.arange(len(moving))
    inside = row[members.cells] >= 0
    added, column = np.unique(members.relations[inside], return_inverse=True)
    cancelled: list[tuple[list[int], list[float]]] = [([], []) for _ in moving]
    for place, cell in enumerate(cells):
        cancelled[row[cell]][0].append(place)
        cancelled[row[cell]][1].append(-1.0)
    for cell, place, sign in zip(members.cells[inside], column, members.signs[inside], strict=True):
        cancelled[row[cell]][0].append(len(cells) + int(place))
        cancelled[row[cell]][1].append(float(sign))
    is_added = np.concatenate([np.zeros(len(cells), bool), np.ones(len(added), bool)])
    fewest, enough = search.sizes
    rows: list[Row] = [(columns, factors, 0, 0) for columns, factors in cancelled]
    rows.append((range(len(cells)), search.table[cells].tolist(), fewest - HALF, enough - HALF))
    lower, upper = np.where(is_added, -INFINITE, 0.0), np.where(is_added, INFINITE, 1.0)
    program = Program(lower, upper, rows, search.deadline)
    program.set_costs(np.where(is_added, 0.0, 1.0))
    program.whole_numbers(range(len(cells)))
    return program

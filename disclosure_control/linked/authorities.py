"""Authorities: what one of them finds out about all others from totals, since it knows its own rows.

A total that is shown has enough others in it, whoever takes their own away (`rows.others`), and nothing that agrees
with the truth says otherwise. One that is withheld could be worked out from what it adds up with. So the attack is made
once more, by a reader who has as much of every count of the newest total as any authority can have. The tables that
this reader takes to be possible are possible to each authority. Where one of them has a withheld count larger than what
is this reader's, by as many as are shown, no authority can tell the others to be too few.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from disclosure_control.linked.counts.cells import Linked, Place
from disclosure_control.linked.counts.implied import narrow_bounds
from disclosure_control.linked.counts.rules import Rules, strictest
from disclosure_control.linked.counts.said import Entries, printed_cells
from disclosure_control.linked.counts.view import Reading, view_counts
from disclosure_control.suppression.deadline import Deadline
from disclosure_control.suppression.parts import Parts
from disclosure_control.suppression.reader import Contradiction, Reader
from disclosure_control.suppression.rules import UNBOUNDED
from disclosure_control.suppression.view import Bounds, View
from disclosure_control.suppression.witnesses import told_cells

__all__ = ["find_told_to_authorities"]


def find_told_to_authorities(
    linked: Linked,
    entries: Entries,
    rules: Rules,
    held: Mapping[Place, int],
    deadline: Deadline,
    first: Reading | None = None,
) -> frozenset[int]:
    """The cells that are printed nowhere of which some authority can know the others to be too few.

    `held` has, of each total, how many are one authority's at most. What is withheld is read as `first` says, if it can
    be. Raises `Contradiction` where what is printed contradicts itself, and `TimeUp`.
    """
    own = {linked.places[place]: most for place, most in held.items() if place in linked.places}
    hidden = own.keys() - printed_cells(linked, entries)
    if not hidden:
        return frozenset()
    view = view_counts(linked, entries, rules, first)
    wanted = {cell: own[cell] + strictest(rules).least for cell in sorted(hidden)}
    low = view.low.copy()
    for cell, most in own.items():
        low[cell] = max(low[cell], most)
    try:
        bounds = narrow_bounds(view.lattice, low, _limit(view, low, max(wanted.values())))
        return frozenset(_find(replace(view, low=bounds[0], high=bounds[1], withheld=tuple(wanted)), wanted, deadline))
    except Contradiction:
        return frozenset(wanted)


def _limit(view: View, low: Bounds, wanted: int) -> Bounds:
    """Some limit for cells without one, which all that is looked for adds up to less than."""
    largest = int(view.high[view.high < UNBOUNDED].max(initial=0)) + int(low.max()) + wanted
    return np.minimum(view.high, largest * (1 + max(view.lattice.breadths, default=1)))


def _find(view: View, wanted: Mapping[int, int], deadline: Deadline) -> Iterator[int]:
    """What has nothing to do with each other is looked at by itself."""
    yield from (cell for cell in wanted if view.high[cell] < wanted[cell])
    parts = Parts(view.lattice)
    for cells in parts.connected(view.low < view.high):
        if inside := [int(cell) for cell in cells if int(cell) in wanted and view.high[cell] >= wanted[int(cell)]]:
            part = parts.take(cells)
            numbers = part.numbers
            seen = replace(view.within(part), withheld=tuple(numbers[cell] for cell in inside))
            told = told_cells(Reader(seen, deadline), {numbers[cell]: wanted[cell] for cell in inside})
            yield from (int(part.cells[cell]) for cell in told)

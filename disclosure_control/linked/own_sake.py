"""Own sake: what is withheld in a table without totals was most likely withheld for its own sake, and is few.

In one table with totals a reader does not know for whose sake a count is withheld. Of one without, nothing was withheld
for others' sake unless it was for that of an earlier table, and whoever replays the rule mostly knows: five boys and
five girls, both withheld, are known from a total of ten that is asked for later. So a further row is printed only where
no count becomes one number by such a reading, as far as tables can be read so; nor, where zeros are withheld, somebody.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import numpy as np

from disclosure_control.linked.children.counted import counts_of, stands_alone
from disclosure_control.linked.counts.cells import Linked, Place
from disclosure_control.linked.counts.implied import narrow_bounds
from disclosure_control.linked.counts.rules import Rules
from disclosure_control.linked.counts.said import Entries
from disclosure_control.linked.counts.view import view_counts
from disclosure_control.linked.published import Published
from disclosure_control.suppression.attack import Known
from disclosure_control.suppression.deadline import NEVER, Deadline
from disclosure_control.suppression.parts import Parts
from disclosure_control.suppression.reader import ALMOST, Contradiction, Reader
from disclosure_control.suppression.view import WITHHELD, View

__all__ = ["find_known", "list_few"]


def list_few(published: Sequence[Published]) -> Sequence[frozenset[Place]]:
    """Table by table the counts that may be withheld for their own sake alone."""
    return [
        frozenset(
            (number, place, counted.label)
            for counted in counts_of(table.plan)
            if table.plan.outputs[counted.place].kind == "count" and counted.rows == table.plan.where
            for place in range(len(table.rows))
        )
        for number, table in enumerate(published)
        if stands_alone(table.plan) and len(table.plan.academic_years) == 1
    ]


def find_known(
    linked: Linked,
    entries: Entries,
    rules: Rules,
    few: Sequence[Collection[Place]],
    deadline: Deadline = NEVER,
    view: View | None = None,
) -> Mapping[int, Known]:
    """The withheld cells that are one number (or somebody, where zeros are withheld) if these are few.

    `view` is what is printed, where somebody has it. Raises `TimeUp`.
    """
    if not any(_is_withheld(linked, entries, place) for places in few for place in places):
        return {}
    shows_zero = all(each.shows_zero for each in rules)
    try:
        view, cells = view or view_counts(linked, entries, rules), set[int]()
    except Contradiction:
        return {}
    for places in few:
        least = {linked.places[each]: rules[each[0]].least for each in places if _is_withheld(linked, entries, each)}
        try:
            view = _hold(view, least)
        except Contradiction:
            continue  # Some of them were withheld for others' sake.
        cells |= least.keys()
    return {each.cell: each for each in _find_known(view, sorted(cells), shows_zero=shows_zero, deadline=deadline)}


def _hold(view: View, least: Mapping[int, int]) -> View:
    """The view of whoever takes it that these are fewer. Raises `Contradiction`."""
    if not least:
        return view
    high, cells, enough = view.high.copy(), list(least), np.array(list(least.values()))
    high[cells] = np.minimum(high[cells], enough - 1)
    if (view.low[cells] > high[cells]).any():  # As it mostly is, where any was: so nothing has to be added up.
        raise Contradiction("not all of these are so few")
    low, high = narrow_bounds(view.lattice, view.low, high)
    return replace(view, low=low, high=high)


def _is_withheld(linked: Linked, entries: Entries, place: Place) -> bool:
    return place in linked.places and entries.get(place) == WITHHELD


def _find_known(view: View, cells: Sequence[int], *, shows_zero: bool, deadline: Deadline) -> Iterator[Known]:
    """What has nothing to do with each other is looked at by itself."""
    low, high = view.low, view.high
    ends = ((cell, int(low[cell]), int(high[cell])) for cell in cells)
    yield from (Known(*each) for each in ends if _is_told(each[1], each[2], shows_zero=shows_zero))
    left = {cell for cell in cells if low[cell] < high[cell] and (low[cell] == 0 or shows_zero)}
    parts = Parts(view.lattice)
    for numbers in parts.connected(low < high) if left else ():
        if inside := sorted(left.intersection(map(int, numbers))):
            part = parts.take(numbers)
            reader = Reader(view.within(part), deadline)
            with suppress(Contradiction):  # Not all of them can be few.
                for cell in _seem_known(reader, [part.numbers[cell] for cell in inside], shows_zero=shows_zero):
                    least, most = reader.interval(cell)
                    if least is not None and most is not None and _is_told(least, most, shows_zero=shows_zero):
                        yield Known(int(part.cells[cell]), least, most)


def _is_told(least: int, most: int, *, shows_zero: bool) -> bool:
    return least == most or (least > 0 and not shows_zero)


def _seem_known(reader: Reader, cells: Sequence[int], *, shows_zero: bool) -> list[int]:
    """Those that are alike in all tables that are looked at, or nowhere empty where zeros are withheld.

    In each of two tables some are small and the others large, so that what one has another can lack; in the last two
    all of them are the one or the other.
    """
    left, halving, is_last = list(cells), 0, False
    low, high = np.full(len(reader.view.low), np.inf), np.full(len(reader.view.low), -np.inf)
    while left and not is_last:
        signs = [1.0 - 2 * (place >> halving & 1) for place in range(len(left))]
        is_last = min(signs) > 0
        for weights in (signs, [-each for each in signs]):
            table = reader.sink(left, weights)
            low, high = np.minimum(low, table), np.maximum(high, table)
        left = [cell for cell in left if high[cell] - low[cell] < 1 - ALMOST or (low[cell] > ALMOST and not shows_zero)]
        halving += 1
    return left

"""Own sake: what is withheld in a table without totals was most likely withheld for its own sake, and is few.

In one table with totals a reader does not know for whose sake a count is withheld. Of one without, nothing was withheld
for others' sake unless it was for that of an earlier table, and whoever replays the rule mostly knows: five boys and
five girls, both withheld, are known from a total of ten that is asked for later. So a further row is printed only where
no count becomes one number by such a reading, as far as tables can be read so; nor, where zeros are withheld, somebody.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from disclosure_control.linked.children.counted import counts_of, stands_alone
from disclosure_control.linked.counts.cells import Linked, Place
from disclosure_control.linked.counts.implied import narrow_bounds
from disclosure_control.linked.counts.rules import Rules
from disclosure_control.linked.counts.said import Entries
from disclosure_control.linked.counts.view import view_counts
from disclosure_control.linked.published import Published
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
    linked: Linked, entries: Entries, rules: Rules, few: Sequence[Collection[Place]], deadline: Deadline = NEVER
) -> frozenset[int]:
    """The withheld cells that are one number (or somebody, where zeros are withheld) if these are few.

    Raises `TimeUp`.
    """
    if not any(_is_withheld(linked, entries, place) for places in few for place in places):
        return frozenset()
    shows_zero = all(each.shows_zero for each in rules)
    try:
        view, cells = view_counts(linked, entries, rules), set[int]()
    except Contradiction:
        return frozenset()
    for places in few:
        least = {linked.places[each]: rules[each[0]].least for each in places if _is_withheld(linked, entries, each)}
        try:
            view = _hold(view, least)
        except Contradiction:
            continue  # Some of them were withheld for others' sake.
        cells |= least.keys()
    return frozenset(_find_known(view, sorted(cells), shows_zero=shows_zero, deadline=deadline))


def _hold(view: View, least: Mapping[int, int]) -> View:
    """The view of whoever takes it that these are fewer. Raises `Contradiction`."""
    if not least:
        return view
    high = view.high.copy()
    for cell, enough in least.items():
        high[cell] = min(high[cell], enough - 1)
    low, high = narrow_bounds(view.lattice, view.low, high)
    return replace(view, low=low, high=high)


def _is_withheld(linked: Linked, entries: Entries, place: Place) -> bool:
    return place in linked.places and entries.get(place) == WITHHELD


def _find_known(view: View, cells: Sequence[int], *, shows_zero: bool, deadline: Deadline) -> Iterator[int]:
    """What has nothing to do with each other is looked at by itself."""
    low, high = view.low, view.high
    yield from (cell for cell in cells if low[cell] == high[cell] or (low[cell] > 0 and not shows_zero))
    left = {cell for cell in cells if low[cell] < high[cell] and (low[cell] == 0 or shows_zero)}
    parts = Parts(view.lattice)
    for numbers in parts.connected(low < high) if left else ():
        if inside := sorted(left.intersection(map(int, numbers))):
            part = parts.take(numbers)
            reader = Reader(view.within(part), deadline)
            with suppress(Contradiction):  # Not all of them can be few.
                for cell in _seem_known(reader, [part.numbers[cell] for cell in inside], shows_zero=shows_zero):
                    least, most = reader.interval(cell)
                    if least == most or (least and not shows_zero):
                        yield int(part.cells[cell])


def _seem_known(reader: Reader, cells: Sequence[int], *, shows_zero: bool) -> list[int]:
    """Those that are alike in the emptiest and the fullest tables, or nowhere empty where zeros are withheld."""
    left = list(cells)
    while left:
        emptiest, fullest = reader.sink(left), reader.swell(left)
        still = [
            cell
            for cell in left
            if fullest[cell] - emptiest[cell] < 1 - ALMOST or (emptiest[cell] > ALMOST and not shows_zero)
        ]
        if len(still) == len(left):
            break
        left = still
    return left

"""What each child is worth to a sum, where it says how many have one of few values, or counts are by that quantity.

Of 105 children 40 are fourteen and 50 seventeen; the other fifteen are fifteen or sixteen, and neither number is shown.
All have 1,647 years together, so that those fifteen have 237: three of them are fifteen. Counts by a column, or by bins
of it, say between what each child of a cell is worth; so a sum over cells says how many are in each, as far as they
differ. And where 41 girls are left with one suspension, by two sums of which neither is theirs, one of them had it: so
whoever can have little more than the least there is, or little less than the most, is parted into those who have that,
and others.

Whatever is taken off for each child, what is left adds up over cells as the sum does. Where as much is taken off as
those of one cell have at least, or at most, what is left is that of others: by each such number additions are gone
through as those of counts are. What several additions say at once, linear programs find.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, reduce
from itertools import count
from types import MappingProxyType
from typing import cast

import numpy as np

from disclosure_control.linked.children.overlaps import meet
from disclosure_control.linked.counts.cells import Linked, Place
from disclosure_control.linked.counts.implied import narrow_bounds
from disclosure_control.linked.counts.rules import Rules
from disclosure_control.linked.counts.said import Entries
from disclosure_control.linked.counts.view import view_counts
from disclosure_control.linked.figures.amounts import Amount
from disclosure_control.linked.figures.values import Values, read_values
from disclosure_control.linked.figures.worth_programs import End, Sums, find_short, raise_counts
from disclosure_control.suppression.deadline import NEVER, Deadline
from disclosure_control.suppression.lattice import Relation
from disclosure_control.suppression.reader import Contradiction
from disclosure_control.suppression.view import Bounds, View
from query_engine.columns import Column
from query_engine.planning.region import Region, RegionTangled, columns_of, project, unite

__all__ = ["NOTHING_WORTH", "Worth", "narrow_by_worth", "part_worth", "regions_of"]

Columns = tuple[str, ...]
"""Of which table, and the column that is added up."""

Worth = Mapping[Columns, tuple[Bounds, Bounds]]
"""Of a quantity the least and the most that a child of each cell has, in units of its last decimal place."""

NOTHING_WORTH: Worth = MappingProxyType({})

Ends = tuple[int, int]


def part_worth(
    linked: Linked, entries: Entries, rules: Rules, amounts: Mapping[Place, Amount], deadline: Deadline = NEVER
) -> tuple[Linked, Worth]:
    """The links with cells for children at an end of what is added up, and what those of each cell have of it.

    Raises `TooTangled`, `RegionTangled`, `Contradiction` and `TimeUp`.
    """
    columns = {each.columns: each.column for each in amounts.values() if each.column is not None}
    if not columns:
        return linked, NOTHING_WORTH
    by_cell: dict[Columns, dict[int, list[Amount]]] = {}
    for place, amount in amounts.items():
        if amount.column is not None and place in linked.places:
            by_cell.setdefault(amount.columns, {}).setdefault(linked.places[place], []).append(amount)
    for of, column in columns.items():
        linked = _join_alike(linked, dict(_said_of(linked, column)), by_cell.get(of, {}))
    view = view_counts(linked, entries, rules)
    found = {of: _Quantity.of(linked, column) for of, column in columns.items()}
    parted = dict[Columns, list[tuple[int, tuple[Ends, Ends]]]]()
    for of, quantity in found.items():
        try:
            parted[of] = list(quantity.part(linked, by_cell.get(of, {}), view, deadline))
        except Contradiction:  # Between amounts: the attack comes upon it, and there is nothing to find by them.
            parted[of] = []
    parts = [(of, each) for of, own in parted.items() for each in own]
    wider = _add_parts(linked, [cell for _, (cell, _) in parts])
    worth: dict[Columns, tuple[Bounds, Bounds]] = {}
    for of, quantity in found.items():
        if quantity.says_more or parted[of]:
            more = [end for own, (_, ends) in parts for end in (ends if own == of else (quantity.whole,) * 2)]
            worth[of] = (
                np.append(quantity.least, np.array([low for low, _ in more], np.int64)),
                np.append(quantity.most, np.array([high for _, high in more], np.int64)),
            )
    return wider, worth or NOTHING_WORTH


def regions_of(linked: Linked, column: str) -> Iterator[tuple[int, Region]]:
    """The cells that say something of a column, each with who is in it."""
    for cell, (_, _, region), named in linked.iter_parts():
        at = [linked.classes[columns].parts[place] for columns, place in named]
        if any(_is_about(each, column) for each in (region, *at)):
            yield cell, meet(region, *at)


@lru_cache(maxsize=1 << 14)
def _is_about(region: Region, column: str) -> bool:
    return column in columns_of(region)


def _said_of(linked: Linked, column: Column) -> Iterator[tuple[int, Region]]:
    """The same, and those that these make up, with what is said of the column alone. Raises `RegionTangled`."""
    said = {cell: _project(rows, column.name) for cell, rows in regions_of(linked, column.name)}
    yield from said.items()
    for cell, inside in _iter_sums(linked):
        if all(each in said for each in inside):
            yield cell, reduce(unite, (said[each] for each in inside))


@lru_cache(maxsize=1 << 16)
def _project(region: Region, column: str) -> Region:
    """What a region says of one column: nothing where that is too tangled to tell."""
    try:
        return project(region, [column])
    except RegionTangled:
        return True


def _iter_sums(linked: Linked) -> Iterator[tuple[int, list[int]]]:
    """The cells that are the sums of others, each with those."""
    for cell, key in enumerate(linked.keys):
        match key:
            case frozenset() if key:
                yield cell, sorted(cast("frozenset[int]", key))
            case _:
                pass


def _join_alike(linked: Linked, said: Mapping[int, Region], totals: Collection[int]) -> Linked:
    """The same with a cell for those of each total of whom the same values are left, however they are cut up.

    Of 53 girls with 70 moves 30 had one; if the others are cut in two by a question about something else, it is of both
    together that it is known that three had none. Raises `TooTangled`.
    """
    cells, breadths = {key: cell for cell, key in enumerate(linked.keys)}, list(linked.lattice.breadths)
    keys, relations = list[object](), list[Relation]()
    for total, inside in _iter_sums(linked):
        alike: dict[Region, list[int]] = {}
        for each in inside:
            alike.setdefault(said.get(each, True), []).append(each)
        if total not in totals or len(alike) in (1, len(inside)):
            continue
        for own in (frozenset(each) for each in alike.values() if len(each) > 1):
            if own not in cells:
                cells[own] = len(breadths)
                keys.append(own)
                relations.append(Relation(cells[own], tuple(sorted(own))))
                breadths.append(sum(breadths[each] for each in own))
        parts = (each[0] if len(each) == 1 else cells[frozenset(each)] for each in alike.values())
        relations.append(Relation(total, tuple(sorted(parts))))
    return linked.widen("those of the same values", keys, relations, breadths[len(linked.lattice) :])


def _add_parts(linked: Linked, cells: Sequence[int]) -> Linked:
    """The same with two cells more for each of these, which it adds up. Raises `TooTangled`."""
    if not cells:
        return linked
    halves = [(cell, (at, at + 1)) for cell, at in zip(cells, count(len(linked.lattice), 2), strict=False)]
    named = [key for cell, (one, _) in halves for key in (("some of", cell), ("beyond", cell, frozenset({one})))]
    breadths = [linked.lattice.breadths[cell] for cell in cells for _ in range(2)]
    return linked.widen("those at either end", named, [Relation(*each) for each in halves], breadths)


@dataclass(frozen=True)
class _Quantity:
    """A column that is added up: what a child of each cell has, and of those cells that a region says, which values."""

    column: Column
    whole: Ends
    least: Bounds
    most: Bounds
    values: Mapping[int, Values]

    @classmethod
    def of(cls, linked: Linked, column: Column) -> "_Quantity":
        everybody = read_values(True, column)
        assert everybody is not None  # numbers alone are added up
        whole = min(0, everybody.least), max(0, everybody.most)
        least, most = (np.full(len(linked.lattice), end, np.int64) for end in whole)
        known: dict[Region, Values | None] = {}
        values: dict[int, Values] = {}
        for cell, rows in _said_of(linked, column):
            found = known.setdefault(rows, read_values(rows, column))
            if found is not None and not found.may_lack:
                values[cell], least[cell], most[cell] = found, found.least, found.most
            elif found is None:
                least[cell], most[cell] = 0, 0
        for cell, inside in _iter_sums(linked):
            least[cell], most[cell] = least[inside].min(), most[inside].max()
        return cls(column, whole, least, most, values)

    @property
    def says_more(self) -> bool:
        """Whether any cell says more of it than the catalogue does, and than who lacks a value."""
        everybody = read_values(True, self.column)
        return any(everybody != replace(each, may_lack=self.column.nullable) for each in self.values.values())

    def part(
        self, linked: Linked, amounts: Mapping[int, Sequence[Amount]], view: View, deadline: Deadline
    ) -> Iterator[tuple[int, tuple[Ends, Ends]]]:
        """The cells whose children can have little beyond the least that is possible, or little less than the most.

        Each with what those at that end have, and what the others. Raises `Contradiction` and `TimeUp`.
        """
        sums, few = Sums(linked.lattice, amounts, self.least, self.most), view.rule.enough(0)
        ends = list[End]()
        for cell, own in self.values.items() if amounts else ():
            if own.count > 1 and view.high[cell]:
                ends.append((cell, own.least, 1, few * (own.next - own.least)))
                ends.append((cell, own.most, -1, few * (own.most - own.before)))
        short = frozenset(find_short(sums, (view.low, view.high), ends, deadline))
        for cell, number, sign, _ in (each for each in ends if each in short):
            own = self.values[cell]
            yield cell, ((number, number), (own.next, own.most) if sign > 0 else (own.least, own.before))


def narrow_by_worth(
    linked: Linked,
    amounts: Mapping[int, Sequence[Amount]],
    worth: Worth,
    counts: tuple[Bounds, Bounds],
    few: int,
    deadline: Deadline = NEVER,
) -> tuple[Bounds, Bounds]:
    """How many children there are in each cell, by what they have between them: `amounts` are by the cell.

    What can be as many as a `few` is not looked at closely. Raises `Contradiction` where amounts do not add up.
    """
    counts = narrow_bounds(linked.lattice, *counts)
    for columns, ends in worth.items():
        own = {cell: [each for each in found if each.columns == columns] for cell, found in amounts.items()}
        if any(own.values()):
            sums = Sums(linked.lattice, own, *ends)
            counts = raise_counts(sums, sums.narrow(counts), few, deadline)
    return counts

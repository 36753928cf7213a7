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

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import count
from types import MappingProxyType
from typing import cast

import numpy as np

from disclosure_control.linked.counts.cells import Linked, Place
from disclosure_control.linked.counts.implied import narrow_bounds
from disclosure_control.linked.counts.rules import Rules
from disclosure_control.linked.counts.said import Entries
from disclosure_control.linked.counts.view import view_counts
from disclosure_control.linked.figures.amounts import Amount
from disclosure_control.linked.figures.values import Values, read_values
from disclosure_control.linked.figures.worth_programs import Sums, raise_counts
from disclosure_control.suppression.deadline import NEVER, Deadline
from disclosure_control.suppression.lattice import Relation
from disclosure_control.suppression.reader import Contradiction
from disclosure_control.suppression.view import Bounds, View
from query_engine.columns import Column
from query_engine.planning.region import Region, columns_of, intersect

__all__ = ["NOTHING_WORTH", "Worth", "narrow_by_worth", "part_worth", "regions_of"]

Columns = tuple[str, ...]
"""Of which table, and the column that is added up."""

Worth = Mapping[Columns, tuple[Bounds, Bounds]]
"""Of a quantity the least and the most that a child of each cell has, in units of its last decimal place."""

NOTHING_WORTH: Worth = MappingProxyType({})

Ends = tuple[int, int]


def part_worth(linked: Linked, entries: Entries, rules: Rules, amounts: Mapping[Place, Amount]) -> tuple[Linked, Worth]:
    """The links with cells for children at an end of what is added up, and what those of each cell have of it.

    Raises `TooTangled`, `RegionTangled` and `Contradiction`.
    """
    columns = {each.columns: each.column for each in amounts.values() if each.column is not None}
    if not columns:
        return linked, NOTHING_WORTH
    view = view_counts(linked, entries, rules)
    found = {of: _Quantity.of(linked, column) for of, column in columns.items()}
    by_cell: dict[Columns, dict[int, list[Amount]]] = {}
    for place, amount in amounts.items():
        if amount.column is not None and place in linked.places:
            by_cell.setdefault(amount.columns, {}).setdefault(linked.places[place], []).append(amount)
    parted = dict[Columns, list[tuple[int, tuple[Ends, Ends]]]]()
    for of, quantity in found.items():
        try:
            parted[of] = list(quantity.part(linked, by_cell.get(of, {}), view))
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
    """The cells that say something of a column, each with who is in it. Raises `RegionTangled`."""
    for cell, (_, _, region), named in linked.iter_parts():
        at = [linked.classes[columns].parts[place] for columns, place in named]
        if any(column in columns_of(each) for each in (region, *at)):
            yield cell, reduce(intersect, at, region)


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
        for cell, rows in regions_of(linked, column.name):
            found = known.setdefault(rows, read_values(rows, column))
            if found is not None and not found.may_lack:
                values[cell], least[cell], most[cell] = found, found.least, found.most
            elif found is None:
                least[cell], most[cell] = 0, 0
        for cell, key in enumerate(linked.keys):
            match key:
                case frozenset() if key:
                    inside = [int(each) for each in cast("frozenset[int]", key)]
                    least[cell], most[cell] = least[inside].min(), most[inside].max()
                case _:
                    pass
        return cls(column, whole, least, most, values)

    @property
    def says_more(self) -> bool:
        """Whether any cell says more of it than the catalogue does, and than who lacks a value."""
        everybody = read_values(True, self.column)
        return any(everybody != replace(each, may_lack=self.column.nullable) for each in self.values.values())

    def part(
        self, linked: Linked, amounts: Mapping[int, Sequence[Amount]], view: View
    ) -> Iterator[tuple[int, tuple[Ends, Ends]]]:
        """The cells whose children can have little beyond the least that is possible, or little less than the most.

        Each with what those at that end have, and what the others.
        """
        sums, few = Sums(linked.lattice, amounts, self.least, self.most), view.rule.enough(0)
        counts, known = (view.low, view.high), dict[int, tuple[Bounds, Bounds]]()
        for cell, own in self.values.items() if amounts else ():
            if own.count < 2 or not view.high[cell]:
                continue
            for number, is_least in ((own.least, True), (own.most, False)):
                if number not in known:
                    known[number] = sums.beyond(number, counts)
                together = known[number][1][cell] if is_least else -known[number][0][cell]
                if together < few * (own.next - own.least if is_least else own.most - own.before):
                    yield (
                        cell,
                        ((own.least, own.least), (own.next, own.most))
                        if is_least
                        else ((own.most, own.most), (own.least, own.before)),
                    )


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

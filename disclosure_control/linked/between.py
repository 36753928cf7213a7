"""Between totals: children whom totals have between them and nobody asked for, as authorities know them.

Of two totals that are printed, one within the other, everybody knows between which numbers the rest is. An authority
takes its own from that, too, and may know of the others in the rest that they are few. How many it can have there is
known of this much: of what was printed before, no more than leaves as many others as were asked for; and of the newest
total no more than its capped counts say (`held`). So a rest is told where an authority that had as many of it as that,
and nobody else, would know too much: where zeros are shown, that there are others, and too few; where they are
withheld, that they are too few or none.

Looked at are all cells that are printed nowhere, each with all that adding up says of it; and, of what lies in several
cells, what the printed parts of an addition leave of its total, and whom a count of the newest total has beyond another
one or less than it. Not looked at are authorities with children elsewhere besides, to whom that narrows other figures;
nor totals over other authorities: of England less a region nothing says how many one of the others has.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import product

import numpy as np

from disclosure_control.linked.children.counted import counts_of
from disclosure_control.linked.counts.cells import Linked
from disclosure_control.linked.counts.implied import narrow_bounds
from disclosure_control.linked.counts.rules import Rules
from disclosure_control.linked.counts.said import Entries, printed_cells
from disclosure_control.linked.published import Published
from disclosure_control.suppression.deadline import Deadline
from disclosure_control.suppression.parts import Parts
from disclosure_control.suppression.reader import ALMOST, Reader
from disclosure_control.suppression.rules import UNBOUNDED
from disclosure_control.suppression.view import Bounds, View
from disclosure_control.suppression.witnesses import told_cells
from query_engine.planning.capped_counts import CappedCount, capped_counts
from query_engine.planning.plan import QueryPlan

__all__ = ["BetweenTotals", "named_pairs", "over_alike"]

Block = frozenset[int]
"""Cells that have no child in common, by their numbers."""


@lru_cache(maxsize=64)
def named_pairs(plan: QueryPlan) -> tuple[tuple[str, str, CappedCount], ...]:
    """The labels of two counts of a plan of which one is capped less the other, with that capped count.

    Where there is one row for each child, rows are children.
    """
    labels: dict[str, list[str]] = {}
    for each in counts_of(plan):
        labels.setdefault(each.statistic, []).append(each.label)
        if each.kind[0] == each.key and each.statistic.startswith("rows"):
            labels.setdefault(f"children{each.statistic.removeprefix('rows')}", []).append(each.label)
    return tuple(
        (whole, part, each)
        for each in capped_counts(plan)
        if each.less
        for whole in labels.get(each.whole, ())
        for part in labels.get(each.less, ())
    )


def over_alike(tables: Sequence[Published], entries: Entries) -> Entries:
    """What is said by totals over the very authorities that the newest is over."""
    newest = frozenset(tables[-1].roster)
    alike = {number for number, each in enumerate(tables) if frozenset(each.roster) == newest}
    return {place: entry for place, entry in entries.items() if place[0] in alike}


@dataclass(frozen=True)
class BetweenTotals:
    """What is printed of totals as they are linked, the newest last, with what their counts were held to.

    `view` is what is printed, as an outsider has it.
    """

    linked: Linked
    tables: Sequence[Published]
    rules: Rules
    entries: Entries
    view: View
    deadline: Deadline

    def find_cells(self) -> frozenset[int]:
        """The cells that are printed nowhere of which some authority may know the others to be too few.

        Raises `Contradiction` and `TimeUp`.
        """
        own = self._own
        limited = np.flatnonzero((own > 0) & (self.view.high < UNBOUNDED)).tolist()
        search = _Search(self.view, own, self.linked.ordinary, self.deadline)
        return frozenset(search.run([cell for cell in limited if cell not in self._printed]))

    def find_rests(self) -> frozenset[Block]:
        """Such groups that lie in several cells: what printed counts leave of one that they are parts of."""
        view, own, found, limited = self.view, self._own, set[Block](), _index(self._limits)
        for group, low, high in (*self._list_left(), *self._list_cut()):
            rest = frozenset(cell for cell in group if view.high[cell])
            # Of a count that is printed enough others are left, and so there are of whatever it is part of.
            if len(rest) > 1 and high < UNBOUNDED and self._printed.isdisjoint(rest):
                cells = list(rest)
                beyond = [self._limits[block] for block in limited.get(cells[0], ()) if rest <= block]
                most = min([int(own[cells].sum()), *beyond])
                shown = view.rule.hidden[0] > 0 or rest <= self.linked.ordinary
                if _tells(max(0, low), min(high, int(view.high[cells].sum())), most, view.rule.enough(0), shown=shown):
                    found.add(rest)
        return frozenset(found)

    def _list_left(self) -> Iterator[tuple[Block, int, int]]:
        """What all printed parts leave of the total of each addition, and between what it is."""
        view = self.view
        for each in self.linked.lattice.relations:
            if known := [part for part in each.parts if part in self._printed]:
                low, high = (int(bounds[each.total]) for bounds in (view.low, view.high))
                rest = frozenset(each.parts) - self._printed
                yield rest, low - int(view.high[known].sum()), high - int(view.low[known].sum())

    def _list_cut(self) -> Iterator[tuple[Block, int, int]]:
        """Whom a count of the newest total has beyond another, or another beyond it, though questions cut them."""
        view = self.view
        for whole, part in self._nested():
            low, high = int(view.low[whole] - view.high[part]), int(view.high[whole] - view.low[part])
            yield self._block(whole) - self._block(part), low, high

    @cached_property
    def _printed(self) -> frozenset[int]:
        return printed_cells(self.linked, self.entries)

    @cached_property
    def _own(self) -> Bounds:
        """How many of each cell one authority has at most."""
        most = self.view.high.copy()
        for block, limit in self._limits.items():
            cells = list(block)
            most[cells] = np.minimum(most[cells], limit)
        return narrow_bounds(self.view.lattice, np.zeros_like(most), most)[1]

    @cached_property
    def _limits(self) -> Mapping[Block, int]:
        """What is known of how many one authority has of some cells together."""
        found: dict[Block, int] = {}
        for block, limit in (*self._limit_counts(), *self._limit_pairs()):
            found[block] = min(limit, found.get(block, limit))
        return found

    def _limit_counts(self) -> Iterator[tuple[Block, int]]:
        for (number, row, label), cell in self.linked.places.items():
            held = self.tables[number].held.get((row, label))
            if held is not None:
                yield frozenset({cell}), held
            elif isinstance(self.entries.get((number, row, label)), int):
                yield frozenset({cell}), max(0, int(self.view.high[cell]) - self.rules[number].least)

    def _limit_pairs(self) -> Iterator[tuple[Block, int]]:
        for number, table in enumerate(self.tables):
            for row, (whole, part, _) in product(range(len(table.rows)), named_pairs(table.plan)):
                wide, narrow = (self.linked.places.get((number, row, label)) for label in (whole, part))
                if wide is None or narrow is None or not self._block(narrow) < self._block(wide):
                    continue
                rest, held = self._block(wide) - self._block(narrow), table.held_between.get((row, whole, part))
                if held is not None:
                    yield rest, held
                elif all(isinstance(self.entries.get((number, row, label)), int) for label in (whole, part)):
                    beyond = int(self.view.high[wide] - self.view.low[narrow])
                    yield rest, max(0, beyond - self.rules[number].least)

    def _nested(self) -> Iterator[tuple[int, int]]:
        """Each count that the newest total alone prints, with every other that is within it or that it is within."""
        last, blocks = len(self.tables) - 1, {cell: self._block(cell) for cell in self._printed}
        less = {place: entry for place, entry in self.entries.items() if place[0] != last}
        before = printed_cells(self.linked, less)
        counting: dict[int, list[int]] = {}
        for cell, block in blocks.items():
            for each in block:
                counting.setdefault(each, []).append(cell)
        for cell in sorted(blocks.keys() - before):
            shared = Counter(other for each in blocks[cell] for other in counting[each])
            for other, cells in shared.items():
                whole, part = (cell, other) if cells == len(blocks[other]) else (other, cell)
                if cells == len(blocks[part]) < len(blocks[whole]):
                    yield whole, part

    def _block(self, cell: int) -> Block:
        """The cells that a count adds up."""
        key = self.linked.keys[cell]
        return key if isinstance(key, frozenset) else frozenset({cell})


def _index(blocks: Iterable[Block]) -> Mapping[int, Sequence[Block]]:
    """The blocks that each cell is in."""
    found: dict[int, list[Block]] = {}
    for block in blocks:
        for cell in block:
            found.setdefault(cell, []).append(block)
    return found


@dataclass(frozen=True)
class _Search:
    """The search among cells of which one authority has so many of its `own` at most."""

    view: View
    own: Bounds
    ordinary: Collection[int]
    deadline: Deadline

    def run(self, cells: Sequence[int]) -> Iterator[int]:
        """Those that are told: first by what one addition after the other says, and then by all additions together.

        What has nothing to do with each other is looked at by itself.
        """
        low, high, parts = self.view.low, self.view.high, Parts(self.view.lattice)
        sure = {cell for cell in cells if self._is_told(cell, int(low[cell]), int(high[cell]))}
        yield from sure
        left = {cell for cell in cells if low[cell] < high[cell]} - sure
        for numbers in parts.connected(low < high) if left else ():
            if inside := sorted(left.intersection(map(int, numbers))):
                part = parts.take(numbers)
                named = {part.numbers[cell]: cell for cell in inside}
                reader = Reader(replace(self.view.within(part), withheld=tuple(named)), self.deadline)
                yield from self._find(reader, named)

    def _find(self, reader: Reader, named: Mapping[int, int]) -> Iterator[int]:
        """Tables are looked at that show of many cells at once that there need be nobody, or can be enough."""
        surely = _surely_somebody(reader, [number for number, cell in named.items() if self._shows_zero(cell)])
        left = [number for number, cell in named.items() if not self._shows_zero(cell)] + surely
        least = self.view.rule.enough(0)
        for number in told_cells(reader, {number: int(self.own[named[number]]) + least for number in left}):
            low, high = reader.interval(number)
            if self._is_told(named[number], low or 0, UNBOUNDED if high is None else high):
                yield named[number]

    def _is_told(self, cell: int, low: int, high: int) -> bool:
        return _tells(low, high, int(self.own[cell]), self.view.rule.enough(0), shown=self._shows_zero(cell))

    def _shows_zero(self, cell: int) -> bool:
        return self.view.rule.hidden[0] > 0 or cell in self.ordinary


def _tells(low: int, high: int, most: int, least: int, *, shown: bool) -> bool:
    """Whether who has some of a group, and so many at most, may know the others to be fewer than the least shown.

    Where zeros are `shown` they have to know of somebody besides.
    """
    if shown:
        return max(1, high - least + 1) <= min(most, low - 1)
    return min(most, high) > 0 and high - min(most, high) < least


def _surely_somebody(reader: Reader, cells: Sequence[int]) -> list[int]:
    """Those of some cells that no table is seen to have one child in at most."""
    left, before = list(cells), -1
    while left and len(left) != before:
        before = len(left)
        table = reader.sink(left)
        left = [cell for cell in left if table[cell] > 1 + ALMOST]
    return left

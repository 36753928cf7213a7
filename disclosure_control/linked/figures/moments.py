"""Moments: what is behind averages, spreads, correlations and lines, and adds up over children as counts do.

Sums of a quantity, of its squares, and of its products with another; where it is multiplied by a condition, over those
who meet it, whatever else they are asked about with. Whoever has a figure of everybody and of all
others has that of those who are left. It rests on as few children as they are, and by the preset's rules it may be
withheld where their number is not, since an average, a spread and a correlation each ask for more children than a count
does; or since one of them could have most of it. So told is

- a group of which a figure follows from others, though it may be too few children for one;
- a group of which a sum follows that a few of them could dominate.

A figure is taken to say what it says exactly, and to have beside it what it takes to subtract it: the average beside
the spread, the spreads beside the correlation, each beside the number of children.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from math import ceil, floor
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from disclosure_control.linked.children.counted import Counted
from disclosure_control.linked.children.factors import factors_of
from disclosure_control.linked.counts.cells import Place
from disclosure_control.linked.figures.amounts import Amount, bound_totals, columns_behind
from disclosure_control.linked.figures.changes import Changes, draw_changes, find_offsetting, find_unchanged
from disclosure_control.linked.figures.combinations import Search, find_combinations
from disclosure_control.linked.figures.printed import adding_counts, has_rows_of_children
from disclosure_control.linked.published import Published
from disclosure_control.suppression.cell_rules import least_behind
from disclosure_control.suppression.deadline import NEVER, Deadline
from disclosure_control.suppression.parts import Mask
from disclosure_control.suppression.reader import ALMOST, Reader
from disclosure_control.suppression.view import View
from disclosure_control.symbols import Symbol
from query_engine.planning.plan import Output

__all__ = ["NO_MOMENTS", "Followed", "Moment", "Quantity", "find_followed", "find_moments", "moment_of"]
__all__ += ["moments_of"]

Quantity = tuple[str, ...]
"""Of which table, and the columns that are multiplied."""

Followed = tuple[tuple[int, ...], Quantity]
"""The cells of a group, and what a figure of it is of."""


@dataclass(frozen=True)
class Moment:
    """What a figure says of the children behind it: the sum of which quantity.

    Where it is printed, they are `least` at least; and the sum is `least_total` at least, so that few cannot dominate.
    One is `of_some` of whom rounded counts leave open whether another's are the same, and nothing else looks at that:
    a line with a condition goes by all who are asked about, so that it moves without any of them, too.
    """

    of: Quantity
    least: int
    least_total: int
    of_some: bool = False


NO_MOMENTS: Mapping[Place, Moment] = MappingProxyType({})
"""What is printed where only counts are looked at."""


def find_moments(published: Sequence[Published], numbers: Mapping[Place, int]) -> Mapping[Place, Moment]:
    """What figures say of which it is known how many children are behind them, by the places of those."""
    found = {
        (number, place, label): moment
        for number, table in enumerate(published)
        for label, (at, moment) in moments_of(table).items()
        for place, row in enumerate(table.rows)
        if not isinstance(row[at], Symbol)
    }
    return {place: moment for place, moment in found.items() if numbers.get(place)} or NO_MOMENTS


def moments_of(table: Published) -> Mapping[str, tuple[int, Moment]]:
    """What each figure of a table says, by the label of the children behind it, and the figure's place in a row.

    Left out is what does not add up, or says no more than counts do. Raises `RegionTangled` and `TooTangled`.
    """
    found = {place: moment_of(output, table) for place, output in enumerate(table.plan.outputs)}
    said = {place: moment for place, moment in found.items() if moment is not None}
    behind = adding_counts(table.plan) if said else ()
    return {each.label: (each.place, _of_some(each, said[each.place], table)) for each in behind if each.place in said}


def _of_some(counted: Counted, moment: Moment, table: Published) -> Moment:
    """Where children meet a condition that is multiplied in: `amounts` looks at sums and averages of theirs alone."""
    is_amount = bool(columns_behind(table.plan.outputs[counted.place], table.plan))
    return replace(moment, of_some=counted.multiplied and not is_amount)


def moment_of(output: Output, table: Published) -> Moment | None:
    """What a figure of a table says; None where that does not add up, or says no more than counts do."""
    if output.kind == "model":
        return Moment((table.plan.table, output.label), least_behind(output, table.preset), 0)
    factors = factors_of(output)
    columns = tuple(sorted(chain.from_iterable(each.columns for each in factors)))
    if not columns or not has_rows_of_children(table.plan) or len(table.plan.academic_years) != 1:
        return None
    amounts = [each for each in factors if each.columns]
    rule = table.preset.dominance
    least_total = rule.least_sum(amounts[0].bound) if rule is not None and len(amounts) == 1 else 0
    is_of_some = len(columns) == 1 and any(each.holds is not True for each in factors)
    # Of one quantity and conditions, be it a line, is told what an average of those is who meet them.
    least = table.preset.minimum_n_mean if is_of_some else least_behind(output, table.preset)
    return Moment((table.plan.table, *columns), least, least_total)


def find_followed(
    view: View,
    moments: Mapping[int, Sequence[Moment]],
    amounts: Mapping[int, Sequence[Amount]],
    deadline: Deadline = NEVER,
    before: Collection[Followed] = (),
) -> Iterator[Followed]:
    """The groups of which a figure follows that is not to be told, each with what it is of, and not those from before.

    `moments` and `amounts` are by the cell of the children behind them. Raises `Contradiction` and `TimeUp`.
    """
    for of in dict.fromkeys(each.of for found in moments.values() for each in found):
        own = {cell: each for cell, found in moments.items() for each in found if each.of == of}
        least, least_total = (max(getattr(each, name) for each in own.values()) for name in ("least", "least_total"))
        is_exact = (view.low == view.high)[list(own)].all()
        if len(own) > 1 and (least > view.rule.enough(0) or least_total or not is_exact):
            deadline.seconds_left()
            little = _may_have_little(view, of, amounts, least_total)
            past = [cells for cells, of_what in before if of_what == of]
            is_open = not is_exact and any(each.of_some for each in own.values())
            fewest = 1 if is_open else view.rule.enough(0)
            following = _Following(view, frozenset(own), fewest, least, bool(is_exact), little, deadline)
            for cells in following.groups(past):
                yield cells, of


@dataclass(frozen=True)
class _Following:
    """What follows of one quantity, of which figures of some cells are printed: they are of so many at least.

    Groups of the `fewest` or more are looked at, which is as many as a count is shown of, where counts tell of fewer.
    `little` are the cells whose children can have so little between them that a few of them could have most of it.
    """

    view: View
    printed: frozenset[int]
    fewest: int
    least: int
    is_exact: bool
    little: npt.NDArray[np.bool_]
    deadline: Deadline

    def groups(self, before: Collection[tuple[int, ...]]) -> Iterator[tuple[int, ...]]:
        """The cells of each group that can be too few, though not too few for a count: of those, counts tell."""
        view = self.view
        changes = draw_changes(view.lattice, [*self.printed, *np.flatnonzero(view.high == 0)])
        small = (view.low < self.least) & (view.high > 0)
        known = find_unchanged(changes)
        for cell in np.flatnonzero(known & (view.high >= self.fewest) & (small | self.little)).tolist():
            alone = (cell,) not in before and cell not in self.printed
            if alone and (self.little[cell] or self._can_be_too_few((cell,))):
                yield (cell,)
        few = self._find_exact(known, small, before) if self.is_exact else self._find_rounded(changes, small)
        yield from (cells for cells in few if cells not in before and self._can_be_too_few(cells))

    def _find_exact(self, known: Mask, small: Mask, before: Collection[tuple[int, ...]]) -> Iterator[tuple[int, ...]]:
        """Groups in several cells: any table that agrees with what is printed shows how many they are."""
        table = self._reader.sink([]) if (self.view.low < self.view.high).any() else self.view.low.astype(float)
        search = Search(self.view.lattice, known, small & ~known, table, (self.fewest, self.least), self.deadline)
        return find_combinations(search, before)

    @staticmethod
    def _find_rounded(changes: Changes, small: Mask) -> Iterator[tuple[int, ...]]:
        """Groups in two or three cells: of larger ones, rounded numbers leave open how many they are."""
        return find_offsetting(changes, np.flatnonzero(small).tolist())

    def _can_be_too_few(self, cells: Sequence[int]) -> bool:
        low, high = (sum(int(each) for each in ends[list(cells)]) for ends in (self.view.low, self.view.high))
        free = [cell for cell in cells if self.view.low[cell] < self.view.high[cell]]
        if free:
            still = low - sum(int(self.view.low[cell]) for cell in free)
            low = still + ceil(self._reader.sink(free)[free].sum() - ALMOST)
            high = min(high, still + floor(self._reader.swell(free)[free].sum() + ALMOST))
        return low < self.least and high >= self.fewest

    @cached_property
    def _reader(self) -> Reader:
        return Reader(self.view, self.deadline)


def _may_have_little(
    view: View, of: Quantity, amounts: Mapping[int, Sequence[Amount]], least_total: int
) -> npt.NDArray[np.bool_]:
    if not least_total:
        return np.zeros(len(view.lattice), bool)
    named = {cell: [each for each in found if each.columns == of] for cell, found in amounts.items()}
    low, high = bound_totals(view.lattice, named, (view.low, view.high))
    return np.asarray((low < least_total) & (high > 0))

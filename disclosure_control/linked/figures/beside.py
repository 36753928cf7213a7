"""Figures that are no counts, as a reader of counts has them: what they say of how many children there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from disclosure_control.linked.counts.cells import Linked, Place
from disclosure_control.linked.counts.said import Entries
from disclosure_control.linked.figures.amounts import NO_AMOUNTS, Amount, least_children
from disclosure_control.linked.figures.unlike import NOTHING_UNLIKE, Unlike
from disclosure_control.linked.figures.worth import NOTHING_WORTH, Worth, narrow_by_worth
from disclosure_control.suppression.deadline import NEVER, Deadline
from disclosure_control.suppression.reader import Contradiction
from disclosure_control.suppression.rules import Interval
from disclosure_control.suppression.view import Bounds, Printed

__all__ = ["NO_FIGURES", "Figures", "is_figure"]


@dataclass(frozen=True)
class Figures:
    """What is said of counts besides, while it is printed.

    `amounts` are sums and averages, each by the place of the count of the children behind it; `unlike` are groups of
    which somebody is in the wider alone, by the figures of both; `worth` is what a child of each cell has of what is
    added up; and `upto` what quantiles say, as totals.
    """

    amounts: Mapping[Place, Amount] = field(default_factory=lambda: NO_AMOUNTS)
    unlike: Unlike = field(default_factory=lambda: NOTHING_UNLIKE)
    worth: Worth = field(default_factory=lambda: NOTHING_WORTH)
    upto: Sequence[tuple[Place, Amount]] = ()

    def narrow(
        self, linked: Linked, entries: Entries, bounds: tuple[Bounds, Bounds], few: int, deadline: Deadline = NEVER
    ) -> tuple[Bounds, Bounds]:
        """What each cell can be, beside the figures that are printed; closely where that is under a `few`.

        Raises `Contradiction` and `TimeUp`.
        """
        low, high = bounds[0].copy(), bounds[1]
        for cell, places in self.unlike.items():
            if all(is_figure(entries.get(place)) for place in places):
                low[cell] = max(low[cell], 1)
        if not (found := self._by_cell(linked, entries)):
            return low, high
        low = least_children(linked.lattice, found, (low, high))
        if (low > high).any():
            raise Contradiction("the children of a count have more between them than so many can have")
        return narrow_by_worth(linked, found, self.worth, (low, high), few, deadline) if self.worth else (low, high)

    def _by_cell(self, linked: Linked, entries: Entries) -> Mapping[int, Sequence[Amount]]:
        """What is printed of what children have, by the cell of these."""
        found: dict[int, list[Amount]] = {}
        for place, amount in chain(self.amounts.items(), self.upto):
            if is_figure(entries.get(place)) and (cell := linked.places.get(place)) is not None:
                found.setdefault(cell, []).append(amount)
        return found


NO_FIGURES = Figures()


def is_figure(entry: Printed | Interval | None) -> bool:
    """Whether a figure is printed, whether or not the number of the children behind it is known."""
    return isinstance(entry, int | tuple)

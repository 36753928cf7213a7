"""Mixtures: averages of all that those of some parts do not come to, in whatever numbers, whoever is left over.

They say that somebody is (`averages.py`), of whoever is left over in one cell. Where other questions have cut those
into several, no cell is theirs; so they get one of their own, as `rests.py` finds them, wherever an average says that
they are somebody.

Exact counts say that themselves; and where zeros are withheld, so is what leaves too few, be it somebody or nobody.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from disclosure_control.linked.children.counted import Counted
from disclosure_control.linked.counts.cells import Linked, Place
from disclosure_control.linked.counts.rules import Rules
from disclosure_control.linked.counts.said import Entries
from disclosure_control.linked.counts.view import view_counts
from disclosure_control.linked.figures.amounts import Amount, average_by_cell, columns_behind
from disclosure_control.linked.figures.averages import fewest_others
from disclosure_control.linked.figures.printed import Figure, Rest, add_rests, read_figures
from disclosure_control.linked.figures.rests import subtract_figures
from disclosure_control.linked.published import Published
from disclosure_control.suppression.deadline import NEVER, Deadline
from disclosure_control.suppression.view import Bounds

__all__ = ["part_mixtures"]


def part_mixtures(
    published: Sequence[Published],
    linked: Linked,
    entries: Entries,
    rules: Rules,
    numbers: Mapping[Place, int],
    amounts: Mapping[Place, Amount],
    deadline: Deadline = NEVER,
) -> Linked:
    """The links with a cell for each group of whom an average says that they are some, by the last of these tables.

    `numbers` are of the children behind each figure, and `amounts` what sums and averages say of them.
    Raises `TooTangled`, `RegionTangled`, `Contradiction` and `TimeUp`.
    """
    base = max(each.preset.rounding_base for each in published)
    if base == 1 or not all(each.shows_zero for each in rules):
        return linked
    figures = read_figures(published, numbers, _of_what).values()
    own = ([each for each in alike if each.place in amounts] for alike in figures)
    looked = [alike for alike in own if len(alike) > 2]
    if not looked:
        return linked
    view = view_counts(linked, entries, rules)
    search = _Search(linked, amounts, (view.low, view.high), len(published) - 1, base, deadline)
    return add_rests(linked, list(dict.fromkeys(chain.from_iterable(map(search.run, looked)))))


def _of_what(counted: Counted, table: Published) -> object:
    return columns_behind(table.plan.outputs[counted.place], table.plan) or None


@dataclass(frozen=True)
class _Search:
    """The search for averages that tell of others, among figures of one quantity."""

    linked: Linked
    amounts: Mapping[Place, Amount]
    counts: tuple[Bounds, Bounds]
    newest: int
    base: int
    deadline: Deadline

    def run(self, figures: Sequence[Figure]) -> Iterator[Rest]:
        """What is left of a group without two or more others, where somebody is."""
        by_cell: dict[int, list[Amount]] = {}
        for each in figures:
            by_cell.setdefault(self._cell(each), []).append(self.amounts[each.place])
        averages, most = average_by_cell(by_cell), max(each.most for found in by_cell.values() for each in found)
        told = [each for each in figures if self._cell(each) in averages]
        for whole, parts in dict.fromkeys(self._subtract(told)):
            others = int(self.counts[1][whole] - self.counts[0][list(parts)].sum())
            if fewest_others(whole, parts, averages, most, self.counts, (0, others)) > 0:
                yield whole, parts

    def _subtract(self, figures: Sequence[Figure]) -> Iterator[Rest]:
        """Groups without parts of them: without all that fit, and the first of these alone, from two on."""
        distinct = {self._cell(each): each for each in figures}
        found = subtract_figures(list(distinct.values()), self.newest, self.base, self.deadline, together=2)
        for wide, parts, _ in found:
            for count in range(2, len(parts) + 1):
                if self.newest in (wide.place[0], *(each.place[0] for each in parts[:count])):
                    yield self._cell(wide), tuple(sorted(map(self._cell, parts[:count])))

    def _cell(self, figure: Figure) -> int:
        return self.linked.places[figure.place]

"""Telling figures: those of the newest table from which a figure of others would follow that is not to be told.

A figure is withheld by itself, and the number of children beside it stays. The rule is fixed, and goes by what is
published: for each group whose figure follows, the nearest figure of the same quantity that could still be withheld.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import TypeVar

from disclosure_control.linked.companions import Order, nearest_row
from disclosure_control.linked.counts.cells import Linked, Place
from disclosure_control.linked.counts.lacking import view_without
from disclosure_control.linked.counts.rules import Rules
from disclosure_control.linked.counts.said import Entries
from disclosure_control.linked.counts.view import Reading, read_counts, view_counts
from disclosure_control.linked.figures.amounts import Amount, find_amounts
from disclosure_control.linked.figures.moments import Followed, Moment, Quantity, find_followed, find_moments, moment_of
from disclosure_control.linked.figures.printed import add_rests, adding_counts, number_children
from disclosure_control.linked.figures.rests import find_rests
from disclosure_control.linked.published import Published, entries_of, link_published, rules_of
from disclosure_control.suppression.deadline import NEVER, Deadline
from disclosure_control.suppression.view import UNKNOWN, View

__all__ = ["find_telling"]

_Said = TypeVar("_Said")


def find_telling(
    earlier: Sequence[Published], newest: Published, deadline: Deadline = NEVER, order: Order = float
) -> frozenset[tuple[int, str]]:
    """The figures of the newest table to withhold, by row and label, for none to follow that is not to be told.

    Of rows that do as well, `order` decides. What follows from earlier tables alone is past help. Raises `TooTangled`,
    `RegionTangled`, `Contradiction` and `TimeUp`.
    """
    tables = [*earlier, newest]
    if not any(_bears_on(quantity, tables) for quantity in _quantities(newest)):
        return frozenset()
    linked, entries = link_published(tables), entries_of(tables)
    numbers = number_children(linked, entries)
    moments, amounts = find_moments(tables, numbers), find_amounts(tables, numbers)
    linked = add_rests(linked, find_rests(tables, linked, numbers, moments, deadline))
    search = _Search(linked, rules_of(tables), moments, amounts, len(earlier), order, deadline)
    labels = {each.label: newest.plan.outputs[each.place].label for each in adding_counts(newest.plan)}
    return frozenset((row, labels[label]) for _, row, label in search.run(entries))


def _quantities(table: Published) -> Counter[Moment]:
    """What a table has figures of, and in how many columns."""
    return Counter(moment for each in table.plan.outputs if (moment := moment_of(each, table)) is not None)


def _bears_on(moment: Moment, tables: Sequence[Published]) -> bool:
    """Whether a figure of this could follow though it is not to be told: there are several, and a rule of their own."""
    preset, newest = tables[-1].preset, tables[-1]
    columns = sum(count for each in tables for own, count in _quantities(each).items() if own.of == moment.of)
    has_rule = moment.least > preset.smallest_count_shown or moment.least_total > 0 or preset.rounding_base > 1
    return has_rule and (columns > 1 or len(newest.plan.sets) > 1)


@dataclass(frozen=True)
class _Search:
    """The search for what tells, among figures that are printed."""

    linked: Linked
    rules: Rules
    moments: Mapping[Place, Moment]
    amounts: Mapping[Place, Amount]
    newest: int
    order: Order
    deadline: Deadline
    _before: dict[Reading, Set[Followed]] = field(default_factory=dict)

    def run(self, printed: Entries) -> Set[Place]:
        """Withhold more until nothing follows that did not before."""
        withheld = set[Place]()
        while told := self._follow_newly(_without(printed, withheld)):
            chosen = {place for cells, of in told for place in self._choose(cells[0], of, withheld)}
            if not chosen:
                break
            withheld |= chosen
        return withheld

    def _follow_newly(self, entries: Entries) -> Set[Followed]:
        """What follows, and did not from earlier tables to whoever reads them alike."""
        view, reading = read_counts(self.linked, entries, self.rules)
        if reading not in self._before:
            less = {place: entry for place, entry in entries.items() if place[0] != self.newest}
            self._before[reading] = self._follow(less, view_counts(self.linked, less, self.rules, reading))
        return self._follow(entries, view, self._before[reading])

    def _follow(self, entries: Entries, view: View, before: Set[Followed] = frozenset()) -> Set[Followed]:
        """What follows to whoever takes nothing for granted, and to whoever takes it that nobody lacks a value."""
        moments = {place: each for place, each in self.moments.items() if _is_shown(entries, place)}
        amounts = {place: each for place, each in self.amounts.items() if _is_shown(entries, place)}
        behind, found = (self._by_cell(moments), self._by_cell(amounts)), set[Followed]()
        for each in (view, view_without(view, self.linked.lacking, self.deadline)):
            if each is not None:
                found.update(find_followed(each, *behind, self.deadline, before | found))
        return found

    def _by_cell(self, found: Mapping[Place, _Said]) -> Mapping[int, Sequence[_Said]]:
        by_cell: dict[int, list[_Said]] = {}
        for place, each in found.items():
            by_cell.setdefault(self.linked.places[place], []).append(each)
        return by_cell

    def _choose(self, cell: int, of: Quantity, withheld: Set[Place]) -> Iterator[Place]:
        """The figures of the nearest row that says something new of a quantity; of every row, where none is near."""
        own = [place for place, each in self.moments.items() if each.of == of]
        before = {self.linked.places[place] for place in own if place[0] != self.newest}
        new = [place for place in sorted(own) if place[0] == self.newest and place not in withheld]
        rows = {self.linked.places[place]: place[1] for place in new if self.linked.places[place] not in before}
        row = nearest_row(cell, rows, self.linked.lattice, self.order)
        return (place for place in new if row is None or place[1] == row)


def _without(printed: Entries, withheld: Set[Place]) -> Entries:
    return {place: UNKNOWN if place in withheld else entry for place, entry in printed.items()}


def _is_shown(entries: Entries, place: Place) -> bool:
    return isinstance(entries.get(place), int | tuple)

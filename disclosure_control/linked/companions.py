"""Companions: rows of the newest table that are withheld since they would tell on others, of this or an earlier one.

The rule is fixed, and goes by what is published alone: for each cell that is told, the nearest row that could still be
withheld, counted in additions; of equally near ones the one over fewest cells, and of those one by a secret. When
nothing else helps, nothing new is shown.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from disclosure_control.linked.authorities import find_told_to_authorities
from disclosure_control.linked.between import BetweenTotals, over_alike
from disclosure_control.linked.children.counted import counts_of
from disclosure_control.linked.contributors import find_told_to_contributors
from disclosure_control.linked.counts.cells import Linked, Place
from disclosure_control.linked.counts.rules import Rules
from disclosure_control.linked.counts.said import Entries
from disclosure_control.linked.counts.view import SOMEBODY, Reading, view_counts
from disclosure_control.linked.figures.amounts import Amount, find_amounts
from disclosure_control.linked.figures.beside import Figures, is_figure
from disclosure_control.linked.figures.mixtures import part_mixtures
from disclosure_control.linked.figures.printed import number_children
from disclosure_control.linked.figures.quantiles import read_quantiles, worth_of
from disclosure_control.linked.figures.unlike import part_unlike
from disclosure_control.linked.figures.worth import part_worth
from disclosure_control.linked.joint_attack import Baseline, JointAttack, attack_together
from disclosure_control.linked.only_small import OnlySmall
from disclosure_control.linked.own_sake import OwnSake, list_few
from disclosure_control.linked.published import Published, entries_of, link_published, rules_of
from disclosure_control.suppression.deadline import NEVER, Deadline
from disclosure_control.suppression.lattice import Lattice
from disclosure_control.suppression.view import UNKNOWN, WITHHELD, View

__all__ = ["Order", "find_companions", "nearest_row"]

MOST_ROUNDS = 12
"""How often more is withheld, before all is."""

FEW_GROUPS = 1
"""So many groups of several cells that have to do with each other are withheld for at a time: what else is told is
found once that is done, if it still is. Where all of these were told before, every group is looked for.
"""

Order = Callable[[int], float]
"""Which of several rows goes first: the one with the least number."""


def find_companions(
    earlier: Sequence[Published],
    newest: Published,
    deadline: Deadline = NEVER,
    order: Order = float,
    *,
    looks_between: bool = True,
) -> frozenset[int]:
    """The rows of the newest table that have to be withheld whole, for nothing to be told.

    Of rows that do as well, `order` decides: by a secret, a reader cannot say for whose sake which was withheld. What
    earlier releases tell without it, as closely, is past help, and not looked at. Nor is an earlier count that
    was withheld for its own sake to be one number (see `own_sake`), nor of a total the others than one authority's to
    be too few (see `authorities`), nor what lies between two totals (see `between`): that is looked at unless a
    measurement asks what it costs. Raises `TooTangled`, `Contradiction` and `TimeUp`.
    """
    tables = [*earlier, newest]
    linked, entries, rules, number = link_published(tables), dict(entries_of(tables)), rules_of(tables), len(earlier)
    numbers = number_children(linked, entries)
    amounts = find_amounts(tables, numbers)
    linked, unlike = part_unlike(tables, linked, numbers, deadline)
    linked = part_mixtures(tables, linked, entries, rules, numbers, amounts, deadline)
    linked, worth = part_worth(linked, entries, rules, amounts, deadline)
    counted = tuple(counts_of(newest.plan))
    shown = {each.label for each in counted if not each.implied}
    nobodys = {each.label for each in counted if each.may_be_nobodys}
    withheld = set[int]()
    less = {place: entry for place, entry in entries.items() if place[0] != number}
    quantiles = read_quantiles(tables, numbers)
    upto = [(each.place, each.amount) for each in quantiles]
    figures = Figures(amounts, unlike, {**worth, **worth_of(linked, quantiles)}, upto)
    past = Baseline(linked, less, rules, deadline, figures)
    own_sake = OwnSake(linked, less, rules, list_few(earlier), deadline)
    counting, only = _Counting(linked, less, rules, deadline), OnlySmall(linked, less, rules, deadline)
    held = {(number, *place): most for place, most in newest.held.items() if place[1] in shown}
    taking = _TakingAway(linked, less, rules, held, tables, deadline, looks_between)
    found: JointAttack | None = None
    for _ in range(MOST_ROUNDS):
        found = attack_together(linked, entries, rules, deadline, after=found, figures=figures, most_groups=FEW_GROUPS)
        if found.reading != counting.reading:
            own_sake, counting = replace(own_sake, reading=found.reading), replace(counting, reading=found.reading)
            taking, only = replace(taking, reading=found.reading), replace(only, reading=found.reading)
        told: Set[int] = {each.cell for each in past.fresh(found)}
        if not told and found.groups >= FEW_GROUPS:
            found = attack_together(linked, entries, rules, deadline, after=found, figures=figures)
            told = {each.cell for each in past.fresh(found)}
        told = told or set(own_sake.fresh(entries)) or counting.fresh(entries, found) or only.fresh(entries, found)
        if newest.held and not told:
            told = taking.fresh(entries, found.view)
        if not told:
            return frozenset(withheld)
        candidates = _candidates(linked, entries, number) | _amounts_of(
            linked, entries, [*amounts.items(), *upto], number
        )
        chosen = {row for cell in told if (row := nearest_row(cell, candidates, linked.lattice, order)) is not None}
        if not chosen:
            break
        withheld |= chosen
        hidden = [place for place in entries if place[0] == number and place[1] in chosen]
        for place in hidden:
            if place[2] in nobodys:
                del entries[place]
            else:
                entries[place] = WITHHELD if entries[place] == WITHHELD or place[2] in shown else UNKNOWN
    return frozenset(range(len(newest.rows)))


@dataclass(frozen=True)
class _Counting:
    """Whoever is counted, as a reader of less than is printed, and of all of it, by one `reading` of both."""

    linked: Linked
    less: Entries
    rules: Rules
    deadline: Deadline
    reading: Reading = SOMEBODY
    _before: dict[int, bool] = field(default_factory=dict, init=False)

    def fresh(self, entries: Entries, found: JointAttack) -> Set[int]:
        """The cells that are told to some of them by more alone: of less, no others are looked at."""
        told = find_told_to_contributors(self.linked, entries, self.rules, found.view, self.deadline)
        if new := told - self._before.keys():
            view = view_counts(self.linked, self.less, self.rules, self.reading)
            before = find_told_to_contributors(self.linked, self.less, self.rules, view, self.deadline, new)
            self._before.update({cell: cell in before for cell in new})
        return {cell for cell in told if not self._before[cell]}


@dataclass(frozen=True)
class _TakingAway:
    """Authorities, each of whom takes its own rows away, as readers of less than is printed, and of all of it.

    What is withheld they take by one `reading` of both.
    """

    linked: Linked
    less: Entries
    rules: Rules
    held: Mapping[Place, int]
    tables: Sequence[Published]
    deadline: Deadline
    looks_between: bool
    reading: Reading = SOMEBODY

    def fresh(self, entries: Entries, view: View) -> Set[int]:
        """The cells that are told to one of them by more alone: first such that are asked about now."""
        if (told := self._told(entries)) and (fresh := told - self._told_before):
            return fresh
        if not self.looks_between:
            return set()
        between = self._between(entries, view)
        if (cells := between.find_cells()) and (fresh := cells - self._cells_before):
            return fresh
        rests = between.find_rests()
        return {min(each) for each in rests - self._rests_before} if rests else set()

    @cached_property
    def _told_before(self) -> Set[int]:
        return self._told(self.less)

    @cached_property
    def _cells_before(self) -> Set[int]:
        return self._past.find_cells()

    @cached_property
    def _rests_before(self) -> Set[Set[int]]:
        return self._past.find_rests()

    @cached_property
    def _past(self) -> BetweenTotals:
        return self._between(self.less)

    def _between(self, entries: Entries, view: View | None = None) -> BetweenTotals:
        """What is printed of totals over the same authorities; `view` is that of all totals, where somebody has it."""
        alike = over_alike(self.tables, entries)
        if view is None or len(alike) < len(entries):
            view = view_counts(self.linked, alike, self.rules, self.reading)
        return BetweenTotals(self.linked, self.tables, self.rules, alike, view, self.deadline)

    def _told(self, entries: Entries) -> Set[int]:
        return find_told_to_authorities(self.linked, entries, self.rules, self.held, self.deadline, self.reading)


def _candidates(linked: Linked, entries: Entries, number: int) -> dict[int, int]:
    """The cells that withholding a row of the newest table would hide, each with that row."""
    numbers = {
        place: linked.places[place]
        for place, entry in entries.items()
        if isinstance(entry, int) and place in linked.places
    }
    printed_before = {cell for place, cell in numbers.items() if place[0] != number}
    return {
        cell: place[1]
        for place, cell in numbers.items()
        if place[0] == number and entries[place] != 0 and cell not in printed_before
    }


def _amounts_of(
    linked: Linked, entries: Entries, amounts: Sequence[tuple[Place, Amount]], number: int
) -> dict[int, int]:
    """The cells of which withholding a row of the newest table would hide what is said by no earlier one, but a count:
    what their children have between them.
    """
    printed = [(place, each) for place, each in amounts if is_figure(entries.get(place))]
    before = {(linked.places[place], each.columns) for place, each in printed if place[0] != number}
    new = ((linked.places[place], place[1], each.columns) for place, each in printed if place[0] == number)
    return {cell: row for cell, row, columns in new if (cell, columns) not in before}


def nearest_row(told: int, candidates: Mapping[int, int], lattice: Lattice, order: Order = float) -> int | None:
    """The row of the candidate that the fewest additions lead to from a cell that is told."""
    members = lattice.incidence
    front, seen = np.zeros(len(lattice), bool), np.zeros(len(lattice), bool)
    front[told] = True
    while front.any():
        if found := [cell for cell in np.flatnonzero(front).tolist() if cell in candidates]:
            return candidates[min(found, key=lambda cell: (lattice.breadths[cell], order(candidates[cell])))]
        seen |= front
        added = np.zeros(len(lattice.relations), bool)
        added[members.relations[front[members.cells]]] = True
        front = np.zeros(len(lattice), bool)
        front[members.cells[added[members.relations]]] = True
        front &= ~seen
    return None

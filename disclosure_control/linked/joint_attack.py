"""The joint attack: what a reader of several releases of one snapshot can work out about their counts.

Told is a withheld count that could not be as large as one that is shown, or is one number, as in the attack on one
table; and any group of children, though nobody asked for it, of which a reader knows that there are some, and too few
(where zeros are withheld, that it is too few or none): two conditions that differ by one child are about that child.
Where zeros are shown a count that is known to be 0 is not told, though all of its table is withheld: 0 is printed. The
reader adds and subtracts, in whole numbers, and does not guess.

What is printed is read as the preset had it that protected it then, in the version of then. What must not be told goes
by the strictest of them: a count that one withheld is not to be printed, or bounded, under another.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np

from disclosure_control.linked.counts.cells import Linked, Place
from disclosure_control.linked.counts.groups import find_groups, find_small
from disclosure_control.linked.counts.joining import join_narrowed
from disclosure_control.linked.counts.lacking import view_without, with_parts
from disclosure_control.linked.counts.rules import Rules, room_of, steps_rule, strictest
from disclosure_control.linked.counts.said import Entries, Said
from disclosure_control.linked.counts.seen import Seen
from disclosure_control.linked.counts.unions import MOST_CHOICES
from disclosure_control.linked.counts.view import Reading, readings
from disclosure_control.linked.figures.beside import NO_FIGURES, Figures
from disclosure_control.suppression.attack import Knowing, Known
from disclosure_control.suppression.deadline import NEVER, Deadline
from disclosure_control.suppression.reader import Contradiction
from disclosure_control.suppression.rules import UNBOUNDED
from disclosure_control.suppression.view import Bounds, View, lacks
from disclosure_control.suppression.witnesses import find_witnesses

__all__ = ["Baseline", "JointAttack", "Told", "attack_together"]


@dataclass(frozen=True)
class Told:
    """What a reader knows too much of: a cell, its counts in the releases (none for a group nobody asked for).

    Of a group that lies in several cells what is known is of all of them `together`; a cell can be in several groups.
    """

    cell: int
    places: tuple[Place, ...]
    together: tuple[int, ...]
    _know: Callable[[], Known]

    @cached_property
    def known(self) -> Known:
        """How far it is known: worked out when it is first asked for. Raises `TimeUp`."""
        return self._know()


@dataclass(frozen=True)
class JointAttack:
    """What a reader finds in releases together. `seen` is what has shown that they do not find more.

    `view` is what is printed, as far as one addition after the other tells, by this `reading` of what is withheld.
    """

    cells: int
    withheld: int
    told: tuple[Told, ...]
    seen: Seen
    view: View
    reading: Reading

    @property
    def is_safe(self) -> bool:
        """Whether nothing is told."""
        return not self.told

    @property
    def groups(self) -> int:
        """How many groups of several cells are told."""
        return len({each.together for each in self.told if len(each.together) > 1})

    def beyond(self, past: "JointAttack") -> tuple[Told, ...]:
        """What is told here and was not told in the past, or not as closely."""
        before = {(each.cell, each.together): each for each in past.told}
        past_of = ((each, before.get((each.cell, each.together))) for each in self.told)
        return tuple(each for each, known in past_of if known is None or _is_closer(each, known))


def _is_closer(told: Told, before: Told) -> bool:
    """Whether more is known of a cell than was before."""
    return _low(told.known) > _low(before.known) or _high(told.known) < _high(before.known)


def _low(known: Known) -> int:
    return known.low or 0


def _high(known: Known) -> int:
    return UNBOUNDED if known.high is None else known.high


def attack_together(
    linked: Linked,
    entries: Entries,
    rules: Rules,
    deadline: Deadline = NEVER,
    *,
    after: JointAttack | None = None,
    first: Reading | None = None,
    only: Set[int] | None = None,
    figures: Figures = NO_FIGURES,
    most_groups: int = MOST_CHOICES,
) -> JointAttack:
    """Attack what is printed. Raises `Contradiction` where no figures agree with it, as those of two snapshots.

    What was seen in another attack on the same counts, `after` which this one is made, is not looked for again, where
    no more is printed now. What is withheld is read as `first` says, if it can be. Where `only` some cells matter,
    others are not looked at; of groups of several cells that have to do with each other, no more than `most_groups` are
    looked for. Raises `TimeUp` where it is not over by the deadline.
    """
    contradiction, said = Contradiction(), Said.of(linked, entries, rules)
    for reading in readings(entries, rules, first):
        try:
            few = steps_rule(rules).enough(0)
            bounds = figures.narrow(linked, entries, said.bounds(reading), few, deadline)
            before = after.seen if after else None
            asked, low, high = join_narrowed(linked, rules, bounds)
            bounds = _without(bounds, asked.left_out)
            seen = Seen.of(before, *bounds)
            attack = _Attack(asked, said, rules, (low, high), reading, seen, only, deadline, most_groups)
            return _attack_twice(attack, bounds, before)
        except Contradiction as found:
            contradiction = found
    raise contradiction


def _attack_twice(attack: "_Attack", bounds: tuple[Bounds, Bounds], before: Seen | None) -> JointAttack:
    """Attack as whoever takes it that nobody lacks a value, as far as that can be; and of those alone as others do.

    What is told to whoever takes less for granted is told to them too, and what shows that it is not shows others. That
    a withheld count would be one number and large says to them that somebody lacks a value after all.
    """
    view = attack.view
    without = view_without(view, attack.linked.lacking, attack.deadline)
    if without is None:
        return attack.run()
    is_nobody = (without.high == 0) & (view.high > 0)
    nobody, shows_zero = frozenset(np.flatnonzero(is_nobody).tolist()), strictest(attack.rules).shows_zero
    if not shows_zero:  # Nobody is told like any other number there, but of those who are taken to lack a value.
        nobody &= with_parts(view.lattice, attack.linked.lacking)
    looked = frozenset(range(len(view.high))) if attack.only is None else frozenset(attack.only)
    seen = Seen.of(before, bounds[0], np.where(is_nobody, 0, bounds[1]))
    narrow = replace(attack, bounds=(without.low, without.high), seen=seen, only=looked - nobody)
    found, few = narrow.run(), steps_rule(attack.rules).enough(0)
    told = [each for each in found.told if not each.places or _high(each.known) < few]
    if shows_zero:
        nobody &= frozenset(attack.said.withheld_cells())  # Of others nobody can know that somebody is there.
    again = looked & nobody | {each.cell for each in found.told} - {each.cell for each in told}
    if again:
        told += replace(attack, seen=Seen.of(found.seen, *bounds), only=again).run().told
    return replace(found, told=tuple({(each.cell, each.together): each for each in told}.values()), view=view)


@dataclass
class Baseline:
    """What less of the same tells by itself: worked out when it is first asked for, of the cells that it matters of."""

    linked: Linked
    less: Entries
    rules: Rules
    deadline: Deadline = NEVER
    figures: Figures = NO_FIGURES
    _looked: frozenset[int] = frozenset()
    _found: JointAttack | None = None

    def fresh(self, found: JointAttack) -> tuple[Told, ...]:
        """What an attack finds beyond that, to whoever reads both alike. Raises `Contradiction` and `TimeUp`."""
        if found.is_safe:
            return ()
        told = frozenset(each.cell for each in found.told)
        if self._found is None or self._found.reading != found.reading or not told <= self._looked:
            self._looked |= told
            self._found = attack_together(
                self.linked,
                self.less,
                self.rules,
                self.deadline,
                after=found,
                first=found.reading,
                only=self._looked,
                figures=self.figures,
            )
        return found.beyond(self._found)


def _without(bounds: tuple[Bounds, Bounds], left_out: Set[int]) -> tuple[Bounds, Bounds]:
    """What each cell can be, where some are not looked at: that table says nothing to whoever looks at these."""
    low, high, places = bounds[0].copy(), bounds[1].copy(), list(left_out)
    low[places] = high[places] = -1
    return low, high


_Group = tuple[int, tuple[int, ...]]
"""A cell, and all cells of the group that it is in."""


@dataclass(frozen=True)
class _Attack:
    """An attack on cells between these bounds."""

    linked: Linked
    said: Said
    rules: Rules
    bounds: tuple[Bounds, Bounds]
    reading: Reading
    seen: Seen
    only: Set[int] | None
    deadline: Deadline
    most_groups: int

    @cached_property
    def view(self) -> View:
        """What is printed, as far as one addition after the other tells."""
        return View(self.linked.lattice, strictest(self.rules), *self.bounds, ())

    def run(self) -> JointAttack:
        """What is told of counts that are withheld, and of groups that nobody asked for."""
        withheld, view = self.said.withheld_cells(), self.view
        hidden = [cell for cell in self.said.hidden() if cell not in self.linked.left_out]
        looked = [cell for cell in withheld if self.only is None or cell in self.only]
        told, lost, seen = self._find_told(replace(view, rule=steps_rule(self.rules)), looked)
        knowing = Knowing(view, self.deadline, lost)
        told = [cell for cell in told if not self._is_nobody(cell, knowing)]
        known: dict[_Group, Callable[[], Known]] = {(cell, (cell,)): partial(knowing.know, cell) for cell in told}
        known |= {(each.cell, (each.cell,)): partial(_itself, each) for each in self._find_opened()}
        for group in self._find_groups(view, hidden, seen):
            together = tuple(sorted(each.cell for each in group))
            # What adding up has found of one cell are bounds; how far it is known, all additions together say.
            alone = len(group) == 1 and group[0].low != group[0].high
            known |= {
                (each.cell, together): partial(knowing.know, each.cell) if alone else partial(_itself, each)
                for each in group
            }
        places = self.said.places_of({cell for cell, _ in known})
        found = tuple(Told(each[0], tuple(places[each[0]]), each[1], known[each]) for each in sorted(known))
        return JointAttack(len(self.linked.lattice), len(withheld), found, seen, view, self.reading)

    def _find_groups(self, view: View, hidden: Sequence[int], seen: Seen) -> Iterator[list[Known]]:
        """The groups that are told, by their cells.

        Where zeros are withheld a group is told by being too small, and each part of it is smaller still.
        """
        if self.only is not None and self.only.isdisjoint(hidden):
            return
        how = self.deadline, self.linked.joined, self.most_groups
        if strictest(self.rules).shows_zero:
            yield from find_groups(view, hidden, seen, *how)
            return
        ordinary = self.linked.ordinary
        yield from find_groups(view, [cell for cell in hidden if cell in ordinary], seen, *how)
        wanted = (cell for cell in hidden if cell not in ordinary and (self.only is None or cell in self.only))
        yield from ([each] for each in find_small(view, list(wanted), room_of(self.rules), seen, self.deadline))

    def _is_nobody(self, cell: int, knowing: Knowing) -> bool:
        """Whether nobody is in a withheld cell, which is told of none where zeros are shown: they would be printed."""
        rule = strictest(self.rules)
        return rule.shows_zero and not self.view.low[cell] and knowing.know(cell).high == 0

    def _find_opened(self) -> Iterator[Known]:
        """The counts that one release withholds and a later one prints, though the first shows none so small."""
        low, high = self.bounds
        for cell, number in self.said.printed_later():
            if self.rules[number].withholds(int(high[cell])):
                yield Known(cell, int(low[cell]), int(high[cell]))

    def _find_told(self, view: View, cells: Sequence[int]) -> tuple[list[int], Mapping[int, tuple[int, int]], Seen]:
        """Those of these withheld cells that are told, how far some are known, and what shows that the others are not.

        What cannot be large enough by its bounds is not looked for, nor what was seen to be large enough before.
        """
        looked = np.array(cells, np.int64)
        narrow = lacks(view.rule, view.low[looked], view.high[looked])
        told, left = looked[narrow].tolist(), self.seen.lacking(looked[~narrow], view.rule)
        if not left:
            return told, {}, self.seen
        found = find_witnesses(replace(view, withheld=tuple(left)), self.deadline)
        return [*told, *found.told()], found.lost, self.seen.beside(found.low, found.high, found.tables)


def _itself(known: Known) -> Known:
    return known

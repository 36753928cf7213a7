"""The joint attack: what a reader of several releases of one snapshot can work out about their counts.

Told is a withheld count that could not be as large as one that is shown, or is one number, as in the attack on one
table; and any group of children, though nobody asked for it, of which a reader knows that there are some, and too few:
two conditions that differ by one child are about that child. It adds and subtracts, in whole numbers, and does not
guess.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from disclosure_control.linked.implied import fix_implied
from disclosure_control.linked.links import Linked, Place
from disclosure_control.linked.unions import find_union
from disclosure_control.preset import TOTAL_LEVEL, ByLevel, Preset
from disclosure_control.suppression.attack import Known, know_cells
from disclosure_control.suppression.deadline import NEVER, Deadline
from disclosure_control.suppression.parts import Parts
from disclosure_control.suppression.reader import ALMOST, Contradiction, Reader
from disclosure_control.suppression.rules import UNBOUNDED, CountRule, Rule
from disclosure_control.suppression.view import WITHHELD, Printed, View
from disclosure_control.suppression.witnesses import find_witnesses
from query_engine.planning.plan import QueryPlan

__all__ = ["Entries", "JointAttack", "Told", "attack_together", "rule_for"]

Entries = Mapping[Place, Printed]
"""What is printed of each count; one that nobody has is left out."""


@dataclass(frozen=True)
class Told:
    """What a reader knows too much of: a cell, its counts in the releases (none for a group nobody asked for)."""

    known: Known
    places: tuple[Place, ...]


@dataclass(frozen=True)
class JointAttack:
    """What a reader finds in releases together."""

    cells: int
    withheld: int
    told: tuple[Told, ...]

    @property
    def is_safe(self) -> bool:
        """Whether nothing is told."""
        return not self.told

    def beyond(self, past: "JointAttack") -> tuple[Told, ...]:
        """What is told here and was not told in the past, or not as closely."""
        before = {each.known.cell: each.known for each in past.told}
        return tuple(each for each in self.told if _is_closer(each.known, before.get(each.known.cell)))


def _is_closer(known: Known, before: Known | None) -> bool:
    """Whether more is known of a cell than was before."""
    return before is None or _low(known) > _low(before) or _high(known) < _high(before)


def _low(known: Known) -> int:
    return known.low or 0


def _high(known: Known) -> int:
    return UNBOUNDED if known.high is None else known.high


def rule_for(preset: Preset, plan: QueryPlan) -> CountRule:
    """A preset's rule for the rows of authorities, or for totals, which are rounded as those of the nation are."""
    base = (preset if plan.path == "per_authority" else preset.at(TOTAL_LEVEL)).rounding_base
    return replace(CountRule.of(preset), bases=ByLevel(base, base, base))


def attack_together(linked: Linked, entries: Entries, rule: CountRule, deadline: Deadline = NEVER) -> JointAttack:
    """Attack what is printed. Raises `Contradiction` where no figures agree with it, as those of two snapshots.

    Raises `TimeUp` where it is not over by the deadline.
    """
    try:
        return _attack(linked, entries, rule, deadline)
    except Contradiction:
        # Whoever takes c for "somebody" can be wrong: where all is withheld, nothing of it says that anybody is there.
        return _attack(linked, entries, replace(rule, shows_zero=False), deadline)


def _attack(linked: Linked, entries: Entries, rule: CountRule, deadline: Deadline) -> JointAttack:
    low, high, withheld = _bounds(linked, entries, rule)
    low, high = fix_implied(linked.lattice, low, high)
    places: dict[int, list[Place]] = {}
    for place in entries:
        if place in linked.places:
            places.setdefault(linked.places[place], []).append(place)
    hidden = [cell for cell in range(len(linked.lattice)) if cell not in places]
    known = [Known(cell, int(low[cell]), int(high[cell])) for cell in (*withheld, *hidden) if low[cell] == high[cell]]
    view = View(linked.lattice, rule, low, high, tuple(cell for cell in withheld if low[cell] < high[cell]))
    told = {each.cell: each for each in known if each.cell in places or _is_few(each, rule)}
    if view.withheld:
        told |= {each.cell: each for each in know_cells(view, find_witnesses(view, deadline).told(), deadline)}
    told |= {each.cell: each for each in _find_groups(view, hidden, deadline)}
    found = tuple(Told(told[cell], tuple(places.get(cell, ()))) for cell in sorted(told))
    return JointAttack(len(linked.lattice), len(withheld), found)


def _bounds(linked: Linked, entries: Entries, rule: CountRule) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """What each cell can be by itself, and the cells that are withheld and nowhere printed. Raises `Contradiction`."""
    low, high = np.zeros(len(linked.lattice), np.int64), np.full(len(linked.lattice), UNBOUNDED, np.int64)
    withheld: dict[int, None] = {}
    for place, entry in entries.items():
        cell = linked.places.get(place)
        if cell is None:
            continue
        least, most = rule.behind(entry, linked.lattice.levels[cell]) if isinstance(entry, int) else rule.hidden
        low[cell], high[cell] = max(low[cell], least), min(high[cell], most)
        if entry == WITHHELD:
            withheld[cell] = None
    if (low > high).any():
        raise Contradiction("two releases print one count differently")
    printed = {
        linked.places[place] for place, entry in entries.items() if place in linked.places and isinstance(entry, int)
    }
    return low, high, sorted(withheld.keys() - printed)


def _find_groups(view: View, hidden: Sequence[int], deadline: Deadline) -> list[Known]:
    """The groups that nobody asked for of which it is known that they are some children, and too few.

    What has nothing to do with each other is looked at by itself: were several such groups known together to be few,
    so would be one of them.
    """
    parts, found = Parts(view.lattice), list[Known]()
    left = {cell for cell in hidden if view.low[cell] < view.high[cell]}
    for cells in parts.connected(view.low < view.high) if left else ():
        if inside := left.intersection(map(int, cells)):
            part = parts.take(cells)
            own = view.within(part)
            numbers = [part.numbers[cell] for cell in sorted(inside)]
            few = _find_few(own, numbers, deadline)
            alone = {each.cell for each in few}
            several = find_union(own, [cell for cell in numbers if cell not in alone], deadline)
            found += [replace(each, cell=int(part.cells[each.cell])) for each in (*few, *several)]
    return found


def _find_few(view: View, hidden: Sequence[int], deadline: Deadline) -> list[Known]:
    """Such groups that are one cell."""
    reader = Reader(replace(view, withheld=tuple(hidden)), deadline)
    known = (Known(cell, *reader.interval(cell)) for cell in _seem_few(reader, hidden))
    return [each for each in known if _is_few(each, view.rule)]


def _seem_few(reader: Reader, cells: Sequence[int]) -> list[int]:
    """Those of some cells that no table shows to be none, or enough, of a few that are looked at for it."""
    least, left = reader.view.rule.enough(0), list(cells)
    while left:
        before = len(left)
        for table in (reader.sink(left), reader.lift(dict.fromkeys(left, least))):
            left = [cell for cell in left if ALMOST < table[cell] < least - ALMOST]
        if len(left) == before:
            break
    return left


def _is_few(known: Known, rule: Rule) -> bool:
    return known.low is not None and known.low > 0 and known.high is not None and known.high < rule.enough(0)

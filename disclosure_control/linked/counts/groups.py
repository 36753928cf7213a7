"""Groups of children that nobody asked for: what is known of them from what others have asked.

Two conditions that differ by one child are about that child, though neither is. Where zeros are shown, told is a group
of which it is known that there are some children in it, and too few. Where they are withheld it is one that is known to
be too small, be it of nobody: were two counts printed that differ by nobody, and one of two withheld that differ by a
few, that it is withheld would say "somebody", and c says "nobody or few".
"""

from collections.abc import Sequence, Set
from dataclasses import replace

from disclosure_control.linked.counts.seen import Seen
from disclosure_control.linked.counts.unions import MOST_CHOICES, find_lacking, find_unions
from disclosure_control.suppression.attack import Known
from disclosure_control.suppression.deadline import Deadline
from disclosure_control.suppression.parts import Parts
from disclosure_control.suppression.reader import ALMOST, Reader
from disclosure_control.suppression.rules import Rule
from disclosure_control.suppression.view import View

__all__ = ["find_groups", "find_small"]


def find_groups(
    view: View,
    hidden: Sequence[int],
    seen: Seen,
    deadline: Deadline,
    joint: Set[int] = frozenset(),
    most: int = MOST_CHOICES,
) -> list[list[Known]]:
    """The groups that are told among these cells, by their cells; those seen to be large enough are not looked at.

    Where many of the `joint` ones are small (see `Linked`), each of them is looked at by itself alone. Of groups of
    several cells that have to do with each other, so many are looked for at `most`.
    What has nothing to do with each other is looked at by itself: were several such groups known together to be few,
    so would be one of them. Raises `Contradiction` and `TimeUp`.
    """
    fixed = [Known(cell, int(view.low[cell]), int(view.high[cell])) for cell in hidden if _is_fixed(view, cell)]
    found = [[each] for each in fixed if _is_few(each, view.rule)]
    left = {cell for cell in hidden if not _is_fixed(view, cell) and seen.high[cell] < view.rule.enough(0)}
    parts = Parts(view.lattice)
    for cells in parts.connected(view.low < view.high) if left else ():
        inside = sorted(left.intersection(map(int, cells)))
        if inside and not seen.empties(inside):  # If all of them can be, so can whatever they make up.
            part = parts.take(cells)
            few = _find_few(view.within(part), [part.numbers[cell] for cell in inside if seen.low[cell] > 0], deadline)
            alone = {each.cell for each in few}
            others = {number: cell for cell in inside if (number := part.numbers[cell]) not in alone}
            joined = {number for number, cell in others.items() if cell in joint}
            groups = [*([each] for each in few), *find_unions(view.within(part), [*others], deadline, joined, most)]
            found += [[replace(each, cell=int(part.cells[each.cell])) for each in group] for group in groups]
    return found


def find_small(view: View, hidden: Sequence[int], least: int, seen: Seen, deadline: Deadline) -> list[Known]:
    """The cells among these that are known to be smaller than this, be there anybody in them or not.

    Raises `Contradiction` and `TimeUp`.
    """
    found = [Known(cell, int(view.low[cell]), int(view.high[cell])) for cell in hidden if view.high[cell] < least]
    left = {cell for cell in hidden if view.low[cell] < least <= view.high[cell] and seen.high[cell] < least}
    parts = Parts(view.lattice)
    for cells in parts.connected(view.low < view.high) if left else ():
        if inside := sorted(left.intersection(map(int, cells))):
            part = parts.take(cells)
            numbers = [part.numbers[cell] for cell in inside]
            reader = Reader(replace(view.within(part), withheld=tuple(numbers)), deadline)
            small = ((number, reader.interval(number)) for number in find_lacking(reader, numbers, least))
            found += [Known(int(part.cells[number]), *ends) for number, ends in small]
    return found


def _is_fixed(view: View, cell: int) -> bool:
    return bool(view.low[cell] == view.high[cell])


def _find_few(view: View, hidden: Sequence[int], deadline: Deadline) -> list[Known]:
    """Such groups that are one cell."""
    if not hidden:
        return []
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

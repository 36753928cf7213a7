"""Rests: who is left of a group when others are taken from it of which there are figures too.

However they are cut up by questions that have no such figure (decoys), those who are left are one group, and are a cell
of their own. Looked for are rests that can be too few for a figure, and not too few for a count, which tells by itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations_with_replacement

from disclosure_control.linked.children.counted import Counted
from disclosure_control.linked.counts.cells import Linked, Place
from disclosure_control.linked.figures.moments import Moment, moments_of
from disclosure_control.linked.figures.printed import Figure, Rest, are_apart, lies_within, read_figures
from disclosure_control.linked.published import Published
from disclosure_control.suppression.deadline import NEVER, Deadline

__all__ = ["find_rests", "subtract_figures"]

_Column = tuple[int, str]
"""The number of a table, and the label of one of its figures."""


def find_rests(
    published: Sequence[Published],
    linked: Linked,
    numbers: Mapping[Place, int],
    moments: Mapping[Place, Moment],
    deadline: Deadline = NEVER,
) -> list[Rest]:
    """The rests that the last of these tables leaves, beside the others. Raises `RegionTangled` and `TimeUp`."""
    presets = [each.preset for each in published]
    fewest, base = max(each.smallest_count_shown for each in presets), max(each.rounding_base for each in presets)
    found = dict[Rest, None]()
    for of, figures in read_figures(published, numbers, _of_what).items():
        least = max(each.least for each in moments.values() if each.of == of)
        distinct = {linked.places[each.place]: each for each in reversed(figures)}
        if len(distinct) == 1 or (least <= fewest and base == 1):
            continue
        for wide, parts, left in subtract_figures(list(distinct.values()), len(published) - 1, base, deadline):
            doubt = base // 2 * (len(parts) + 1)
            if left - doubt < least and left + doubt >= fewest:
                cells = (linked.places[each.place] for each in parts)
                found[linked.places[wide.place], tuple(sorted(cells))] = None
    return list(found)


def _of_what(counted: Counted, table: Published) -> object:
    found = moments_of(table).get(counted.label)
    return None if found is None else found[1].of


def subtract_figures(
    figures: Sequence[Figure], newest: int, base: int, deadline: Deadline, together: int = 1
) -> Iterator[tuple[Figure, Sequence[Figure], int]]:
    """Each figure with others whose children are some of its own and no one else's, and how many are left about.

    One of them is of the newest table. Parts of any so many tables `together` come first, and then what fits beside
    them. Raises `TimeUp`.
    """
    new = [each for each in figures if each.place[0] == newest]
    for wide in figures:
        deadline.seconds_left()
        if wide not in new and not any(lies_within(each, wide) for each in new):
            continue
        inside = [each for each in figures if each is not wide and lies_within(each, wide)]
        for first in combinations_with_replacement(dict.fromkeys(map(_column_of, inside)), together):
            if together > 1 and newest not in (wide.place[0], *(number for number, _ in first)):
                continue
            parts = _cover(wide, inside, base, first)
            if newest in (wide.place[0], *(each.place[0] for each in parts)):
                yield wide, parts, wide.children - sum(each.children for each in parts)


def _cover(wide: Figure, inside: Sequence[Figure], base: int, first: Sequence[_Column]) -> Sequence[Figure]:
    """Parts of a figure that have nobody in common: those of some columns first, one column after the other."""
    ranks = {column: rank for rank, column in reversed(list(enumerate(first)))}
    found, left = list[Figure](), wide.children
    for each in sorted(inside, key=lambda each: (ranks.get(_column_of(each), len(first)), -each.children)):
        doubt = base // 2 * (len(found) + 2)
        if each.children <= left + doubt and all(are_apart(each, other) for other in found):
            found.append(each)
            left -= each.children
    return found


def _column_of(figure: Figure) -> _Column:
    return figure.place[0], figure.place[2]

"""Averages of parts of a group, and of all of it: one that lies beyond them says that somebody else is in the group.

It does so however little it is beyond, and however roughly their numbers are known: each part weighs as much in its
total as it does in its number. So what all parts but one have is taken from what all have, child by child, and the rest
is that part's: as many children at least as it takes to have so much, or so little.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from fractions import Fraction
from math import floor

from disclosure_control.suppression.lattice import Lattice, Relation
from disclosure_control.suppression.view import Bounds

__all__ = ["Average", "find_others"]

Average = tuple[Fraction, Fraction]
"""From this on, and under that."""


def find_others(
    lattice: Lattice, averages: Mapping[int, Average], most: int, counts: tuple[Bounds, Bounds]
) -> Iterator[tuple[int, int]]:
    """Cells that an average beyond those of the others in a group says are not empty, each with its least number.

    `averages` are of one quantity, by the cell; nobody has less than 0 of it, or more than `most`.
    """
    made_of = _list_parts(lattice, averages)
    with_part: dict[int, list[tuple[int, Set[int]]]] = {}
    for cell, several in made_of.items():
        for parts in several:
            for part in parts:
                with_part.setdefault(part, []).append((cell, parts))
    for relation in lattice.relations:
        if relation.total not in averages:
            continue
        found, left = _cover(relation, with_part)
        others = [cell for cell in left if counts[1][cell] > 0]
        if found and len(others) == 1 and counts[0][others[0]] < counts[1][others[0]]:
            yield others[0], _least(averages[relation.total], [(averages[each], each) for each in found], most, counts)


def _list_parts(lattice: Lattice, averages: Mapping[int, Average]) -> dict[int, list[Set[int]]]:
    """What each cell with an average is made of: itself, or any cells that it is the total of."""
    found: dict[int, list[Set[int]]] = {cell: [frozenset({cell})] for cell in averages}
    for relation in lattice.relations:
        if relation.total in found:
            found[relation.total].append(frozenset(relation.parts))
    return found


def _cover(relation: Relation, with_part: Mapping[int, Sequence[tuple[int, Set[int]]]]) -> tuple[list[int], Set[int]]:
    """Cells with an average that make up some of a total's parts, the largest first, and the parts that are left."""
    left, found = set(relation.parts), list[int]()
    near = {(cell, frozenset(parts)) for part in relation.parts for cell, parts in with_part.get(part, ())}
    for cell, parts in sorted(near, key=lambda each: (-len(each[1]), each[0])):
        if cell != relation.total and parts <= left:
            found.append(cell)
            left -= parts
    return found, left


def _least(whole: Average, parts: Sequence[tuple[Average, int]], most: int, counts: tuple[Bounds, Bounds]) -> int:
    """How many others there are at least, for an average of all to be what it is; 0 where there need be none."""
    above = sum(_fewest(whole[0] - high, cell, counts) for (_, high), cell in parts)
    below = sum(_fewest(low - whole[1], cell, counts) for (low, _), cell in parts)
    found = [(above, most - whole[0]), (below, whole[1])]
    return max((floor(beyond / each) + 1 if each > 0 else 1 for beyond, each in found if beyond >= 0), default=0)


def _fewest(apart: Fraction, cell: int, counts: tuple[Bounds, Bounds]) -> Fraction:
    """The least that so much for each child of a cell comes to."""
    return apart * int(counts[0][cell] if apart > 0 else counts[1][cell])

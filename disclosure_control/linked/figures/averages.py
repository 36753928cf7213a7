"""Averages of parts of a group, and of all of it: one that lies beyond them says that somebody else is in the group.

It does so however little it is beyond, and however roughly their numbers are known: each part weighs as much in its
total as it does in its number. So what all parts but one have is taken from what all have, child by child, and the rest
is that part's: as many children at least as it takes to have so much, or so little.

What is known of the numbers is that all parts come to all there are. So an average that lies between those of the
parts can say it too: where no numbers that go together give it.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from fractions import Fraction

from disclosure_control.suppression.lattice import Lattice, Relation
from disclosure_control.suppression.view import Bounds

__all__ = ["Average", "fewest_others", "find_others"]

Average = tuple[Fraction, Fraction]
"""From this on, and under that."""

Ends = tuple[int, int]
"""The fewest and the most children that there can be."""


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
            few = fewest_others(relation.total, found, averages, most, counts, _ends(others[0], counts))
            yield others[0], few


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


def fewest_others(
    whole: int,
    parts: Sequence[int],
    averages: Mapping[int, Average],
    most: int,
    counts: tuple[Bounds, Bounds],
    others: Ends,
) -> int:
    """How many children of a cell are in none of its parts at least, by what all of them have on average."""
    ends = [_ends(whole, counts), others, *(_ends(each, counts) for each in parts)]
    return _least(averages[whole], [averages[each] for each in parts], most, ends)


def _ends(cell: int, counts: tuple[Bounds, Bounds]) -> Ends:
    return int(counts[0][cell]), int(counts[1][cell])


def _least(whole: Average, parts: Sequence[Average], most: int, ends: Sequence[Ends]) -> int:
    """How many others there are at least, for an average of all to be what it is; 0 where there need be none.

    `ends` are of how many there are of all, of the others, and of each part.
    """
    (fewest, greatest), (few, many), *own = ends
    above = [(whole[0] - high, each) for (_, high), each in zip(parts, own, strict=True)]
    below = [(low - whole[1], each) for (low, _), each in zip(parts, own, strict=True)]
    for others in range(few, many + 1):
        together = (fewest - others, greatest - others)
        if _fewest(above, together) < others * (most - whole[0]) and _fewest(below, together) < others * whole[1]:
            return others
    return few


def _fewest(apart: Sequence[tuple[Fraction, Ends]], together: Ends) -> Fraction:
    """The least that so much for each child of each part comes to, where there are so many children in all parts."""
    counts = [low if each > 0 else high for each, (low, high) in apart]
    left = min(max(sum(counts), together[0]), together[1]) - sum(counts)
    for place, (_, (low, high)) in sorted(enumerate(apart), key=lambda part: part[1][0], reverse=left < 0):
        step = min(max(left, low - counts[place]), high - counts[place])
        counts[place], left = counts[place] + step, left - step
    return sum((each * count for (each, _), count in zip(apart, counts, strict=True)), Fraction(0))

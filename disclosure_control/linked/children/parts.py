"""Cutting: regions that overlap, as unions of parts that have no row in common."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from query_engine.planning.region import Region, complement, intersect

__all__ = ["MOST_PARTS", "Cut", "TooTangled", "cut"]

MOST_PARTS = 256
"""Ways in which conditions may overlap that are looked at together."""


class TooTangled(Exception):
    """Questions cannot be attacked together: they are too many, or overlap too much; the text says in what."""


@dataclass(frozen=True)
class Cut:
    """The parts, and of each region that was cut the numbers of those that it is made of."""

    parts: tuple[Region, ...]
    holders: Mapping[Region, tuple[int, ...]]

    def of(self, region: Region) -> list[Region]:
        """The parts of a region."""
        return [self.parts[place] for place in self.holders[region]]


def cut(regions: Iterable[Region], most: int = MOST_PARTS) -> Cut:
    """The smallest parts that these regions cut the rows into.

    Raises `TooTangled` where there are more than `most`, and `RegionTangled`.
    """
    distinct = list(dict.fromkeys(regions))
    atoms: list[tuple[Region, frozenset[int]]] = [(True, frozenset())]
    for number, region in enumerate(distinct):
        sides = ((region, frozenset({number})), (complement(region), frozenset[int]()))
        halves = [(intersect(rows, side), held | inside) for rows, held in atoms for side, inside in sides]
        atoms = [each for each in halves if each[0] is not False]
        if len(atoms) > most:
            raise TooTangled(f"the questions overlap in more than {most} ways")
    kept = [each for each in atoms if each[1]]
    holders = {
        region: tuple(place for place, (_, held) in enumerate(kept) if number in held)
        for number, region in enumerate(distinct)
    }
    return Cut(tuple(rows for rows, _ in kept), holders)

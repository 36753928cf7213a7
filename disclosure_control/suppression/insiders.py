"""Readers who know more than what is published: an authority all its own rows, a child its own cell.

A child that is alone in a cell knows that cell to be 1, and a sum there to be its own. What these readers know is not
public, so that no certificate can speak of them: they are looked at where the table is protected, with the true
figures.

Readers are looked at by groups, as if those in a group told each other everything, which is more than any of them
knows: where nothing is told to a group, nothing is told to anybody in it. Only where something is, each is looked at.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from disclosure_control.suppression.lattice import Lattice
from disclosure_control.suppression.reader import Reader
from disclosure_control.suppression.separation import Onlooker
from disclosure_control.suppression.view import View
from disclosure_control.suppression.witnesses import told_cells

__all__ = ["Insider", "find_insiders", "find_onlookers", "told_to"]


@dataclass(frozen=True)
class Insider:
    """Somebody who knows cells, by number, as they are."""

    cells: frozenset[int]


def find_insiders(lattice: Lattice, lone: Iterable[int]) -> list[list[Insider]]:
    """All authorities, and children who are alone in one of the `lone` cells, in groups to be looked at together."""
    owned = {owner: Insider(frozenset(cells)) for owner, cells in _owned(lattice).items()}
    authorities = [[owned[owner] for owner in each] for each in _apart(lattice)]
    totals = {relation.total for relation in lattice.relations}
    alone = [Insider(frozenset({cell})) for cell in lone if cell not in totals]
    return [*authorities, *_halves(alone)]


def find_onlookers(view: View, lone: Iterable[int]) -> list[Onlooker]:
    """All authorities and all children who are alone in a cell, one by one, with what is no secret of each.

    `view` is what is published at the least: where a total has small parts alone it stays withheld, and whoever knows
    all of them knows it.
    """
    insiders = {each.cells: each for group in find_insiders(view.lattice, lone) for each in group}
    return [Onlooker(cells, frozenset(_own(cells, view))) for cells in insiders]


def _apart(lattice: Lattice) -> list[list[tuple[str, str]]]:
    """The authorities in groups with one of each region at most, twice: any two are in different groups once."""
    places: dict[tuple[str, str], tuple[int, int]] = {}
    regions: dict[frozenset[tuple[str, str]], int] = {}
    for relation in lattice.relations:
        siblings = dict.fromkeys(owner for part in relation.parts for owner in lattice.owners[part])
        if not lattice.owners[relation.total] and len(siblings) > 1:
            region = regions.setdefault(frozenset(siblings), len(regions))
            for place, owner in enumerate(siblings):
                places.setdefault(owner, (place, region))
    every = dict.fromkeys(owner for owners in lattice.owners for owner in owners)
    groups: dict[tuple[str, int], list[tuple[str, str]]] = {}
    for number, owner in enumerate(every):
        if owner in places:
            place, region = places[owner]
            groups.setdefault(("one of each", place), []).append(owner)
            if len(regions) > 1:
                groups.setdefault(("one of each, shifted", place + region), []).append(owner)
        else:
            groups["alone", number] = [owner]
    return list(groups.values())


def _owned(lattice: Lattice) -> Mapping[tuple[str, str], list[int]]:
    owned: dict[tuple[str, str], list[int]] = {}
    for cell, owners in enumerate(lattice.owners):
        for owner in owners:
            owned.setdefault(owner, []).append(cell)
    return owned


def _halves(insiders: Sequence[Insider]) -> Iterator[list[Insider]]:
    """Groups such that of any two insiders each is in one that the other is not in: by the digits of their number."""
    for digit in range(max(1, (len(insiders) - 1).bit_length()) if insiders else 0):
        for side in (0, 1):
            if group := [each for place, each in enumerate(insiders) if place >> digit & 1 == side]:
                yield group


def told_to(
    group: Sequence[Insider], view: View, figures: Sequence[int], wanted: Mapping[int, int]
) -> Iterator[tuple[Insider, list[int]]]:
    """Who of a group is told what of these withheld cells, each of which is wanted to be able to be so large."""
    together = frozenset[int]().union(*(each.cells for each in group))
    told = _told(together, view, figures, wanted)
    if len(group) == 1:
        yield from [(group[0], told)] if told else []
        return
    for each in group if told else ():
        if alone := _told(each.cells, view, figures, {cell: wanted[cell] for cell in told}):
            yield each, alone


def _told(cells: Collection[int], view: View, figures: Sequence[int], wanted: Mapping[int, int]) -> list[int]:
    """What is told to a reader who knows these cells, beyond what they add up to themselves."""
    own = _own(cells, view)
    others = {cell: least for cell, least in wanted.items() if cell not in own}
    return told_cells(Reader(view.knowing(figures, sorted(cells))), others) if others else []


def _own(cells: Collection[int], view: View) -> set[int]:
    """What is known by adding up what one knows and what is published; nobody else's figures are in that."""
    public = np.flatnonzero(view.low == view.high).tolist()
    return {*cells, *(each.total for each in view.lattice.work_out({*public, *cells}))}

"""Groups in several cells of which a figure follows: all that have no other in them, however many cells they are in."""

from collections.abc import Sequence
from itertools import combinations
from random import Random

import numpy as np
import pytest

from disclosure_control.linked.figures.changes import draw_changes, find_offsetting, find_unchanged
from disclosure_control.linked.figures.combinations import Search, find_combinations
from disclosure_control.presets.preset import LEVELS, Level
from disclosure_control.suppression.lattice import Lattice, Relation

FEWEST, ENOUGH = 6, 10

Parts = Sequence[tuple[int, ...]]


def lay_out(cells: int, parts: Parts) -> Lattice:
    """Cells, and after them the totals of these parts of them."""
    relations = tuple(Relation(cells + place, each) for place, each in enumerate(parts))
    count, nothing = cells + len(parts), frozenset[tuple[str, str]]()
    levels: tuple[Level, ...] = (LEVELS[0],) * count
    return Lattice((nothing,) * count, relations, (), (1,) * count, levels, (nothing,) * count, count)


def look(parts: Parts, children: Sequence[int]) -> Search:
    """All totals are printed of a quantity that so many children have."""
    cells = len(children)
    lattice = lay_out(cells, parts)
    table = np.array([*children, *(sum(children[cell] for cell in each) for each in parts)], float)
    known = find_unchanged(draw_changes(lattice, range(cells, len(lattice))))
    return Search(lattice, known, (table < ENOUGH) & ~known, table, (FEWEST, ENOUGH))


def find_all(search: Search, cells: int) -> set[tuple[int, ...]]:
    """Every group that is a sum of printed totals, and has no other in it that is."""
    totals = [[cell in each.parts for cell in range(cells)] for each in search.lattice.relations]
    rank, found = np.linalg.matrix_rank(totals), list[tuple[int, ...]]()
    small = [cell for cell in range(cells) if search.small[cell]]
    for size in range(2, len(small) + 1):
        for group in combinations(small, size):
            number = sum(search.table[cell] for cell in group)
            follows = np.linalg.matrix_rank([*totals, [cell in group for cell in range(cells)]]) == rank
            if FEWEST <= number < ENOUGH and follows and not any(set(each) <= set(group) for each in found):
                found.append(group)
    return set(found)


@pytest.mark.parametrize("seed", range(80))
def test_they_are_those_that_are_sums_of_what_is_printed(seed: int) -> None:
    draw = Random(seed)
    cells = draw.randint(4, 9)
    parts = {tuple(sorted(draw.sample(range(cells), draw.randint(2, cells)))) for _ in range(draw.randint(1, 5))}
    search = look(sorted(parts), [draw.choice((0, 1, 1, 2, 3, 5, 12)) for _ in range(cells)])
    assert set(find_combinations(search)) == find_all(search, cells)


def test_a_group_in_four_cells_is_found_that_no_two_or_three_cells_tell_of() -> None:
    parts, children = [(0, 1, 2, 3, 4, 5), (4, 5)], [1, 2, 2, 2, 20, 20]
    assert list(find_combinations(look(parts, children))) == [(0, 1, 2, 3)]
    assert not list(find_offsetting(draw_changes(lay_out(6, parts), (6, 7)), range(4)))


def test_totals_that_have_to_be_halved_tell_too() -> None:
    """Of each two of three pairs there is a total: all six cells together have half of what these come to."""
    parts = [(0, 1, 2, 3), (2, 3, 4, 5), (0, 1, 4, 5)]
    assert set(find_combinations(look(parts, [3, 3, 4, 4, 3, 3]))) == {(0, 1), (2, 3), (4, 5)}


def test_groups_that_were_known_before_are_left_out_and_so_are_those_with_one_of_them_in_it() -> None:
    search = look([(0, 1), (2, 3), (0, 1, 2, 3, 4, 5)], [3, 3, 4, 4, 3, 3])
    assert set(find_combinations(search)) == {(0, 1), (2, 3), (4, 5)}
    assert set(find_combinations(search, [(2, 3)])) == {(0, 1), (4, 5)}

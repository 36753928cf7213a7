"""The optimum against all patterns there are, on tables that are small enough to try every one."""

from itertools import combinations, product
from random import Random

import numpy as np
import pytest

from disclosure_control.presets.preset import ByLevel
from disclosure_control.suppression.hierarchy import flat_hierarchy
from disclosure_control.suppression.lattice import Lattice, Layout, build_lattice
from disclosure_control.suppression.optimum import Optimum
from disclosure_control.suppression.pattern import Pattern, needs_of
from disclosure_control.suppression.reader import Reader
from disclosure_control.suppression.rules import CountRule
from disclosure_control.suppression.view import WITHHELD, view_printed
from disclosure_control.suppression.witnesses import told_cells

RULE = CountRule(least=6, shows_zero=True, bases=ByLevel(1, 1, 1))


def draw(seed: int) -> tuple[Lattice, list[int]]:
    chance = Random(seed)
    rows = tuple(product(("Total", "a", "b", "c"), ("Total", "x", "y")))
    inner = {(row, column): chance.choice((1, 3, 5, 8, 12, 20)) for row in "abc" for column in "xy"}
    figures = [
        sum(n for (r, c), n in inner.items() if row in ("Total", r) and column in ("Total", c)) for row, column in rows
    ]
    columns = zip(*rows, strict=True)
    return build_lattice([Layout(("r", "c"), tuple(map(flat_hierarchy, columns)), rows)]), figures


def is_enough(lattice: Lattice, figures: list[int], withheld: set[int], small: list[int]) -> bool:
    printed = [WITHHELD if cell in withheld else figure for cell, figure in enumerate(figures)]
    return not told_cells(Reader(view_printed(lattice, RULE, printed)), small)


def fewest(lattice: Lattice, figures: list[int], small: list[int]) -> int:
    others = [cell for cell in range(len(figures)) if cell not in small]
    for size in range(len(others) + 1):
        for chosen in combinations(others, size):
            if is_enough(lattice, figures, {*small, *chosen}, small):
                return size
    raise AssertionError("withholding everything is always enough")


@pytest.mark.parametrize("seed", range(4))
def test_no_pattern_is_cheaper(seed: int) -> None:
    lattice, figures = draw(seed)
    small = [cell for cell, figure in enumerate(figures) if RULE.withholds(figure)]
    printed = [WITHHELD if cell in small else figure for cell, figure in enumerate(figures)]
    costs = np.ones(len(figures))
    pattern = Pattern(view_printed(lattice, RULE, printed), figures, costs)
    search = Optimum(lattice, pattern.limits, needs_of(RULE, figures, small), costs)
    at_least = search.least_cost()
    best = search.exactly()
    assert best is not None
    assert len(best) - 1 < at_least <= len(best) + 1e-6
    assert is_enough(lattice, figures, {*best, *small}, small)
    assert len(best) == fewest(lattice, figures, small)


@pytest.mark.parametrize("seed", range(4))
def test_what_is_nearly_cheapest_is_enough_too(seed: int) -> None:
    lattice, figures = draw(seed)
    small = [cell for cell, figure in enumerate(figures) if RULE.withholds(figure)]
    printed = [WITHHELD if cell in small else figure for cell, figure in enumerate(figures)]
    costs = np.ones(len(figures))
    pattern = Pattern(view_printed(lattice, RULE, printed), figures, costs)
    near = Optimum(lattice, pattern.limits, needs_of(RULE, figures, small), costs).nearly()
    assert near is not None
    assert is_enough(lattice, figures, {*near, *small}, small)
    assert len(near) <= fewest(lattice, figures, small) + 2

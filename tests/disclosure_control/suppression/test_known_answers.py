"""Tables of which the answer is public, from the tests of sdcTable, of GaussSuppression and from sdcTools' forum."""

from collections import Counter
from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest

from disclosure_control.presets.preset import ByLevel
from disclosure_control.suppression.attack import attack_view
from disclosure_control.suppression.hierarchy import Hierarchy, flat_hierarchy
from disclosure_control.suppression.lattice import Lattice, Layout, build_lattice
from disclosure_control.suppression.optimum import Optimum
from disclosure_control.suppression.pattern import Pattern, Ties, needs_of, public_costs
from disclosure_control.suppression.rules import CountRule
from disclosure_control.suppression.table_protection import protect_cells
from disclosure_control.suppression.view import WITHHELD, view_printed

TIES = Ties(bytes(32), b"known answers")
UP_TO_3 = CountRule(least=4, shows_zero=True, bases=ByLevel(1, 1, 1))


def cheapest(lattice: Lattice, figures: Sequence[int], primaries: Sequence[int]) -> list[int]:
    """The pattern that withholds least by value, as those tools count it; cells are counted from 1."""
    printed = [WITHHELD if cell in primaries else figure for cell, figure in enumerate(figures)]
    pattern = Pattern(view_printed(lattice, UP_TO_3, printed), figures, public_costs(lattice, TIES))
    needs = needs_of(UP_TO_3, figures, primaries)
    best = Optimum(lattice, pattern.limits, needs, np.array(figures, float)).exactly()
    assert best is not None
    return sorted(cell + 1 for cell in {*best, *primaries})


def cross(counts: dict[tuple[str, str], int], rows: Sequence[str], columns: Sequence[str]) -> tuple[Lattice, list[int]]:
    """A table of two columns with its totals, row by row."""
    every = tuple(product(["Total", *rows], ["Total", *columns]))
    layout = Layout(("row", "column"), (flat_hierarchy(["Total", *rows]), flat_hierarchy(["Total", *columns])), every)
    figures = [
        sum(n for (r, c), n in counts.items() if row in ("Total", r) and column in ("Total", c))
        for row, column in every
    ]
    return build_lattice([layout]), figures


MICRODATA1 = Counter(
    zip(
        "CCAACDDAACABBBCDABCABDACDDABDCCBBBBDCDBCBADBBDBCCBACDBCBBACDBADDAADDDACBBDDBDDABBCABBBCACCCDBDBBDBAB",
        "mmmmmfffmmffmmffmmmmmmmffmmfmmfmfffmfmfmmmfffmfmffmfffmmfmfmmmffmmffmmfmffffffmmfffmmmmmmmfmmfffmmfmm"[:100],
        strict=True,
    )
)


def test_microdata1_of_sdctable() -> None:
    """Women of region A are withheld for their own sake: with them the men, and both of region C."""
    letters = {"f": "female", "m": "male"}
    counts = {(region, letters[sex]): number for (region, sex), number in MICRODATA1.items()}
    lattice, figures = cross(counts, "ABCD", ["male", "female"])
    women_of_a = 5
    assert figures[0] == 100
    assert cheapest(lattice, figures, [women_of_a]) == [5, 6, 11, 12]


Z1 = {
    "A": (11, 11, 55, 36),
    "B": (7, 1, 29, 18),
    "C": (5, 8, 35, 25),
    "D": (13, 2, 17, 13),
    "E": (9, 14, 63, 52),
    "F": (12, 9, 24, 22),
    "G": (6, 4, 22, 8),
    "H": (9, 3, 38, 15),
}
SOURCES = ("annet", "arbeid", "soshjelp", "trygd")


def test_z1_of_gausssuppression() -> None:
    """Three small counts of one column need their neighbours, and nothing else."""
    counts = {(region, source): n for region, row in Z1.items() for source, n in zip(SOURCES, row, strict=True)}
    lattice, figures = cross(counts, list(Z1), SOURCES)
    small = [cell for cell, figure in enumerate(figures) if UP_TO_3.withholds(figure)]
    assert figures[0] == 596
    assert [cell + 1 for cell in small] == [13, 23, 43]
    assert cheapest(lattice, figures, small) == [12, 13, 22, 23, 42, 43]


LINKED = {"A": 2, "B": 2, "I": 8, "J": 8, "K": 3, "L": 3, "M": 3, "N": 7}
COUNTIES = {"Total": "", "county-1": "Total", "county-2": "Total"}
COUNTIES |= dict.fromkeys("ABIJ", "county-1") | dict.fromkeys("KLMN", "county-2")
SIZES = {"Total": "", "big": "Total", "small": "Total"} | dict.fromkeys("LM", "big") | dict.fromkeys("ABIJKN", "small")


def linked() -> tuple[Lattice, list[int]]:
    """Two tables of the same regions: by county, and by size."""
    layouts, figures = [], {}
    for parents in (COUNTIES, SIZES):
        tree = Hierarchy(parents, dict.fromkeys(parents, "area"))
        layout = Layout(("region",), (tree,), tuple((code,) for code in parents))
        layouts.append(layout)
        for code in parents:
            inner = [each for each in LINKED if code in (each, *tree.ancestors(each))] if code != "Total" else LINKED
            figures[layout.key((code,))] = sum(LINKED[each] for each in inner)
    lattice = build_lattice(layouts)
    return lattice, [figures[key] for key in lattice.keys]


def test_linked_tables_that_are_safe_one_by_one_are_not_together() -> None:
    """County 1 and the small regions differ by K and N alone; N is printed, so K is found."""
    lattice, figures = linked()
    printed = [WITHHELD if UP_TO_3.withholds(each) else each for each in figures]
    found = attack_view(view_printed(lattice, UP_TO_3, printed))
    exact = {lattice.describe(each.cell) for each in found.known if each.is_exact}
    assert exact == {"region K"}


def test_linked_tables_are_protected_together() -> None:
    """sdcTable's answer is to withhold N besides, and so is ours."""
    lattice, figures = linked()
    small = [cell for cell, figure in enumerate(figures) if UP_TO_3.withholds(figure)]
    found = protect_cells(lattice, figures, UP_TO_3, small, TIES, insiders=False)
    besides = {lattice.describe(cell) for cell in found.witnesses.view.withheld if cell not in small}
    assert "region N" in besides
    assert attack_view(found.witnesses.view).is_safe


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_three_cells_of_one_total_need_nothing_else_once_they_can_rise(limit: int) -> None:
    """The least table: what can rise at another's cost needs no third."""
    rule = CountRule(least=limit + 1, shows_zero=True, bases=ByLevel(1, 1, 1))
    lattice, figures = cross({("x", "y"): limit, ("x", "z"): 20, ("w", "y"): 20, ("w", "z"): 20}, "xw", "yz")
    small = [cell for cell, figure in enumerate(figures) if rule.withholds(figure)]
    found = protect_cells(lattice, figures, rule, small, TIES, insiders=False)
    assert found.withheld == 4

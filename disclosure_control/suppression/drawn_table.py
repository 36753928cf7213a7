"""Tables to measure with: authority -> region -> England by 5 x 3 categories, drawn from a seed.

Authorities differ in size as they do in looked-after children (a lognormal with a few large ones), and categories are
as unequal as the major ethnic groups and three kinds of placement, so that small cells come in clusters. Every child
is drawn by itself.
"""

from dataclasses import dataclass
from itertools import product
from math import exp, log
from random import Random

from disclosure_control.suppression.hierarchy import TOTAL, Hierarchy
from disclosure_control.suppression.lattice import Lattice, Layout, build_lattice

__all__ = ["SHAPES", "DrawnTable", "draw_table"]


@dataclass(frozen=True)
class Shape:
    """How many regions and authorities, how many groups by kinds of placement, and how many children to an area."""

    regions: int
    authorities: int
    groups: int = 5
    placements: int = 3
    typical_size: int = 420


SHAPES = {
    48: Shape(0, 2, groups=3, typical_size=70),
    368: Shape(2, 20, groups=3, typical_size=150),
    1_584: Shape(5, 60),
    3_888: Shape(9, 152),
    20_016: Shape(33, 800),
}
"""By their number of cells, all totals included: 16 for each area by 3 x 3, 24 by 5 x 3."""

SIZE_SPREAD = 0.6
GROUPS = (0.70, 0.11, 0.08, 0.06, 0.05)
PLACEMENTS = (0.58, 0.30, 0.12)


@dataclass(frozen=True)
class DrawnTable:
    """A table with its true figures, cell by cell."""

    layout: Layout
    lattice: Lattice
    figures: tuple[int, ...]


def draw_table(cells: int, seed: int) -> DrawnTable:
    """The table of so many cells, one of `SHAPES`, from a seed."""
    shape, draw = SHAPES[cells], Random(seed)  # noqa: S311 - a drawn table is to be the same again
    areas, groups, placements = _areas(shape), _flat("g", shape.groups), _flat("p", shape.placements)
    counts: dict[tuple[str, ...], int] = {}
    for area in areas.of_level("authority"):
        size = round(exp(draw.gauss(log(shape.typical_size), SIZE_SPREAD)))
        for child in zip(_pick(draw, groups, GROUPS, size), _pick(draw, placements, PLACEMENTS, size), strict=True):
            for row in product(*map(_and_above, (areas, groups, placements), (area, *child))):
                counts[row] = counts.get(row, 0) + 1
    rows = tuple(product(areas.parents, groups.parents, placements.parents))
    layout = Layout(("area", "group", "placement"), (areas, groups, placements), rows)
    return DrawnTable(layout, build_lattice([layout]), tuple(counts.get(row, 0) for row in rows))


def _areas(shape: Shape) -> Hierarchy:
    regions = [f"R{number:02}" for number in range(shape.regions)]
    above = regions or ["England"]
    parents = {"England": ""} | dict.fromkeys(regions, "England")
    parents |= {f"A{number:03}": above[number % len(above)] for number in range(shape.authorities)}
    levels = {"England": "nation"} | dict.fromkeys(regions, "region")
    return Hierarchy(parents, {code: levels.get(code, "authority") for code in parents})


def _flat(letter: str, number: int) -> Hierarchy:
    codes = [f"{letter}{each}" for each in range(1, number + 1)]
    return Hierarchy({TOTAL: ""} | dict.fromkeys(codes, TOTAL), dict.fromkeys((TOTAL, *codes), "category"))


def _pick(draw: Random, hierarchy: Hierarchy, shares: tuple[float, ...], size: int) -> list[str]:
    codes = hierarchy.children[TOTAL]
    return draw.choices(codes, weights=shares[: len(codes)], k=size)


def _and_above(hierarchy: Hierarchy, code: str) -> list[str]:
    return [code, *hierarchy.ancestors(code)]

"""Tables to protect, and a reader of our own who attacks them with another solver than the one under test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from random import Random

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import lil_matrix

from disclosure_control.suppression.hierarchy import Hierarchy

Row = tuple[str, ...]


@dataclass(frozen=True)
class Drawn:
    """A table with every total: columns, the parent of each category, and a figure for each row."""

    columns: tuple[str, ...]
    parents: tuple[Mapping[str, str], ...]
    levels: tuple[Mapping[str, str], ...]
    figures: Mapping[Row, int]

    @property
    def hierarchies(self) -> dict[str, Hierarchy]:
        trees = (Hierarchy(*each) for each in zip(self.parents, self.levels, strict=True))
        return dict(zip(self.columns, trees, strict=True))

    @property
    def relations(self) -> list[tuple[Row, list[Row]]]:
        """Every total with its parts, found anew from the parents."""
        found = []
        for place, parents in enumerate(self.parents):
            for row in self.figures:
                parts = [(*row[:place], code, *row[place + 1 :]) for code, up in parents.items() if up == row[place]]
                if parts:
                    found.append((row, parts))
        return found

    def csv(self, shown: Mapping[Row, object] | None = None, count: str = "n") -> str:
        """The table as CSV."""
        lines = [",".join((*row, str(figure))) for row, figure in (shown or self.figures).items()]
        return "\n".join([",".join((*self.columns, count)), *lines]) + "\n"

    def tree(self, column: str) -> str:
        """A column's tree file."""
        place = self.columns.index(column)
        parents, levels = self.parents[place], self.levels[place]
        return "".join(["code,parent,level\n", *(f"{code},{parents[code]},{levels[code]}\n" for code in parents)])


def draw_table(seed: int, authorities: int, sexes: int, ages: int, mean: float, least: int = 0) -> Drawn:
    """A nation of two regions by two flat columns, with small and empty cells."""
    draw = Random(seed)
    names = [f"A{number}" for number in range(authorities)]
    area = {"N": "", "R0": "N", "R1": "N"} | {name: f"R{place % 2}" for place, name in enumerate(names)}
    level = {"N": "nation", "R0": "region", "R1": "region"} | dict.fromkeys(names, "authority")
    letters = (("s", sexes), ("a", ages))
    flat = [{"Total": ""} | {f"{letter}{each}": "Total" for each in range(most)} for letter, most in letters]
    inner = product(names, list(flat[0])[1:], list(flat[1])[1:])
    figures = dict.fromkeys(product(area, *flat), 0)
    for leaf in inner:
        figure = max(least, int(draw.expovariate(1 / mean)))
        ups = [_upwards(code, parents) for code, parents in zip(leaf, (area, *flat), strict=True)]
        for row in product(*ups):
            figures[row] += figure
    levels = (level, *(dict.fromkeys(each, "category") for each in flat))
    return Drawn(("area", "sex", "age"), (area, *flat), levels, figures)


def _upwards(code: str, parents: Mapping[str, str]) -> list[str]:
    found = [code]
    while parents[found[-1]]:
        found.append(parents[found[-1]])
    return found


def bound_cell(table: Drawn, bounds: Mapping[Row, tuple[float, float | None]], cell: Row) -> tuple[float, float]:
    """The least and the most that a cell can be, by SciPy; bounds are what the reader knows of each cell."""
    rows = list(bounds)
    place = {row: number for number, row in enumerate(rows)}
    matrix = lil_matrix((len(table.relations), len(rows)))
    for number, (total, parts) in enumerate(table.relations):
        matrix[number, place[total]] = 1
        for part in parts:
            matrix[number, place[part]] = -1
    found = []
    for sign in (1, -1):
        cost = np.zeros(len(rows))
        cost[place[cell]] = sign
        solved = linprog(cost, A_eq=matrix.tocsr(), b_eq=np.zeros(len(table.relations)), bounds=list(bounds.values()))
        assert solved.status in (0, 3), solved.message
        found.append(sign * solved.fun if solved.status == 0 else -sign * np.inf)
    return found[0], found[1]


def read_shown(text: str) -> dict[Row, str]:
    """The rows of a protected CSV, with what is printed of each."""
    return {tuple(line.split(",")[:-1]): line.split(",")[-1] for line in text.splitlines()[1:]}


def withheld_rows(shown: Mapping[Row, str]) -> Sequence[Row]:
    return [row for row, entry in shown.items() if entry == "c"]

"""Reconstruction: every whole number that a cell can be, by integer programs over all that is printed.

A SAT solver over the same figures would find the same: both ask whether there is a table of whole numbers with a cell
so large. HiGHS is asked here by way of SciPy, and not through the programs that protected the tables.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from disclosure_control.presets.preset import Preset
from tests.end_to_end.attacks.known import Known
from tests.end_to_end.attacks.scoreboard import Claim

MOST = 10_000


@dataclass
class Unknowns:
    """A table of unknown counts, and what is printed of it and of its totals."""

    columns: tuple[str, ...]
    categories: tuple[tuple[Any, ...], ...]
    preset: Preset
    _rows: list[tuple[list[int], Known]] = field(default_factory=list)
    _withheld: list[tuple[tuple[Any, ...], list[int]]] = field(default_factory=list)

    def begin(self) -> None:
        """Begin with another authority."""
        self._rows, self._withheld = [], []

    def add(self, at: tuple[Any, ...], entry: object) -> None:
        """What is printed of a cell, or of a total over it."""
        choices = [each if code == "Total" else (code,) for code, each in zip(at, self.categories, strict=True)]
        cells = [self._number(cell) for cell in product(*choices)]
        if isinstance(entry, int):
            self._rows.append((cells, Known(*self.preset.printed_range(entry))))
        elif entry == "c":
            self._withheld.append((at, cells))

    def add_block(self, block: Sequence[Sequence[Any]], entry: object) -> None:
        """What is printed of a count over some categories of each column."""
        cells = [self._number(cell) for cell in product(*block)]
        if cells and isinstance(entry, int):
            self._rows.append((cells, Known(*self.preset.printed_range(entry))))
        elif cells and entry == "c":
            self._withheld.append((tuple(map(tuple, block)), cells))

    def claims(self, authority: str) -> Iterator[Claim]:
        """The least and the most that every withheld count can be."""
        for at, cells in self._withheld:
            low, high = (self._extreme(cells, sign) for sign in (1, -1))
            if low is not None and high is not None:
                yield Claim(authority, self._condition(at), Known(low, high))

    def _extreme(self, cells: Sequence[int], sign: int) -> int | None:
        count = self._count()
        costs = np.zeros(count)
        costs[cells] = sign
        wanted = np.array([1.0])
        matrix = np.zeros((len(self._rows) + len(self._withheld), count))
        low, high = np.zeros(len(matrix)), np.full(len(matrix), float(MOST))
        for place, (parts, total) in enumerate(self._rows):
            matrix[place, parts], low[place], high[place] = 1, total.low, total.high
        for place, (_, parts) in enumerate(self._withheld, start=len(self._rows)):
            matrix[place, parts], low[place] = 1, self.preset.withheld_range[0]
        found = milp(
            costs,
            constraints=LinearConstraint(matrix, low, high) if len(matrix) else None,
            bounds=Bounds(0, MOST),
            integrality=np.ones(count) * wanted,
            options={"time_limit": 5.0},
        )
        return None if found.x is None else round(sign * found.fun)

    def _count(self) -> int:
        return int(np.prod([len(each) for each in self.categories]))

    def _number(self, cell: Sequence[Any]) -> int:
        number = 0
        for code, codes in zip(cell, self.categories, strict=True):
            number = number * len(codes) + codes.index(code)
        return number

    def _condition(self, at: Sequence[Any]) -> str:
        parts = []
        for column, code, codes in zip(self.columns, at, self.categories, strict=True):
            kept = code if isinstance(code, tuple) else codes if code == "Total" else (code,)
            if set(kept) != set(codes):
                either = [f"{column} IS NULL" if each is None else f"{column} = '{each}'" for each in kept]
                parts.append(f"({' OR '.join(either)})")
        return " AND ".join(parts) or "age >= 0"

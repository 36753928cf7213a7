"""Reconstruction: every whole number that a cell can be, by integer programs over all that is printed.

HiGHS is asked here by way of SciPy, and not through the programs that protected the tables; and of the cells of all
columns a SAT solver (`satisfiability.py`).

Besides, what tables without totals withhold is read as withheld for its own sake, and so few, as far as tables can be
read so one after the other; but not what the newest of them withholds, which can be for the sake of those before it.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, milp

from disclosure_control.presets.preset import Preset
from tests.end_to_end.attacks.known import MOST, Known
from tests.end_to_end.attacks.satisfiability import Formula
from tests.end_to_end.attacks.scoreboard import Claim

ALMOST = 1e-6


@dataclass(frozen=True)
class Printed:
    """An entry of a table, by the table's number: the cells that it is over, and what they come to."""

    table: int
    at: tuple[Any, ...]
    cells: tuple[int, ...]
    count: Known
    is_withheld: bool


@dataclass
class Unknowns:
    """A table of unknown counts, and what is printed of it and of its totals, table by table in the order of asking."""

    columns: tuple[str, ...]
    categories: tuple[tuple[Any, ...], ...]
    preset: Preset
    _tables: list[bool] = field(default_factory=list)
    _entries: list[Printed] = field(default_factory=list)

    def begin(self) -> None:
        """Begin with another authority."""
        self._tables, self._entries = [], []

    def begin_table(self, *, totals: bool) -> None:
        """Begin with another table, with totals in it or without."""
        self._tables.append(totals)

    def add(self, at: tuple[Any, ...], entry: object) -> None:
        """What is printed of a cell, or of a total over it."""
        choices = [each if code == "Total" else (code,) for code, each in zip(at, self.categories, strict=True)]
        self._add(at, choices, entry)

    def add_block(self, block: Sequence[Sequence[Any]], entry: object) -> None:
        """What is printed of a count over some categories of each column."""
        self._add(tuple(map(tuple, block)), block, entry)

    def claims(self, authority: str) -> Iterator[Claim]:
        """The least and the most that every withheld count can be; and what is told of those that are read as few."""
        program = self._program(len(self._tables), ())
        for each in self._withheld(range(len(self._tables))):
            if (count := program.bound(each.cells)) is not None:
                yield Claim(authority, self._condition(each.at), count)
        for newest in range(1, len(self._tables)):
            found = self._read(newest + 1, newest)
            before = self._read(newest, newest) if found else {}
            yield from (Claim(authority, self._condition(at), count) for at, count in found.items() if at not in before)

    def claims_of_cells(self, authority: str) -> Iterator[tuple[Claim, Claim]]:
        """What every withheld cell can be, by a SAT solver and by integer programs."""
        program, formula = self._program(len(self._tables), ()), Formula(self._count, self._said(len(self._tables), ()))
        for each in self._withheld(range(len(self._tables))):
            if len(each.cells) == 1:
                found = formula.bound(each.cells[0]), program.bound(each.cells)
                satisfiable, whole = (Claim(authority, self._condition(each.at), count) for count in found if count)
                yield satisfiable, whole

    def _read(self, tables: int, read: int) -> dict[tuple[Any, ...], Known]:
        """What so many tables tell to whoever takes it that the first of them withhold what is few, by what it is of.

        That is one number, or where zeros are withheld somebody.
        """
        few: list[int] = []
        for number in range(read):
            if not self._tables[number] and self._program(tables, [*few, number]).bound(()) is not None:
                few.append(number)
        program, found = self._program(tables, few), dict[tuple[Any, ...], Known]()
        for each in self._withheld(few):
            if (count := program.narrow(each.cells, each.count.low)) is not None:
                found[each.at] = count
        return found

    def _withheld(self, tables: Collection[int]) -> list[Printed]:
        return [each for each in self._entries if each.is_withheld and each.table in tables]

    def _program(self, tables: int, few: Collection[int]) -> "Program":
        return Program(self._count, self._said(tables, few))

    @property
    def _count(self) -> int:
        return prod(len(each) for each in self.categories)

    def _said(self, tables: int, few: Collection[int]) -> list[tuple[tuple[int, ...], Known]]:
        """What the first so many tables say, some of which withhold what is few."""
        least, most = self.preset.withheld_range
        return [
            (each.cells, Known(least, most) if each.is_withheld and each.table in few else each.count)
            for each in self._entries
            if each.table < tables
        ]

    def _add(self, at: tuple[Any, ...], choices: Sequence[Sequence[Any]], entry: object) -> None:
        cells = tuple(self._number(cell) for cell in product(*choices))
        count = Known(self.preset.withheld_range[0], MOST)
        if isinstance(entry, int):
            count = Known(*self.preset.printed_range(entry))
        if cells and (isinstance(entry, int) or entry == "c"):
            self._entries.append(Printed(len(self._tables) - 1, at, cells, count, not isinstance(entry, int)))

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
                either = [f"{column} IS NULL" if each is None else f"{column} = {each!r}" for each in kept]
                parts.append(f"({' OR '.join(either)})")
        return " AND ".join(parts) or "age >= 0"


@dataclass
class Program:
    """Sums of so many unknown whole numbers, each between two; and the tables that were found to agree with them."""

    count: int
    said: Sequence[tuple[Sequence[int], Known]]
    _seen: list[npt.NDArray[np.float64]] = field(default_factory=list)

    def bound(self, cells: Sequence[int]) -> Known | None:
        """The least and the most that these cells come to; None where nothing agrees, or nothing was found in time."""
        low, high = (self._extreme(cells, sign) for sign in (1, -1))
        return None if low is None or high is None else Known(low, high)

    def narrow(self, cells: Sequence[int], least: int) -> Known | None:
        """What they come to where it is one number, or more than c says that it is at the least; otherwise None."""
        seen = [float(each[list(cells)].sum()) for each in self._seen]
        if seen and min(seen) < least + ALMOST and max(seen) > min(seen) + 1 - ALMOST:
            return None
        count = self.bound(cells)
        return count if count is not None and (count.low == count.high or count.low > least == 0) else None

    def _extreme(self, cells: Sequence[int], sign: int) -> int | None:
        costs = np.zeros(self.count)
        costs[list(cells)] = sign
        matrix = np.zeros((len(self.said), self.count))
        for place, (parts, _) in enumerate(self.said):
            matrix[place, list(parts)] = 1
        low, high = [count.low for _, count in self.said], [count.high for _, count in self.said]
        found = milp(
            costs,
            constraints=LinearConstraint(matrix, low, high) if len(matrix) else None,
            bounds=Bounds(0, MOST),
            integrality=np.ones(self.count),
            options={"time_limit": 5.0},
        )
        if found.x is None:
            return None
        self._seen.append(found.x)
        return round(sign * float(found.fun))

"""A reader who adds and subtracts: everything that linear reasoning finds in what is published.

The tables that agree with what is published are those between the bounds of each cell in which everything adds up. A
`Reader` looks among them for the one in which a cell, or many at once, are as large or as small as can be.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from math import ceil, floor

import numpy as np

from disclosure_control.suppression.deadline import NEVER, Deadline
from disclosure_control.suppression.lattice import Lattice
from disclosure_control.suppression.programs import NoSolution, Places, Program, Rows, Vector
from disclosure_control.suppression.raising import Raising
from disclosure_control.suppression.rules import TableRule
from disclosure_control.suppression.view import Printed, View, view_printed

__all__ = ["Contradiction", "Reader", "view_read"]

ALMOST = 1e-5
"""A solver's numbers are as good as whole within this."""

MOST_HELD = 4
"""Cells that are held to whole numbers, one after the other, before a table is taken as it is."""


class Contradiction(Exception):
    """No table agrees with what is published."""


class Reader:
    """A view laid out as a linear program: a column for each cell that is not known.

    Beside it is another program, to raise cells with: there a withheld cell is the sum of two columns, of what counts,
    up to a cap, and of what is beyond. A sum of what counts is greatest where as many cells as possible reach their
    caps, and gains nothing from one that goes beyond. Which cells count is a matter of bounds, and what each counts is
    not: so the next program begins where the last one ended, and takes a few steps where there is little to change.

    Each is laid out when it is first asked for. Every question is asked before the deadline, or raises `TimeUp`.
    """

    def __init__(self, view: View, deadline: Deadline = NEVER) -> None:
        self.view = view
        self._deadline = deadline
        self._free = np.flatnonzero(view.low < view.high)
        self._column = {int(cell): column for column, cell in enumerate(self._free)}
        self._lower = np.maximum(view.low[self._free], -view.ceiling).astype(float)
        self._upper = np.minimum(view.high[self._free], view.ceiling).astype(float)
        self._rows = self._relations()

    @cached_property
    def _program(self) -> Program:
        """The cells alone."""
        return Program(self._lower, self._upper, self._rows, self._deadline, costs_change=True)

    @cached_property
    def _raising(self) -> Raising:
        """The withheld cells in two columns each."""
        columns = {cell: self._column[cell] for cell in self.view.withheld if cell in self._column}
        return Raising(columns, self._lower, self._upper, self._rows, self._deadline)

    def weigh(self, weights: Mapping[int, float]) -> None:
        """Have these withheld cells count for so much from now on where they are raised; before that, all are alike."""
        self._raising.weigh(weights)

    def lift(self, caps: Mapping[int, int]) -> Vector:
        """A table with as many of these cells as large as their caps as can be, by weight. Raises `Contradiction`."""
        self._raising.aim(caps)
        return self._fill(self._raising.solve)

    def lift_each(self, caps: Mapping[int, int]) -> Iterator[Vector]:
        """Tables in which these cells are as large as their caps: in each as many as can be that were not before.

        It ends where none of those left is. Raises `Contradiction`.
        """
        left, before = dict(caps), -1
        while left and len(left) != before:
            before = len(left)
            table = self.lift(left)
            yield table
            left = {cell: cap for cell, cap in left.items() if table[cell] < cap - ALMOST}

    def raise_all(self, caps: Mapping[int, int]) -> Iterator[Vector]:
        """The same until each cell that can be so large is in one of them. Raises `Contradiction`.

        Where all that are left gain less together than one of them would have to, none can.
        """
        left, gained = dict(caps), 0.0
        for table in self.lift_each(caps):
            yield table
            gained = sum(min(float(table[cell]), cap) - int(self.view.low[cell]) for cell, cap in left.items())
            left = {cell: cap for cell, cap in left.items() if table[cell] < cap - ALMOST}
        if left and 2 * gained > min(cap - int(self.view.low[cell]) for cell, cap in left.items()):
            yield from self.raise_each(list(left), [cap - ALMOST for cap in left.values()])

    def lift_whole(self, caps: Mapping[int, int]) -> Vector:
        """As `lift`, and of whole numbers where it takes little to find such a table. Raises `Contradiction`.

        What is no whole number mostly hangs together: once one of its cells is held to one, so are the others.
        """
        table = self.lift(caps)
        try:
            for _ in range(MOST_HELD):
                if not len(broken := np.flatnonzero(np.abs(np.rint(table) - table) > ALMOST)):
                    break
                cell = int(broken[np.argmax(self._additions[broken])])
                self._raising.hold(self._column[cell], floor(table[cell]))
                table = self._fill(self._raising.solve)
        except Contradiction:  # Not with these held.
            return table
        finally:
            self._raising.release()
        return table

    @cached_property
    def _additions(self) -> Places:
        """In how many additions each cell is."""
        return np.bincount(self.view.lattice.incidence.cells, minlength=len(self.view.low))

    def sink(self, cells: Sequence[int], weights: Sequence[float] = ()) -> Vector:
        """A table in which these cells are small together, by weight. Raises `Contradiction`."""
        columns = [self._column[cell] for cell in cells]
        return self._solve(self._program, dict(zip(columns, weights or [1.0] * len(columns), strict=True)))

    def least(self, cell: int) -> Vector:
        """A table in which a withheld cell is as small as it can be, by the program that is laid out already."""
        if "_raising" not in self.__dict__ or "_program" in self.__dict__:
            return self.sink([cell])
        return self._fill(partial(self._raising.sink, cell))

    def most(self, cell: int) -> Vector:
        """A table in which a cell is as large as it can be. Raises `Contradiction`."""
        return self.swell([cell])

    def raise_each(self, cells: Sequence[int], enough: Sequence[float]) -> Iterator[Vector]:
        """Tables in which each of some cells is as large as it can be, but for those that have enough in one before.

        Raises `Contradiction`.
        """
        largest, places = np.full(len(cells), -np.inf), np.array(cells, np.int64)
        for place, cell in enumerate(cells):
            if largest[place] < enough[place]:
                table = self.most(cell)
                largest = np.maximum(largest, table[places])
                yield table

    def swell(self, cells: Sequence[int]) -> Vector:
        """A table in which these cells are large together. Raises `Contradiction`."""
        return self._solve(self._program, {self._column[cell]: -1.0 for cell in cells})

    def interval(self, cell: int) -> tuple[int | None, int | None]:
        """The least and the most whole number that a cell can be; None where there is no limit."""
        if cell not in self._column:
            return int(self.view.low[cell]), int(self.view.high[cell])
        low, high = float(self.sink([cell])[cell]), float(self.most(cell)[cell])
        limit = self.view.ceiling - ALMOST
        return (None if low <= -limit else ceil(low - ALMOST), None if high >= limit else floor(high + ALMOST))

    def whole(self, costs: Mapping[int, float]) -> Vector:
        """A table of whole numbers of least cost, found by branching. Raises `Contradiction`."""
        columns = list(range(len(self._free)))
        self._program.whole_numbers(columns)
        try:
            return self._solve(self._program, {self._column[cell]: cost for cell, cost in costs.items()})
        finally:
            self._program.whole_numbers(columns, wanted=False)

    def _solve(self, program: Program, costs: Mapping[int, float]) -> Vector:
        wanted = np.zeros(program.columns)
        for column, cost in costs.items():
            wanted[column] = cost
        program.set_costs(wanted)
        return self._fill(program.minimise)

    def _fill(self, solve: Callable[[], Vector]) -> Vector:
        """The table of a solution."""
        try:
            found = solve()
        except NoSolution:
            raise Contradiction("no table agrees with the figures that are shown; they do not add up") from None
        table = self.view.low.astype(float)
        table[self._free] = found
        return table

    def _relations(self) -> Rows:
        """Every relation, with what is known of it on the other side. Raises `Contradiction`."""
        members, column = self.view.lattice.incidence, np.full(len(self.view.low), -1)
        column[self._free] = np.arange(len(self._free))
        places = column[members.cells]
        free = places >= 0
        sizes = members.add_up(free.astype(np.int64))
        known = members.add_up(np.where(free, 0, members.signs * self.view.low[members.cells]))
        if (known[sizes == 0] != 0).any():
            raise Contradiction("the figures that are shown do not add up")
        rest = -known[sizes > 0].astype(float)
        return Rows(sizes[sizes > 0], places[free], members.signs[free].astype(float), rest, rest)


def view_read(lattice: Lattice, rule: TableRule, printed: Sequence[Printed]) -> View:
    """The view of a reader whom nobody told whether any figure is negative, though by the rule one may be (`signed`).

    They take it that one is where one is printed so, or where no other table agrees with what is printed: not one in
    which somebody else than Circe has withheld zeros, either. So the view follows from what is printed, and says
    nothing of the sign of what is withheld.
    """
    plain = view_printed(lattice, replace(rule, signed=False), printed)
    if not rule.signed:
        return plain
    signed = view_printed(lattice, rule, printed)
    if any(isinstance(each, int) and each < 0 for each in printed):
        return signed
    return next((each for each in (plain, _with_zeros(plain), signed) if _agrees(each)), plain)


def _with_zeros(view: View) -> View:
    """The view of a reader to whom what is withheld can be 0 as well."""
    low, withheld = view.low.copy(), list(view.withheld)
    low[withheld] = np.minimum(low[withheld], 0)
    return replace(view, low=low)


def _agrees(view: View) -> bool:
    """Whether any table agrees with what is printed."""
    try:
        reader = Reader(view)
        if (view.low < view.high).any():
            reader.sink([])
    except Contradiction:
        return False
    return True

"""A reader who adds and subtracts: everything that linear reasoning finds in what is published.

The tables that agree with what is published are those between the bounds of each cell in which everything adds up. A
`Reader` looks among them for the one in which a cell, or many at once, are as large or as small as can be.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from math import ceil, floor

import numpy as np

from disclosure_control.suppression.deadline import NEVER, Deadline
from disclosure_control.suppression.lattice import Lattice
from disclosure_control.suppression.programs import INFINITE, NoSolution, Program, Row, Vector
from disclosure_control.suppression.rules import TableRule
from disclosure_control.suppression.view import Printed, View, view_printed

__all__ = ["Contradiction", "Reader", "view_read"]

ALMOST = 1e-5
"""A solver's numbers are as good as whole within this."""


class Contradiction(Exception):
    """No table agrees with what is published."""


class Reader:
    """A view laid out as a linear program: a column for each cell that is not known, and a lifted one beside it.

    The lifted column is at most the cell, and at most a cap: a sum of lifted columns is greatest where as many cells as
    possible reach their caps, and gains nothing from one that goes beyond. They make a program of their own, which is
    laid out when it is first asked for: most of what there is to ask does without. Every question is asked before the
    deadline, or raises `TimeUp`.
    """

    def __init__(self, view: View, deadline: Deadline = NEVER) -> None:
        self.view = view
        self._deadline = deadline
        self._free = np.flatnonzero(view.low < view.high)
        self._column = {int(cell): column for column, cell in enumerate(self._free)}
        self._lifted = {cell: len(self._free) + place for place, cell in enumerate(view.withheld)}
        self._lower = np.maximum(view.low[self._free], -view.ceiling).astype(float)
        self._upper = np.minimum(view.high[self._free], view.ceiling).astype(float)
        self._rows = list(self._relations())

    @cached_property
    def _program(self) -> Program:
        """The cells alone."""
        return Program(self._lower, self._upper, self._rows, self._deadline)

    @cached_property
    def _lifting(self) -> Program:
        """The cells, and the lifted columns beneath them."""
        count = len(self._lifted)
        lower = np.concatenate([self._lower, np.full(count, -float(self.view.ceiling))])
        upper = np.concatenate([self._upper, np.zeros(count)])
        pairs = [(self._column[cell], lifted) for cell, lifted in self._lifted.items() if cell in self._column]
        beneath: list[Row] = [([column, lifted], [1.0, -1.0], 0.0, INFINITE) for column, lifted in pairs]
        return Program(lower, upper, [*self._rows, *beneath], self._deadline)

    def lift(self, caps: Mapping[int, int], weights: Sequence[float] = ()) -> Vector:
        """A table with as many of these cells as large as their caps as can be, by weight. Raises `Contradiction`."""
        cells = list(caps)
        columns = [self._lifted[cell] for cell in cells]
        capped = np.array([caps[cell] for cell in cells], float)
        self._lifting.set_bounds(columns, np.full(len(cells), -float(self.view.ceiling)), capped)
        costs = zip(columns, [-each for each in weights] or [-1.0] * len(columns), strict=True)
        return self._solve(self._lifting, dict(costs))

    def stretch(self, caps: Mapping[int, int], weights: Sequence[float], table: Sequence[int]) -> Vector:
        """A table with these cells as large as can be, by weight, and none beyond its cap but where `table` has it so.

        It is another than that of `lift`, and found sooner. `table` agrees with what is published, so one there is.
        """
        columns = [self._column[cell] for cell in caps]
        capped = [max(cap, table[cell]) for cell, cap in caps.items()]
        upper = self._upper[columns]
        self._program.set_bounds(columns, self._lower[columns], np.minimum(upper, np.array(capped, float)))
        try:
            return self._solve(self._program, dict(zip(columns, [-each for each in weights], strict=True)))
        finally:
            self._program.set_bounds(columns, self._lower[columns], upper)

    def sink(self, cells: Sequence[int], weights: Sequence[float] = ()) -> Vector:
        """A table in which these cells are small together, by weight. Raises `Contradiction`."""
        columns = [self._column[cell] for cell in cells]
        return self._solve(self._program, dict(zip(columns, weights or [1.0] * len(columns), strict=True)))

    def most(self, cell: int) -> Vector:
        """A table in which a cell is as large as it can be. Raises `Contradiction`."""
        return self.swell([cell])

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
        try:
            found = program.minimise()
        except NoSolution:
            raise Contradiction("no table agrees with the figures that are shown; they do not add up") from None
        table = self.view.low.astype(float)
        table[self._free] = found[: len(self._free)]
        return table

    def _relations(self) -> Iterator[Row]:
        """Every relation, with what is known of it on the other side. Raises `Contradiction`."""
        for relation in self.view.lattice.relations:
            members = [(relation.total, 1.0), *((part, -1.0) for part in relation.parts)]
            known = sum(factor * self.view.low[cell] for cell, factor in members if cell not in self._column)
            free = [(self._column[cell], factor) for cell, factor in members if cell in self._column]
            if free:
                yield [column for column, _ in free], [factor for _, factor in free], -known, -known
            elif known:
                raise Contradiction("the figures that are shown do not add up")


def view_read(lattice: Lattice, rule: TableRule, printed: Sequence[Printed]) -> View:
    """The view of a reader whom nobody told whether any figure is negative, though by the rule one may be (`signed`).

    They take it that one is where one is printed so, or where no other table agrees with what is printed. So the view
    follows from what is printed, and says nothing of the sign of what is withheld.
    """
    plain, signed = (view_printed(lattice, replace(rule, signed=each), printed) for each in (False, True))
    if not rule.signed:
        return plain
    is_seen = any(isinstance(each, int) and each < 0 for each in printed)
    return signed if is_seen or (not _agrees(plain) and _agrees(signed)) else plain


def _agrees(view: View) -> bool:
    """Whether any table agrees with what is printed."""
    try:
        reader = Reader(view)
        if (view.low < view.high).any():
            reader.sink([])
    except Contradiction:
        return False
    return True

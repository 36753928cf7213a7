"""Linear programs over the cells of a table: the one place that speaks to the solver, HiGHS.

HiGHS is kept to one thread, one seed and whole decisions, never a clock, so that the same program has the same answer:
where a deadline is set, a program that is not solved by then has none.
A warm start saves most of the work between programs that differ in a few bounds; where one loses its way all the same,
the program is solved again from the start.
"""

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from threading import Lock

import highspy
import numpy as np
import numpy.typing as npt

from disclosure_control.suppression.deadline import NEVER, Deadline, TimeUp

__all__ = ["INFINITE", "NoSolution", "Places", "Program", "Row", "Rows", "Vector"]

Vector = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Row = tuple[Sequence[int], Sequence[float], float, float]
"""Columns, their factors, and the least and the most that their sum can be."""

INFINITE = float(highspy.kHighsInf)

WARM_ITERATIONS = 3000
COLD_ITERATIONS = 2_000_000

DUAL, PRIMAL = 1, 4
"""HiGHS's numbers for the dual simplex method, which bounds that change are for, and the primal one."""


class NoSolution(Exception):
    """No table satisfies the program."""


@dataclass(frozen=True)
class Rows:
    """Rows as the solver wants them: how many columns each has, these with their factors, and what the sums can be."""

    sizes: Places
    columns: Places
    factors: Vector
    low: Vector
    high: Vector

    @classmethod
    def of(cls, rows: Iterable[Row]) -> "Rows":
        """Rows that are written one by one."""
        each = list(rows)
        return cls(
            np.array([len(columns) for columns, *_ in each], np.int64),
            np.array([column for columns, *_ in each for column in columns], np.int64),
            np.array([factor for _, factors, *_ in each for factor in factors], float),
            np.array([low for _, _, low, _ in each], float),
            np.array([high for *_, high in each], float),
        )

    def binding(self, lower: Vector, upper: Vector) -> "Rows":
        """The rows that something between these bounds does not satisfy, without the columns that can only be 0."""
        row = np.repeat(np.arange(len(self.sizes)), self.sizes)
        ends = self.factors * lower[self.columns], self.factors * upper[self.columns]
        least, most = (np.bincount(row, each, len(self.sizes)) for each in (np.minimum(*ends), np.maximum(*ends)))
        binds = (least < self.low) | (most > self.high)
        kept = binds[row] & ((lower < 0) | (upper > 0))[self.columns]
        sizes = np.bincount(row[kept], minlength=len(self.sizes))[binds]
        return Rows(sizes, self.columns[kept], self.factors[kept], self.low[binds], self.high[binds])


class Program:
    """A linear program whose bounds and costs change between solutions."""

    def __init__(
        self,
        lower: Vector,
        upper: Vector,
        rows: Rows | Iterable[Row],
        deadline: Deadline = NEVER,
        *,
        presolve: bool = True,
        costs_change: bool = False,
    ) -> None:
        with _GREETING:
            _greet()
        self._deadline = deadline
        self._solver = highspy.Highs()  # type: ignore[no-untyped-call]
        self._solver.setOptionValue("output_flag", False)
        self._solver.setOptionValue("threads", 1)
        self._solver.setOptionValue("random_seed", 0)
        self._solver.setOptionValue("mip_detect_symmetry", False)
        if not presolve:  # Worth it for a program that is solved a few times, with most of the work in the first.
            self._solver.setOptionValue("presolve", "off")
        self.expect(costs_change=costs_change)
        self.columns = len(lower)
        self._every = np.arange(self.columns, dtype=np.int32)
        self._costs = np.zeros(self.columns)
        self._warm = False
        self._solver.passModel(_model(lower, upper, rows if isinstance(rows, Rows) else Rows.of(rows)))

    def expect(self, *, costs_change: bool) -> None:
        """Say what will change: what could be stays so whatever it costs, and the primal method goes on from there."""
        self._solver.setOptionValue("simplex_strategy", PRIMAL if costs_change else DUAL)

    def set_bounds(self, columns: Sequence[int] | Places, lower: Vector, upper: Vector) -> None:
        """Change what these columns can be."""
        places = np.asarray(columns, dtype=np.int32)
        self._solver.changeColsBounds(len(places), places, np.asarray(lower, float), np.asarray(upper, float))

    def set_costs(self, costs: Vector) -> None:
        """Change the cost of every column."""
        changed = np.flatnonzero(costs != self._costs).astype(np.int32)
        self._costs = np.array(costs, float)
        self._solver.changeColsCost(len(changed), changed, self._costs[changed])

    def set_squares(self, weights: Vector) -> None:
        """Add to the costs half the square of each column, so many times."""
        hessian = highspy.HighsHessian()
        hessian.dim_, hessian.format_ = self.columns, highspy.HessianFormat.kTriangular
        hessian.start_ = np.arange(self.columns + 1, dtype=np.int32)
        hessian.index_, hessian.value_ = self._every, np.asarray(weights, float)
        self._solver.passHessian(hessian)

    def add_row(self, row: Row) -> None:
        """Add a row."""
        places, factors, low, high = row
        self._solver.addRow(low, high, len(places), np.asarray(places, np.int32), np.asarray(factors, float))

    def whole_numbers(self, columns: Sequence[int], *, wanted: bool = True, gap: float = 0) -> None:
        """Have these columns be whole numbers, or any again; the solution may cost more than the least by the gap."""
        self._solver.setOptionValue("mip_rel_gap", float(gap))
        kind = highspy.HighsVarType.kInteger if wanted else highspy.HighsVarType.kContinuous
        places = np.asarray(columns, dtype=np.int32)
        self._solver.changeColsIntegrality(len(places), places, np.full(len(places), kind))

    def minimise(self) -> Vector:
        """Return a solution of least cost. Raises `NoSolution`, and `TimeUp` where there is none by the deadline."""
        self._run(WARM_ITERATIONS if self._warm else COLD_ITERATIONS)
        if self._solver.getModelStatus() == highspy.HighsModelStatus.kIterationLimit:
            self._solver.clearSolver()
            self._run(COLD_ITERATIONS)
        if self._solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            self._warm = False
            raise NoSolution(self._solver.modelStatusToString(self._solver.getModelStatus()))
        self._warm = True
        return np.asarray(self._solver.getSolution().col_value, float)

    def _run(self, iterations: int) -> None:
        self._solver.setOptionValue("simplex_iteration_limit", iterations)
        if (left := self._deadline.seconds_left()) < INFINITE:
            # The solver's own limit is on all that it has run since it was made.
            self._solver.setOptionValue("time_limit", self._solver.getRunTime() + left)
        self._solver.run()
        if self._solver.getModelStatus() == highspy.HighsModelStatus.kTimeLimit:
            self._warm = False
            raise TimeUp("the time is up")

    @property
    def reduced_costs(self) -> Vector:
        """By how much the cost of the last solution changes with each column's bound."""
        return np.asarray(self._solver.getSolution().col_dual, float)


_GREETING = Lock()
"""Held while standard output is elsewhere: two threads at once would leave it there."""


@cache
def _greet() -> None:
    """Have HiGHS say who it is to nobody: it does so once in every process, on standard output, where results go."""
    sys.stdout.flush()
    kept = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        highspy.Highs()  # type: ignore[no-untyped-call]
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


def _model(lower: Vector, upper: Vector, rows: Rows) -> highspy.HighsLp:
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(lower), len(rows.sizes)
    lp.col_cost_ = np.zeros(len(lower))
    lp.col_lower_, lp.col_upper_ = np.asarray(lower, float), np.asarray(upper, float)
    lp.row_lower_, lp.row_upper_ = rows.low, rows.high
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = np.concatenate([[0], np.cumsum(rows.sizes)]).astype(np.int32)
    lp.a_matrix_.index_ = rows.columns.astype(np.int32)
    lp.a_matrix_.value_ = rows.factors
    return lp

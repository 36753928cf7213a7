"""The same reconstruction, asked of a SAT solver, which has nothing in common with linear programs.

Whether some table of whole numbers agrees with all that is printed is written in literals that are true or false, as
by Garfinkel, Abowd and Martindale, "Understanding Database Reconstruction Attacks on Public Data" (2018). A cell is a
row of literals, each of which says that there is one child more: so many of them are true as there are children, and
the first ones. What is printed of several cells is how many of all their literals are true.
"""

from collections.abc import Sequence
from itertools import pairwise

from pysat.card import CardEnc, EncType
from pysat.formula import CNFPlus, IDPool
from pysat.solvers import Cadical195

from tests.end_to_end.attacks.known import MOST, Known

__all__ = ["ROOM", "Formula"]

ROOM = 40
"""The most that a cell is taken to be that is in nothing printed as a number: so nothing else depends on it."""


class Formula:
    """Sums of so many unknown whole numbers, each between two."""

    def __init__(self, count: int, said: Sequence[tuple[Sequence[int], Known]]) -> None:
        self._solver, names = Cadical195(), IDPool()
        most = [min((known.high for cells, known in said if cell in cells), default=MOST) for cell in range(count)]
        self._cells = [[names.id() for _ in range(ROOM if high == MOST else high)] for high in most]
        for cell in self._cells:
            self._solver.append_formula([[-more, fewer] for fewer, more in pairwise(cell)])
        for cells, known in said:
            literals = [each for cell in cells for each in self._cells[cell]]
            if known.low > 0:
                self._append(CardEnc.atleast(literals, known.low, vpool=names, encoding=EncType.totalizer))
            if known.high < len(literals):
                self._append(CardEnc.atmost(literals, known.high, vpool=names, encoding=EncType.totalizer))

    def bound(self, cell: int) -> Known | None:
        """The least and the most that a cell can be; None where no table agrees with what is printed."""
        if (low := self._find(cell)) is None:
            return None
        high = low
        while low and (fewer := self._find(cell, -self._cells[cell][low - 1])) is not None:
            low = fewer
        while high < len(self._cells[cell]) and (more := self._find(cell, self._cells[cell][high])) is not None:
            high = more
        return Known(low, high)

    def _find(self, cell: int, *assumed: int) -> int | None:
        """How many are in a cell of some table that agrees; None where none does."""
        if not self._solver.solve(assumptions=assumed):
            return None
        true = set(self._solver.get_model())
        return sum(each in true for each in self._cells[cell])

    def _append(self, clauses: CNFPlus) -> None:
        self._solver.append_formula(clauses.clauses)

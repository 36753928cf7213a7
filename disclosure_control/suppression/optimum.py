"""The cheapest pattern of a table: cutting planes after Fischetti and Salazar (Management Science, 2001).

A master program chooses which cells to withhold, and is told what its choice lacks (`separation`) until it lacks
nothing. A master that may withhold cells in part is cut first, since that is quick; what it then costs is less than
any pattern does.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from disclosure_control.suppression.cuts import find_bridges, find_capacities
from disclosure_control.suppression.lattice import Lattice
from disclosure_control.suppression.limits import Limits
from disclosure_control.suppression.parts import Mask
from disclosure_control.suppression.programs import NoSolution, Program, Rows, Vector
from disclosure_control.suppression.progress import Progress, say_nothing
from disclosure_control.suppression.separation import Onlooker, Separator

__all__ = ["Optimum"]

MOST_ROUNDS = 60
"""Of cutting, in part and in whole."""

PARTIAL_ROUNDS = 6
"""Of cutting in part, where the least cost is only wanted nearly: the last rounds bring little."""

FREE_ROUNDS = 3
"""Of cutting in whole, before more is decided for good."""

SETTLED_ROUNDS = 1
"""Of cutting in whole, once what the master in parts withholds is decided, before whatever is chosen is."""

NEARLY = 0.02
"""The share of the least cost by which a choice that is nearly the cheapest may cost more."""

UNLIKELY = 0.05
"""A cell that the master in parts leaves shown, and that would add so much to its cost, is left shown for good."""

ENOUGH = 1e-6
HALF = 0.5


class Optimum:
    """The search for the cheapest pattern, in two steps: with cells that are withheld in part, and in whole."""

    def __init__(
        self,
        lattice: Lattice,
        limits: Limits,
        needs: Mapping[int, int],
        costs: Vector,
        onlookers: Sequence[Onlooker] = (),
        progress: Progress = say_nothing,
    ) -> None:
        self._progress = progress
        self._choices = np.flatnonzero((limits.gains[0] + limits.gains[1] > 0) & ~limits.open)
        bridges = find_bridges(lattice, limits, self._choices)
        capacities = find_capacities(lattice, limits, needs, self._choices)
        self._rows = [*bridges, *capacities]
        count = len(self._choices)
        self._least, self._most, self._costs = np.zeros(count), np.ones(count), costs[self._choices]
        self._master = self._lay_out()
        self._chosen = np.zeros(count)
        self._separator = Separator(lattice, limits, needs, self._choices, onlookers, progress)

    def least_cost(self) -> float:
        """What no pattern costs less than: that of the master in parts, whose cuts are of what all of them have.

        A few rounds of cutting are enough to come near. Raises `NoSolution`.
        """
        self._cut(PARTIAL_ROUNDS)
        return float(self._costs @ self._chosen)

    def exactly(self) -> list[int] | None:
        """The cells to withhold at least cost, or None where it takes too long."""
        if not self._is_soluble(MOST_ROUNDS):
            return None
        self._decide_in_whole(0)
        return self._cells(MOST_ROUNDS)

    def nearly(self) -> list[int] | None:
        """Cells to withhold at nearly the least cost, or None where it takes too long.

        The longer it takes, the more is decided: what the master in parts leaves shown, at once; then what it withholds
        entirely; then whatever is chosen, so that each further round adds to it alone. Where that is not enough, what
        it left shown is open again.
        """
        if not self._is_soluble(PARTIAL_ROUNDS):
            return None
        relaxed, lost = self._chosen, self._master.reduced_costs
        unlikely = (relaxed < ENOUGH) & (lost > UNLIKELY)
        self._settle(unlikely, 0, 0)
        self._decide_in_whole(NEARLY)
        found = self._cells(FREE_ROUNDS)
        if found is None:
            self._settle(relaxed > 1 - ENOUGH, 1, 1)
            found = self._cells(SETTLED_ROUNDS)
        if found is None:
            found = self._cells(MOST_ROUNDS, keeps=True)
        if found is None:
            self._settle(unlikely, 0, 1)
            self._decide_in_whole(NEARLY)
            found = self._cells(MOST_ROUNDS, keeps=True)
        return found

    def _cells(self, rounds: int, *, keeps: bool = False) -> list[int] | None:
        try:
            if not self._cut(rounds, keeps=keeps):
                return None
        except NoSolution:
            return None
        return [int(cell) for cell in self._choices[self._chosen > HALF]]

    def _is_soluble(self, rounds: int) -> bool:
        """Whether the master in parts, once cut, has a choice at all: not where others than these cells are needed."""
        try:
            self._cut(rounds)
        except NoSolution:
            return False
        return True

    def _lay_out(self) -> Program:
        """The master as it stands: what is decided already, whichever way, is left out of it where that may be."""
        rows = Rows.of(self._rows).binding(self._least, self._most)
        master = Program(self._least, self._most, rows)
        master.set_costs(self._costs)
        return master

    def _decide_in_whole(self, gap: float) -> None:
        """Have the master withhold no cell in part any more, at no more than this share above the least cost.

        It is laid out anew, since each time that it is solved in whole it is taken apart from the start.
        """
        self._master = self._lay_out()
        self._master.whole_numbers(range(len(self._choices)), gap=gap)

    def _settle(self, which: Mask, least: int, most: int) -> None:
        """Show these choices for good, withhold them, or leave them open again."""
        places = np.flatnonzero(which)
        self._least[places], self._most[places] = least, most
        self._master.set_bounds(places, self._least[places], self._most[places])

    def _cut(self, rounds: int, *, keeps: bool = False) -> bool:
        """Have the master choose until nothing more can be cut from its choice, and say whether it came to that.

        Raises `NoSolution`.
        """
        for number in range(1, rounds + 1):
            self._progress(f"choosing what to withhold: choice {number}, of {rounds} at the most")
            self._chosen = self._master.minimise()
            cuts = self._separator.cuts(self._chosen)
            if not cuts:
                return True
            if keeps:
                self._settle(self._chosen > HALF, 1, 1)
            self._rows += cuts
            for cut in cuts:
                self._master.add_row(cut)
        return False

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
from disclosure_control.suppression.programs import NoSolution, Program, Vector
from disclosure_control.suppression.separation import Onlooker, Separator

__all__ = ["Optimum"]

MOST_ROUNDS = 60
"""Of cutting, in part and in whole."""

FREE_ROUNDS = 3
"""Of cutting in whole, before more is decided for good."""

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
    ) -> None:
        self._choices = np.flatnonzero((limits.gains[0] + limits.gains[1] > 0) & ~limits.open)
        bridges = find_bridges(lattice, limits, self._choices)
        capacities = find_capacities(lattice, limits, needs, self._choices)
        count = len(self._choices)
        self._master = Program(np.zeros(count), np.ones(count), [*bridges, *capacities])
        self._master.set_costs(costs[self._choices])
        self._separator = Separator(lattice, limits, needs, self._choices, onlookers)

    def exactly(self) -> list[int] | None:
        """The cells to withhold at least cost, or None where it takes too long."""
        if self._cut(MOST_ROUNDS) is None:
            return None
        self._master.whole_numbers(range(len(self._choices)))
        return self._cells(self._cut(MOST_ROUNDS))

    def nearly(self) -> list[int] | None:
        """Cells to withhold at nearly the least cost, or None where it takes too long.

        The longer it takes, the more is decided for good: what the master in parts leaves shown, at once; then what it
        withholds entirely; then whatever is chosen, so that each further round adds to it alone.
        """
        relaxed = self._cut(MOST_ROUNDS)
        if relaxed is None:
            return None
        self._settle((relaxed < ENOUGH) & (self._master.reduced_costs > UNLIKELY), 0)
        self._master.whole_numbers(range(len(self._choices)), gap=NEARLY)
        chosen = self._cut(FREE_ROUNDS)
        if chosen is None:
            self._settle(relaxed > 1 - ENOUGH, 1)
            chosen = self._cut(FREE_ROUNDS)
        return self._cells(self._cut(MOST_ROUNDS, keeps=True) if chosen is None else chosen)

    def _cells(self, chosen: Vector | None) -> list[int] | None:
        return None if chosen is None else [int(cell) for cell in self._choices[chosen > HALF]]

    def _settle(self, which: Mask, share: int) -> None:
        """Withhold these choices for good, or show them."""
        places = np.flatnonzero(which)
        self._master.set_bounds(places, np.full(len(places), share), np.full(len(places), share))

    def _cut(self, rounds: int, *, keeps: bool = False) -> Vector | None:
        """The master's choice once nothing more can be cut from it, or None."""
        for _ in range(rounds):
            try:
                chosen = self._master.minimise()
            except NoSolution:
                return None
            cuts = self._separator.cuts(chosen)
            if not cuts:
                return chosen
            if keeps:
                self._settle(chosen > HALF, 1)
            for cut in cuts:
                self._master.add_row(cut)
        return None

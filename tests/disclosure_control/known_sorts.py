"""Children of a few sorts, and whoever solves for how many there are of each, by what is printed of groups of sorts."""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import LinearConstraint, OptimizeResult, milp

from tests.disclosure_control.known_children import Child

__all__ = ["UNBOUNDED", "Group", "Printed", "gather", "solve"]

Group = frozenset[int]
"""Sorts, by their numbers."""

Printed = tuple[Group, float, float]
"""Whom a count is of, and the least and the most that it says."""

UNBOUNDED = 3
"""What the solver says where there is no limit."""


def gather(sorts: Sequence[Child], sizes: Sequence[int]) -> list[Child]:
    """So many children of each sort."""
    return [each for each, size in zip(sorts, sizes, strict=True) for _ in range(size)]


def solve(group: Group, printed: Sequence[Printed], sorts: int, *, whole: bool) -> list[OptimizeResult]:
    """What the solver finds of the least and the most that there can be of a group, in `whole` numbers or not."""
    sums = np.array([[number in each for number in range(sorts)] for each, _, _ in printed], float)
    said = LinearConstraint(sums, [low for _, low, _ in printed], [high for _, _, high in printed])
    wanted = np.array([number in group for number in range(sorts)], float)
    return [milp(sign * wanted, constraints=said, integrality=np.full(sorts, whole)) for sign in (1, -1)]

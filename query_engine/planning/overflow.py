"""The proof that no sum of a plan leaves 64 bits, over any roster and with the noise of disclosure control in it.

Figures travel as whole numbers modulo 2**64. A sum that went beyond 2**63 - 1 would come back as another number, so a
plan carries for each statistic the most that it can be: the most one row adds, times the most rows a node answers
from, times the largest roster, and room for noise at either end.
"""

from dataclasses import dataclass

from query_engine.planning.capped_counts import figures_carried
from query_engine.planning.measuring import LARGEST_ROSTER, MOST_ROWS, NOISE_ROOM
from query_engine.planning.plan import QueryPlan

LIMIT = 2**63
"""The first whole number that 64 bits with a sign do not hold."""

FIGURE_BYTES = 8
"""Bytes of one figure as it travels."""

BYTE_LIMIT = 2**23
"""The most bytes that one authority's figures may have as they travel through a sum."""


class OverflowPossible(Exception):
    """A sum of the plan could leave 64 bits. The text names the statistic."""


@dataclass(frozen=True, slots=True)
class Bound:
    """The most that one statistic can be, summed over the largest roster and with noise."""

    statistic: str
    per_row: int
    most: int

    @property
    def room(self) -> int:
        """How many times over it would fit."""
        return (LIMIT - 1) // self.most


def prove_no_overflow(plan: QueryPlan) -> tuple[Bound, ...]:
    """The bound of every statistic of a plan, each below `LIMIT`. Raises `OverflowPossible`."""
    bounds = tuple(
        Bound(each.name, each.bound, each.bound * MOST_ROWS * LARGEST_ROSTER + NOISE_ROOM) for each in plan.statistics
    )
    for bound in bounds:
        if bound.most >= LIMIT:
            raise OverflowPossible(f"sums of {bound.statistic} could leave 64 bits")
    return bounds


def plan_bytes(plan: QueryPlan) -> int:
    """The bytes of one authority's figures as they travel: all that is carried of every cell."""
    return figures_carried(plan) * FIGURE_BYTES

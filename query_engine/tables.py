"""The raw table: one node's exact figures for a plan, which may not leave the process that made it."""

from collections.abc import Mapping, Sequence
from typing import Never, SupportsIndex

from query_engine.planning.plan import QueryPlan


class RawTable:
    """Exact figures before disclosure control: one whole number for each statistic and cell, in plan order.

    It has no serialiser, cannot be copied, and shows nothing of its contents when printed. Only
    `disclosure_control` and `federation` turn it into something that may be shown or sent.
    """

    __slots__ = ("_figures", "_plan")

    def __init__(self, plan: QueryPlan, figures: Mapping[str, Sequence[int]]) -> None:
        expected = {statistic.name for statistic in plan.statistics}
        if figures.keys() != expected:
            raise ValueError("a raw table must hold exactly the statistics of its plan")
        if any(len(column) != plan.cells for column in figures.values()):
            raise ValueError(f"each statistic must have one figure for each of the {plan.cells} cells")
        self._plan = plan
        self._figures = {name: tuple(column) for name, column in figures.items()}

    @property
    def plan(self) -> QueryPlan:
        """The plan that these figures answer."""
        return self._plan

    def statistic(self, name: str) -> Sequence[int]:
        """The figures of one statistic, cell by cell in plan order. Raises `KeyError` for an unknown name."""
        return self._figures[name]

    def __repr__(self) -> str:
        return f"<RawTable {self._plan.plan_id}: {self._plan.cells} cells, not shown>"

    def __reduce_ex__(self, protocol: SupportsIndex) -> Never:
        raise TypeError("a raw table cannot be copied or serialised: protect it first")

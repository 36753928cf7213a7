"""Engines: each runs a plan on one node's tables and gives back a raw table. None ever sees the asker's text."""

from typing import Protocol

from query_engine.planning.plan import QueryPlan
from query_engine.tables import RawTable


class EngineFailed(Exception):
    """The engine could not answer: out of time, out of memory, or out of step with the catalogue.

    The text never holds a value from the data, nor the words of the engine's own error, which might.
    """


class EngineUnavailable(EngineFailed):
    """The engine is not there or not as it has to be, so nothing was run: the same plan may succeed another time."""


class Engine(Protocol):
    """Whatever can run a plan."""

    def run(self, plan: QueryPlan) -> RawTable:
        """The exact figures of the plan, one for each statistic and cell. Raises `EngineFailed`."""

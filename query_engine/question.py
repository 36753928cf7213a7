"""A question as it is asked: its text read, planned, and held to the methodology guards.

Whoever asks or takes a question goes through here, so that none of them forgets a step. Nodes do not: they derive the
plan alone, and hold it to what was approved.
"""

from dataclasses import dataclass

from query_engine.catalogue import Catalogue, load_catalogue
from query_engine.language.parser import parse_query
from query_engine.methodology.cautions import Caution, cautions, check_methodology
from query_engine.planning.plan import QueryPlan
from query_engine.planning.planner import plan_query
from query_engine.query.model import AggregateQuery
from query_engine.query.view import View


@dataclass(frozen=True)
class Question:
    """A question that may be asked."""

    query: AggregateQuery
    plan: QueryPlan

    @property
    def view(self) -> View:
        """How its release is to be shown."""
        return self.query.view

    @property
    def cautions(self) -> tuple[Caution, ...]:
        """What its asker is warned of."""
        return cautions(self.plan, self.view)


def read_question(sql: str, catalogue: Catalogue | None = None) -> Question:
    """The question that a text asks. Raises `QueryRefused`, with the place where there is one."""
    catalogue = catalogue or load_catalogue()
    query = parse_query(sql, catalogue)
    plan = plan_query(query, catalogue)
    check_methodology(plan, query.view)
    return Question(query, plan)

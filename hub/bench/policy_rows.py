"""The policy paper's questions as rows of made-up authorities, whose snapshots `circe bench utility` has kept."""

from collections.abc import Sequence
from pathlib import Path

from federation.manifest import Path as LeavingPath
from federation.plans import derive_plan
from hub.synthetic import GOVERNED, find_current, list_tables
from query_engine.planning.paths import judge_path
from query_engine.planning.plan import QueryPlan
from query_engine.question import read_question
from query_engine.questions import load_questions
from query_engine.tables import RawTable

__all__ = ["answer_everywhere", "find_made_up", "plan_policy_rows"]


def plan_policy_rows() -> list[QueryPlan]:
    """Those of the paper's questions that can be asked as rows, in its order."""
    asked = [each.sql for each in load_questions()]
    allowed = (each for each in asked if judge_path(read_question(each).plan, "per_authority").allowed)
    return [derive_plan(each, LeavingPath.PER_AUTHORITY) for each in allowed]


def find_made_up(directory: Path, number: int) -> list[Path]:
    """The snapshots of so many authorities of a kept England, from all over it; fewer, where it has no more."""
    found = [each for each in map(find_current, sorted(directory.glob("snapshots/*"))) if each is not None]
    number = min(number, len(found))
    return [found[(2 * place + 1) * len(found) // (2 * number)] for place in range(number)]


def answer_everywhere(plans: Sequence[QueryPlan], snapshot: Path) -> list[RawTable]:
    """What one authority has of each question."""
    from query_engine.engines.duckdb import DuckDBEngine

    with DuckDBEngine(dict(list_tables(snapshot / GOVERNED))) as engine:
        return [engine.run(plan) for plan in plans]

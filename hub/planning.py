"""Planning at the hub: what SQL asks, or in a problem why it may not."""

from functools import lru_cache

from federation.manifest import Path
from federation.problems import ProblemRaised
from query_engine.planning.plan import QueryPlan
from query_engine.planning.record_keys import plan_for_keys
from query_engine.question import read_question
from query_engine.refusal import QueryRefused


def plan_draft(sql: str, path: Path = Path.PER_AUTHORITY, keys: int | None = None) -> QueryPlan:
    """Parse SQL, plan it for a path, with record keys where there are to be any, and hold it to the methodology guards.

    Raises a 422 problem that carries the refusal's code, reason and place.
    """
    try:
        return _plan(sql, path, keys)
    except QueryRefused as refused:
        place = f" (line {refused.at[0]}, column {refused.at[1]})" if refused.at else ""
        raise ProblemRaised(422, refused.code, refused.text + place) from None


@lru_cache(maxsize=256)
def _plan(sql: str, path: Path, keys: int | None) -> QueryPlan:
    """Plan a question once for all who ask it, and for each page that tells of it."""
    return plan_for_keys(read_question(sql).plan, path.value, keys)

"""The plan of a question by its path: derived from the SQL by whoever is about to sign or run it."""

from functools import lru_cache

from federation.manifest import Path
from query_engine.planning.plan import QueryPlan


@lru_cache(maxsize=256)
def derive_plan(sql: str, path: Path, keys: int | None = None) -> QueryPlan:
    """Return the plan of SQL by a path, made by our own planner and catalogue, once for all.

    With `keys`, it carries sums of so many record keys beside its counts. Raises `QueryRefused`.
    """
    from query_engine.catalogue import load_catalogue
    from query_engine.language.parser import parse_query
    from query_engine.planning.planner import plan_query
    from query_engine.planning.record_keys import plan_for_keys

    catalogue = load_catalogue()
    return plan_for_keys(plan_query(parse_query(sql, catalogue), catalogue), path.value, keys)


def plan_again(sql: str, path: Path, plan_id: str, keys: int | None = None) -> QueryPlan | None:
    """Return the plan of what was asked before, of another catalogue or planner maybe; None where ours has not that.

    A plan is known again by its id, which is the digest of all that the question asks for.
    """
    from query_engine.refusal import QueryRefused

    try:
        plan = derive_plan(sql, path, keys)
    except QueryRefused:
        return None
    return plan if plan.plan_id == plan_id else None

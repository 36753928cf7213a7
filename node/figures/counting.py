"""The exact figures of our children, or of those of them who are at some schools.

Which child is at which school is in the vault alone: no governed table has it, so that no query can ask for it. The
engine is told the children's tokens, and counts nobody else.
"""

from collections.abc import Collection

from node.engines import open_engine
from node.service import Node
from node.snapshots import Snapshot
from node.vault import ask_vault
from query_engine.planning.plan import QueryPlan
from query_engine.tables import RawTable

CHILDREN = "children"
"""The identified table of the children of our record, year by year."""


def count_children(node: Node, snapshot: Snapshot, plan: QueryPlan, schools: Collection[int]) -> RawTable:
    """Run a plan over all of our children, or over those at some schools in its year.

    Raises `EngineFailed` or `EngineUnavailable`.
    """
    if not schools:
        with open_engine(node, snapshot) as engine:
            return engine.run(plan)
    from query_engine.engines.duckdb import DuckDBEngine

    # A server's copy of the snapshot is of no use here: whose rows are counted must not be told to it.
    children = find_at_schools(snapshot, plan, schools)
    with DuckDBEngine({plan.table: snapshot.tables[plan.table]}, among=children) as engine:
        return engine.run(plan)


def find_at_schools(snapshot: Snapshot, plan: QueryPlan, schools: Collection[int]) -> list[str]:
    """Return the row tokens of our children who were at some schools in the year that a plan is about."""
    (year,) = plan.academic_years
    rows = ask_vault(
        {CHILDREN: snapshot.identified[CHILDREN]},
        f"SELECT DISTINCT child FROM {CHILDREN} WHERE academic_year = $year AND list_contains($schools, school_urn)",  # noqa: S608
        {"year": year, "schools": sorted(schools)},
    )
    return [str(token) for (token,) in rows]

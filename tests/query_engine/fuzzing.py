"""What must hold of any text whatever: it is planned, judged and rendered, or refused with a place within it."""

from query_engine.catalogue import Catalogue
from query_engine.language.parser import parse_query
from query_engine.methodology.cautions import find_cautions
from query_engine.planning.overflow import prove_no_overflow
from query_engine.planning.paths import judge_paths
from query_engine.planning.plan import QueryPlan
from query_engine.planning.planner import plan_query
from query_engine.refusal import QueryRefused
from query_engine.rendering.plans import render_plan
from query_engine.wording.description import describe_plan

WORDS = tuple(
    """
    SELECT FROM WHERE GROUP BY HAVING ORDER LIMIT OFFSET AND OR NOT IN BETWEEN IS NULL CASE WHEN THEN ELSE END FILTER
    DISTINCT COUNT SUM AVG MEDIAN QUANTILE_DISC PERCENTILE_DISC WITHIN VAR_SAMP STDDEV_POP COVAR_POP CORR REGR_SLOPE
    REGR_R2 WEIGHTED_AVG BIN FLOOR ROLLUP CUBE GROUPING SETS DESC NULLS FIRST AS OVER TRUE FALSE ALL UNION JOIN ON
    LEFT USING WITH COALESCE MIN MAX FIT_LINEAR FIT_LOGISTIC FIT_POISSON FACTOR
    child_year pupil_year support placements exclusions child sex age uasc suspensions attendance_rate academic_year
    year_group cost placement_type counted_here moved c p e n home_authority
    'M' 'F' 'Total' 0 1 2 4 0.5 0.9 -1 202425 999999 * ( ) , ; = <> < <= > >= . + - / // % :: [ ] { }
    $1 ? @ # " ' -- /* */ E'x' $$a$$
    """.split()  # noqa: SIM905 - read as the words of a text
)
"""The language, and what is next to it."""


def check_text(sql: str, catalogue: Catalogue) -> QueryPlan | QueryRefused:
    """What becomes of a text. Any exception but a refusal is a fault."""
    try:
        query = parse_query(sql, catalogue)
        plan = plan_query(query, catalogue)
    except QueryRefused as refusal:
        _check_place(sql, refusal)
        return refusal
    assert plan.plan_id.startswith("plan-")
    assert 0 < plan.cells == sum(1 for _ in plan.iter_cells())
    assert all(each.most < 2**63 for each in prove_no_overflow(plan))
    assert len(judge_paths(plan)) == 3
    find_cautions(plan, query.view)
    assert render_plan(plan)
    assert describe_plan(plan)
    return plan


def _check_place(sql: str, refusal: QueryRefused) -> None:
    if refusal.at is not None:
        line, column = refusal.at
        lines = sql.split("\n")
        assert 1 <= line <= len(lines)
        assert 1 <= column <= len(lines[line - 1]) + 1

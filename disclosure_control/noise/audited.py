"""The mechanisms that are audited: a question for each way in which figures are noised, planned as nodes plan it."""

from collections.abc import Mapping
from types import MappingProxyType

from query_engine.planning.plan import QueryPlan

__all__ = ["MECHANISMS", "plan_mechanism", "plan_noised"]

MECHANISMS: Mapping[str, str] = MappingProxyType(
    {
        "count": "SELECT sex, COUNT(*) FROM child_year WHERE academic_year = 202425 GROUP BY sex",
        "total beside its parts": "SELECT sex, COUNT(*) FROM child_year WHERE academic_year = 202425 "
        "GROUP BY ROLLUP (sex)",
        "children of many rows": "SELECT sex, COUNT(DISTINCT child) FROM pep WHERE academic_year = 202425 GROUP BY sex",
        "share": "SELECT AVG(CASE WHEN engmath_94 THEN 1 ELSE 0 END) AS share FROM child_year "
        "WHERE academic_year = 202425",
        "average": "SELECT AVG(sdq_score) FROM child_year WHERE academic_year = 202425",
        "variance": "SELECT VAR_SAMP(sdq_score) FROM child_year WHERE academic_year = 202425",
        "line": "SELECT REGR_SLOPE(sdq_score, age) FROM child_year WHERE academic_year = 202425",
        "sum": "SELECT SUM(sdq_score) FROM child_year WHERE academic_year = 202425",
        "model": "SELECT FIT_LINEAR(sdq_score, age) FROM child_year WHERE academic_year = 202425",
        "median": "SELECT MEDIAN(sdq_score) FROM child_year WHERE academic_year = 202425",
    }
)
"""Each by its name: counts, histograms in one and in two grouping sets, and the sums behind every derived figure.

A test holds it to every figure of the language: each is made of statistics that one of these is made of.
"""


def plan_mechanism(name: str) -> QueryPlan:
    """The plan of one of the questions, for `noisy_sum`."""
    return plan_noised(MECHANISMS[name])


def plan_noised(sql: str) -> QueryPlan:
    """The plan of a question for `noisy_sum`. Raises `QueryRefused`."""
    from query_engine.catalogue import load_catalogue
    from query_engine.language.parser import parse_query
    from query_engine.planning.paths import plan_for_path
    from query_engine.planning.planner import plan_query

    catalogue = load_catalogue()
    return plan_for_path(plan_query(parse_query(sql, catalogue), catalogue), "noisy_sum")

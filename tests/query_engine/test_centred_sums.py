"""Sums about the middle: which of a question's are, about what, and that they come back to the last figure."""

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from query_engine.catalogue import Catalogue
from query_engine.planning.centred_sums import CentredSum, centre_sums, restore, take
from query_engine.planning.paths import plan_for_path
from query_engine.planning.plan import QueryPlan
from query_engine.query.model import AggregateQuery
from tests.query_engine import strategies
from tests.query_engine.example_counts import examples
from tests.query_engine.test_contributions import noisy
from tests.query_engine.test_query_properties import planned
from tests.query_engine.test_raw_table import PlanOf


def told(plan: QueryPlan) -> dict[str, tuple[Mapping[str, int], int]]:
    """Of the sums that are centred: about what, and the most that a row adds."""
    return {name: (dict(each.middles), each.bound) for name, each in centre_sums(plan).items() if each.middles}


SCORE, AGE = {"sdq_score": 20}, {"age": 12}
PRESENT = "COUNT(*) FILTER (WHERE sdq_score IS NOT NULL) AS n"
CENTRED: list[tuple[str, list[tuple[Mapping[str, int], int]]]] = [
    # asked                                                    the middles, and the most that one row adds
    ("COUNT(*) AS n FROM child_year", []),
    # Nobody counts the rows of a sum that stands alone, nor those of whom all children are more.
    ("SUM(sdq_score) AS s FROM child_year", []),
    ("SUM(sdq_score) AS s, COUNT(*) AS n FROM child_year", []),
    (f"SUM(sdq_score) AS s, {PRESENT} FROM child_year", [(SCORE, 20)]),
    ("SUM(sdq_score) AS s, COUNT(*) AS n FROM child_year WHERE sdq_score IS NOT NULL", [(SCORE, 20)]),
    ("AVG(sdq_score) AS a FROM child_year", [(SCORE, 20)]),
    ("AVG(sdq_score) AS a FROM child_year WHERE sdq_score >= 10", [({"sdq_score": 25}, 15)]),
    ("AVG(sdq_score) FILTER (WHERE sdq_score >= 10) AS a FROM child_year", [({"sdq_score": 25}, 15)]),
    ("VAR_POP(sdq_score) AS v FROM child_year", [(SCORE, 20), (SCORE, 400)]),
    ("AVG(CASE WHEN uasc THEN 1 ELSE 0 END) AS share FROM child_year", []),
    ("REGR_SLOPE(sdq_score, age) AS b FROM child_year", [(SCORE, 20), (AGE, 13), (AGE | SCORE, 260), (AGE, 169)]),
    # A score among those alone of whom something is so is about the middle by their number.
    ("COVAR_POP(sdq_score, uasc) AS c FROM child_year", [(SCORE, 20), (SCORE, 20)]),
    # Nobody adds up the weights' own numbers of rows, so nothing can be made up again.
    ("WEIGHTED_AVG(sdq_score, age) AS w FROM child_year", []),
]


@pytest.mark.parametrize(("asked", "expected"), CENTRED)
def test_which_sums_are_about_what(
    asked: str, expected: Sequence[tuple[Mapping[str, int], int]], plan_of: PlanOf
) -> None:
    found = told(plan_for_path(plan_of(f"SELECT {asked}"), "noisy_sum"))
    assert sorted(found.values(), key=str) == sorted(expected, key=str)


thorough = settings(max_examples=examples(40), derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))


@thorough
@given(query=strategies.queries(), numbers=st.randoms(use_true_random=False))
def test_what_is_taken_off_comes_back(query: AggregateQuery, numbers: object, catalogue: Catalogue) -> None:
    """Whatever is asked, and whatever noise is in it: what is made of sums about the middles is the sums about 0."""
    plan = noisy(planned(query, catalogue))
    sums = centre_sums(plan)
    figures = {each.name: [numbers.randrange(-(2**40), 2**40)] for each in plan.statistics}  # type: ignore[attr-defined]
    assert restore(sums, take(sums, figures)) == figures
    assert take(sums, restore(sums, figures)) == figures


@thorough
@given(query=strategies.queries())
def test_nothing_holds_more_noise_for_it(query: AggregateQuery, catalogue: Catalogue) -> None:
    """A row adds no more to a sum about the middle; and one that is made up again holds no more noise than about 0."""
    plan = noisy(planned(query, catalogue))
    sums, bounds = centre_sums(plan), {each.name: each.bound for each in plan.statistics}
    for name, each in sums.items():
        assert 0 < each.bound <= bounds[name]
        if len(each.middles) == 1 and len(each.made_of) == 2:  # a sum of one column: of it and the count of its rows
            assert sum((times * sums[source].bound) ** 2 for source, times in each.made_of.items()) <= bounds[name] ** 2


def test_a_statistic_by_itself_is_left_as_it_is(plan_of: PlanOf) -> None:
    (found,) = centre_sums(plan_of("SELECT COUNT(DISTINCT child) AS n FROM child_year")).values()
    assert found == CentredSum({"children": 1}, {"children": 1}, 1, {})

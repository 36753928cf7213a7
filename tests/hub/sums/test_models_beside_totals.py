"""Exact totals beside models of the same term: the hub counts a model's rows among what it has released."""

import pytest

from federation.exchange import QueryState
from query_engine.models.design import Product
from query_engine.planning.plan import QueryPlan
from tests.hub.replies import status_of
from tests.hub.sums.played_sums import PlayedSums, approve_template, run_template

WHOSE = "FROM child_year WHERE academic_year = 202425 AND counted_here AND age IN (13, 14, 15)"
MODEL = f"SELECT FIT_LINEAR(sdq_score, age) AS m {WHOSE}"
OTHERS = f"SELECT COUNT(*) AS n {WHOSE} AND sdq_score >= 0 AND NOT uasc"


def model_sums(plan: QueryPlan, children: int) -> list[int]:
    """Half of the children are 14 and half 15, and their scores are 10 and 14, give or take 2."""
    assert plan.model is not None
    half = children // 2
    sums = {
        Product(("sdq_score",)): 24 * half,
        Product(("age",)): 29 * half,
        Product(("age", "sdq_score")): 350 * half,
        Product(("age", "age")): 421 * half,
        Product(("sdq_score", "sdq_score")): 304 * half,
    }
    known = {name: sums[product] for product, name in plan.model.sums.items() if product in sums}
    known |= {plan.model.left_out: 0} if plan.model.left_out else {}
    return [known.get(each.name, children) for each in plan.statistics]


def play_children(sums: PlayedSums, complete: int, others: int) -> None:
    """Have every node count so many children with all that the model asks for, and so many of these who are others."""

    def figures(plan: QueryPlan) -> list[int]:
        return [others] * len(plan.statistics) if plan.model is None else model_sums(plan, complete)

    for node in sums.nodes.values():
        node.figures = figures


@pytest.mark.parametrize(("others", "shown"), [(59, "c"), (60, 420)])
def test_a_count_that_is_a_few_less_than_a_models_rows_is_withheld(
    sums: PlayedSums, others: int, shown: int | str
) -> None:
    """420 rows are 418 to 422, and 415 children 413 to 417: one to nine are left, of whom nobody asked.

    Of 420 children there need be nobody.
    """
    sums.settle()
    play_children(sums, 60, others)
    first = run_template(sums, approve_template(sums, MODEL))
    sums.settle()
    assert status_of(sums.federation, first).state is QueryState.RELEASED
    second = run_template(sums, approve_template(sums, OTHERS))
    sums.settle()
    assert sums.table(second) == [[shown]]


def test_a_model_with_a_few_rows_more_than_a_count_is_withheld(sums: PlayedSums) -> None:
    sums.settle()
    play_children(sums, 60, 59)
    run_template(sums, approve_template(sums, OTHERS))
    sums.settle()
    model = run_template(sums, approve_template(sums, MODEL))
    sums.settle()
    assert status_of(sums.federation, model).state is QueryState.UNFINISHED

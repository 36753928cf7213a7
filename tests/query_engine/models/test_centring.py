"""Sums about the middle of what columns can be: there and back to the last figure, and bounded as is said."""

from collections.abc import Callable
from itertools import product as every

import pytest

from query_engine.models.design import cross_products
from query_engine.models.formula import Interaction
from query_engine.planning.centring import Centring, find_centring
from query_engine.planning.paths import plan_for_path
from query_engine.planning.plan import QueryPlan
from tests.query_engine.models.model_examples import ATTENDANCE, MONTHS, TERMS, Row, formula_of, sums_of
from tests.query_engine.models.test_noise_in_fit import rows

PlanOf = Callable[[str], QueryPlan]

FORMULA = formula_of("linear", *TERMS, Interaction((MONTHS, ATTENDANCE)))
CENTRING = Centring(
    {"months": 150, "attendance": 7_500, "score": 450}, {"months": 150, "attendance": 2_500, "score": 450}
)


def moved(row: Row) -> Row:
    """A row whose values are taken about the middles."""
    return {
        name: int(value) - CENTRING.middles[name] if name in CENTRING.middles else value for name, value in row.items()
    }


def test_sums_about_the_middles_are_those_of_values_about_them() -> None:
    """Of every product of a design with factors, numbers and interactions of each; and back to the last figure."""
    sums = sums_of(FORMULA, rows())
    centred = CENTRING.centre(sums)
    assert centred == sums_of(FORMULA, [moved(row) for row in rows()])
    assert CENTRING.restore(centred) == sums


def test_a_row_adds_no_more_than_the_bound_and_some_row_does() -> None:
    """Of the rows at the ends of what each column can be, the reference levels of the factors apart."""
    ends = every((0, 300), (5_000, 10_000), (0, 900))
    corners: list[Row] = [
        {"sex": "F", "prior": "above", "months": months, "attendance": attendance, "score": score}
        for months, attendance, score in ends
    ]
    for each in cross_products(FORMULA):
        if all(level in ("F", "above") for _, level in each.levels):
            values = [abs(CENTRING.centre(sums_of(FORMULA, [row]))[each]) for row in corners]
            assert max(values) == CENTRING.bound(each)


RATE = (5_000, 5_000)
CENTRINGS = [
    # the filter                                     the middles and reaches of age, attendance_rate and sdq_score
    ("", {"age": (12, 13), "attendance_rate": RATE, "sdq_score": (20, 20)}),
    (" WHERE age BETWEEN 5 AND 17", {"age": (11, 6), "attendance_rate": RATE, "sdq_score": (20, 20)}),
    (" WHERE age IN (8, 9, 16) AND sdq_score > 9", {"age": (12, 4), "attendance_rate": RATE, "sdq_score": (25, 15)}),
    (" WHERE age = 14", {"age": (14, 1), "attendance_rate": RATE, "sdq_score": (20, 20)}),
]  # fmt: skip


@pytest.mark.parametrize(("where", "expected"), CENTRINGS)
def test_middles_follow_from_the_catalogue_and_the_filter(
    where: str, expected: dict[str, tuple[int, int]], plan_of: PlanOf
) -> None:
    """And from the values that are present: a missing one is in no row of the model."""
    plan = plan_of(f"SELECT FIT_LINEAR(sdq_score, age, attendance_rate, sex) AS m FROM child_year{where}")
    assert plan.model is not None
    found = find_centring(plan, plan.model)
    assert {name: (found.middles[name], found.reaches[name]) for name in found.middles} == expected
    assert find_centring(plan_for_path(plan, "noisy_sum"), plan.model) == found


def test_of_yes_and_no_nothing_is_taken_off(plan_of: PlanOf) -> None:
    plan = plan_of("SELECT FIT_LINEAR(engmath_94, age) AS m FROM child_year")
    assert plan.model is not None
    assert find_centring(plan, plan.model).middles["engmath_94"] == 0

"""What a question costs, as a table that a statistician can read."""

from fractions import Fraction

import pytest

from disclosure_control.budget.price import NOTHING, PrivacyLoss, price_plan, write_epsilon
from disclosure_control.noise.terms import NoiseRefused, read_epsilon
from query_engine.catalogue import load_catalogue
from query_engine.language.parser import parse_query
from query_engine.planning.paths import plan_for_path
from query_engine.planning.plan import QueryPlan
from query_engine.planning.planner import plan_query

YEAR = "WHERE academic_year = 202425"


def plan_of(sql: str) -> QueryPlan:
    catalogue = load_catalogue()
    return plan_for_path(plan_query(parse_query(sql, catalogue), catalogue), "noisy_sum")


@pytest.mark.parametrize(
    ("sql", "epsilon", "years", "rho"),
    [
        (f"SELECT sex, COUNT(*) FROM child_year {YEAR} GROUP BY sex", "1", (202425,), "1/2"),
        (f"SELECT COUNT(*) FROM child_year {YEAR} AND uasc", "1", (202425,), "1/2"),
        (f"SELECT COUNT(*) FROM pupil_year {YEAR}", "1", (202425,), "1/2"),
        (f"SELECT sex, COUNT(*) FROM child_year {YEAR} GROUP BY ROLLUP (sex)", "1", (202425,), "1/4"),
        (f"SELECT sex, AVG(sdq_score) FROM child_year {YEAR} GROUP BY sex", "0.5", (202425,), "1/16"),
    ],
    ids=["a count", "a filter", "another table", "two grouping sets", "two families"],
)
def test_every_year_touched_costs_the_whole_epsilon(sql: str, epsilon: str, years: tuple[int, ...], rho: str) -> None:
    """Whatever is asked of a year, of which children and of which table; and a part's rho is half its square."""
    price = price_plan(plan_of(sql), epsilon)
    assert price.academic_years == years
    assert price.loss == PrivacyLoss(Fraction(epsilon), Fraction(rho))


def test_several_years_are_each_debited() -> None:
    sql = (
        "SELECT academic_year, COUNT(*) FROM child_year WHERE academic_year IN (202324, 202425) GROUP BY academic_year"
    )
    assert price_plan(plan_of(sql), "1").academic_years == (202324, 202425)


def test_what_noise_cannot_hide_has_no_price() -> None:
    with pytest.raises(NoiseRefused):
        price_plan(plan_of(f"SELECT AVG(sdq_score) FROM child_year {YEAR}"), "0.000000")


def test_losses_add_up() -> None:
    question = PrivacyLoss(Fraction(1), Fraction(1, 2))
    assert NOTHING + question + question == PrivacyLoss(Fraction(2), Fraction(1))


def test_rho_promises_more_of_many_small_questions() -> None:
    """Fifty questions at epsilon 0.2 are 10 for certain, and 7.8 but for a chance of one in a hundred thousand."""
    fifty = sum((PrivacyLoss(Fraction(1, 5), Fraction(1, 50)) for _ in range(50)), NOTHING)
    assert fifty.epsilon_but_for(1e-5) == pytest.approx(7.838, abs=1e-3)
    assert PrivacyLoss(Fraction(1, 5), Fraction(1, 50)).epsilon_but_for(1e-5) == pytest.approx(0.2)


@pytest.mark.parametrize("text", ["1", "0.5", "10", "0.000001", "19.999999", "0"])
def test_epsilons_are_written_as_they_are_read(text: str) -> None:
    assert write_epsilon(Fraction(text)) == text
    assert text == "0" or read_epsilon(text) == Fraction(text)


def test_an_epsilon_that_decimals_do_not_hold_is_not_rounded() -> None:
    with pytest.raises(ValueError, match="6 decimal places"):
        write_epsilon(Fraction(1, 3))

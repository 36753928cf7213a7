"""Linear models from sums: by hand, over any share-out of rows to nodes, and where there is nothing to fit."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from query_engine.models.design import Product
from query_engine.models.failures import Failure, ModelUndetermined
from query_engine.models.formula import Factor, Interaction, ModelFormula, Numeric
from query_engine.models.linear import LinearFit, fit_linear
from tests.query_engine.models.model_examples import MONTHS, ROWS, SEX, TERMS, Row, formula_of, sums_of

thorough = settings(max_examples=50, derandomize=True, deadline=None)


def fitted(formula: ModelFormula, rows: list[Row]) -> LinearFit:
    """The fit; too odd a draw of rows is not worth an example."""
    try:
        return fit_linear(formula, sums_of(formula, rows))
    except ModelUndetermined as failure:
        assume(failure.code not in (Failure.COLLINEAR, Failure.EXACT_FIT))
        raise


def test_a_straight_line() -> None:
    """x = 1 2 3 4 and y = 2 4 5 4: slope 3.5/5, intercept 3.75 - 2.5 * 0.7, residual sum of squares 2.3 of 4.75."""
    rows: list[Row] = [{"x": x, "y": y} for x, y in ((1, 2), (2, 4), (3, 5), (4, 4))]
    formula = ModelFormula("linear", Numeric("y"), (Numeric("x"),))
    fit = fit_linear(formula, sums_of(formula, rows))
    assert [(each.label, each.value, each.standard_error) for each in fit.estimates] == [
        ("intercept", 2.0, 1.31),
        ("x", 0.7, 0.48),
    ]
    assert (fit.rows, fit.residual_df, fit.residual_standard_error) == (4, 2, 1.07)
    assert fit.r_squared == pytest.approx(2.45 / 4.75, rel=1e-15)
    assert fit.adjusted_r_squared == pytest.approx(1 - 1.15 / (4.75 / 3), rel=1e-15)


def test_two_groups() -> None:
    """Means of 2 and 7: the second is an estimate of the difference, with variance 10/3 * (1/2 + 1/3)."""
    rows: list[Row] = [{"sex": sex, "score": y} for sex, y in (("M", 1), ("M", 3), ("F", 5), ("F", 7), ("F", 9))]
    formula = ModelFormula("linear", Numeric("score"), (SEX,))
    fit = fit_linear(formula, sums_of(formula, rows))
    assert [(each.label, each.value, each.standard_error) for each in fit.estimates] == [
        ("intercept", 2.0, 1.29),
        ("sex=F", 5.0, 1.67),
    ]


def test_estimates_are_in_the_units_of_the_catalogue() -> None:
    """The same line, with x carried in tenths and y in thousandths."""
    rows: list[Row] = [{"x": 10 * x, "y": 1000 * y} for x, y in ((1, 2), (2, 4), (3, 5), (4, 4))]
    formula = ModelFormula("linear", Numeric("y", 3), (Numeric("x", 1),))
    fit = fit_linear(formula, sums_of(formula, rows))
    assert [each.value for each in fit.estimates] == [2.0, 0.7]
    assert [each.standard_error for each in fit.estimates] == [1.31, 0.48]
    assert fit.residual_standard_error == 1.07


@thorough
@given(ROWS, st.data())
def test_the_federated_fit_is_the_pooled_fit(rows: list[Row], data: st.DataObject) -> None:
    """Sums of any share-out of the rows to nodes add up to the same fit, bit for bit."""
    formula = formula_of("linear", *TERMS)
    homes = data.draw(st.lists(st.integers(0, 4), min_size=len(rows), max_size=len(rows)))
    nodes = [
        sums_of(formula, [row for row, home in zip(rows, homes, strict=True) if home == node]) for node in range(5)
    ]
    added = {each: sum(sums[each] for sums in nodes) for each in nodes[0]}
    assert fitted(formula, rows) == fit_linear(formula, added)


@thorough
@given(ROWS, st.permutations(TERMS))
def test_the_order_of_terms_does_not_matter(rows: list[Row], terms: list[Factor | Numeric | Interaction]) -> None:
    first, second = fitted(formula_of("linear", *TERMS), rows), fitted(formula_of("linear", *terms), rows)
    assert set(first.estimates) == set(second.estimates)
    assert (first.r_squared, first.adjusted_r_squared) == (second.r_squared, second.adjusted_r_squared)


def test_a_fit_does_not_show_its_figures_by_itself() -> None:
    """Neither a log nor a traceback gets them from a repr."""
    rows: list[Row] = [{"x": x, "y": y} for x, y in ((1, 2), (2, 4), (3, 5), (4, 4))]
    formula = ModelFormula("linear", Numeric("y"), (Numeric("x"),))
    assert "0.7" not in repr(fit_linear(formula, sums_of(formula, rows)))


TWIN = Numeric("twin")
THIRD = Numeric("third")


def rows_with(**changes: int) -> list[Row]:
    """Twelve ordinary rows, with some columns the same in all of them."""
    return [
        {
            "sex": "MF"[n % 2],
            "months": n * n,
            "twin": 2 * n * n + 3,
            "third": n * n - n % 2,
            "score": n**3 % 17,
            **changes,
        }
        for n in range(12)
    ]


@pytest.mark.parametrize(
    ("formula", "rows", "failure", "text"),
    [
        (formula_of("linear", SEX, MONTHS), rows_with()[:3], Failure.TOO_FEW_ROWS, "too few complete rows"),
        (formula_of("linear", SEX), [], Failure.TOO_FEW_ROWS, "too few complete rows"),
        (
            formula_of("linear", MONTHS, TWIN),
            rows_with(),
            Failure.COLLINEAR,
            "twin is a combination of intercept, months,",
        ),
        (
            formula_of("linear", SEX, MONTHS, THIRD),
            rows_with(),
            Failure.COLLINEAR,
            "third is a combination of sex=F, months,",
        ),
        (formula_of("linear", MONTHS), rows_with(months=9), Failure.COLLINEAR, "months is a combination of intercept,"),
        (formula_of("linear", MONTHS), rows_with(months=0), Failure.COLLINEAR, "months is 0 in every row"),
        (formula_of("linear", SEX), rows_with(score=0), Failure.CONSTANT_OUTCOME, "the same in every row"),
        (formula_of("linear", SEX), rows_with(score=9), Failure.CONSTANT_OUTCOME, "the same in every row"),
        (
            ModelFormula("linear", TWIN, (MONTHS,)),
            rows_with(),
            Failure.EXACT_FIT,
            "give the outcome of every row exactly",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_the_data_do_not_determine(formula: ModelFormula, rows: list[Row], failure: Failure, text: str) -> None:
    """One clear text, which names design columns and holds no figure."""
    with pytest.raises(ModelUndetermined, match=text) as raised:
        fit_linear(formula, sums_of(formula, rows))
    assert raised.value.code == failure
    assert not any(each.isdigit() for each in raised.value.text.replace("is 0 in", ""))


def test_sums_that_no_rows_have_are_refused() -> None:
    """One that overflowed 64 bits comes back too small: here the squares, then the outcome's."""
    formula = formula_of("linear", MONTHS)
    sums = sums_of(formula, rows_with())
    for product in (Product(("months", "months")), Product(("score", "score"))):
        with pytest.raises(ModelUndetermined, match="contradict") as raised:
            fit_linear(formula, {**sums, product: sums[product] - 2**64})
        assert raised.value.code == Failure.CONTRADICTION

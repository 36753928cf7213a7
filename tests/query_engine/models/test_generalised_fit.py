"""Logistic and Poisson models from patterns: by hand, over any share-out to nodes, and where there is no maximum."""

from math import log, sqrt

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from query_engine.models.estimates import to_figures
from query_engine.models.failures import Failure, ModelUndetermined
from query_engine.models.formula import Factor, Family, Interaction, ModelFormula, Numeric
from query_engine.models.generalised import GeneralisedFit, fit_logistic, fit_poisson
from query_engine.models.patterns import MOST_PATTERNS, Pattern
from tests.query_engine.models.model_examples import MONTHS, PRIOR, ROWS, SEX, TERMS, Row, formula_of, patterns_of

thorough = settings(max_examples=50, derandomize=True, deadline=None)
FAMILIES: list[Family] = ["logistic", "poisson"]


def fit(formula: ModelFormula, patterns: list[Pattern]) -> GeneralisedFit:
    return (fit_logistic if formula.family == "logistic" else fit_poisson)(formula, patterns)


def fitted(formula: ModelFormula, patterns: list[Pattern]) -> GeneralisedFit:
    """The fit; too odd a draw of rows is not worth an example."""
    try:
        return fit(formula, patterns)
    except ModelUndetermined as failure:
        assume(failure.code not in (Failure.COLLINEAR, Failure.SEPARATION, Failure.CONSTANT_OUTCOME))
        raise


def test_odds_of_two_groups() -> None:
    """5 of 20 and 15 of 30: log odds of 1/3, an odds ratio of 3, and Woolf's standard errors."""
    found = fit_logistic(formula_of("logistic", SEX), [Pattern(("M",), 20, 5), Pattern(("F",), 30, 15)])
    assert [each.label for each in found.estimates] == ["intercept", "sex=F"]
    assert [each.value for each in found.estimates] == pytest.approx([-log(3), log(3)], rel=1e-12)
    assert [each.standard_error for each in found.estimates] == [
        to_figures(sqrt(1 / 5 + 1 / 15)),
        to_figures(sqrt(1 / 5 + 1 / 15 + 1 / 15 + 1 / 15)),
    ]
    assert found.deviance == pytest.approx(-2 * (5 * log(0.25) + 15 * log(0.75) + 30 * log(0.5)))
    assert found.null_deviance == pytest.approx(-2 * (20 * log(0.4) + 30 * log(0.6)))
    assert (found.rows, found.residual_df) == (50, 48)


def test_rates_of_two_groups() -> None:
    """5 in 10 rows and 20 in 20: rates of 1/2 and twice that; two patterns and two estimates leave no deviance."""
    found = fit_poisson(formula_of("poisson", SEX), [Pattern(("M",), 10, 5), Pattern(("F",), 20, 20)])
    assert [each.value for each in found.estimates] == pytest.approx([-log(2), log(2)], rel=1e-12)
    assert [each.standard_error for each in found.estimates] == [to_figures(sqrt(1 / 5)), 0.5]
    assert found.deviance == pytest.approx(0, abs=1e-12)
    assert found.null_deviance == pytest.approx(2 * (5 * log(5 / (25 / 3)) + 20 * log(20 / (50 / 3))))


@pytest.mark.parametrize("family", FAMILIES)
@thorough
@given(rows=ROWS, data=st.data())
def test_the_federated_fit_is_the_pooled_fit(family: Family, rows: list[Row], data: st.DataObject) -> None:
    """Patterns of any share-out of the rows, in any order, give the same fit, bit for bit."""
    formula = formula_of(family, *TERMS)
    homes = data.draw(st.lists(st.integers(0, 4), min_size=len(rows), max_size=len(rows)))
    nodes = [[row for row, home in zip(rows, homes, strict=True) if home == node] for node in range(5)]
    patterns = [each for node in nodes for each in patterns_of(formula, node)]
    assert fitted(formula, patterns_of(formula, rows)) == fit(formula, patterns)


@pytest.mark.parametrize("family", FAMILIES)
@thorough
@given(rows=ROWS, terms=st.permutations(TERMS))
def test_the_order_of_terms_does_not_matter(
    family: Family, rows: list[Row], terms: list[Factor | Numeric | Interaction]
) -> None:
    first, second = (formula_of(family, *each) for each in (TERMS, terms))
    one, other = fitted(first, patterns_of(first, rows)), fitted(second, patterns_of(second, rows))
    values = {each.label: each.value for each in other.estimates}
    assert values == pytest.approx({each.label: each.value for each in one.estimates}, rel=1e-6, abs=1e-8)
    assert other.deviance == pytest.approx(one.deviance, rel=1e-9)


@thorough
@given(ROWS)
def test_how_rows_are_grouped_does_not_change_a_logistic_fit(rows: list[Row]) -> None:
    """Each row a pattern of its own, as from another choice of terms, gives the same deviance too."""
    formula = formula_of("logistic", SEX, PRIOR, MONTHS)
    single = [Pattern(tuple(row[name] for name in formula.columns), 1, int(row["met"])) for row in rows]
    assert fitted(formula, patterns_of(formula, rows)) == fit(formula, single)


def test_a_steep_slope_is_not_separation() -> None:
    """One pair of overlapping patterns holds the slope finite, though most fitted shares are all but 0 or 1."""
    patterns = [Pattern((months,), 40, 40 * (months > 150)) for months in range(0, 301, 10) if months not in (150, 160)]
    patterns += [Pattern((150,), 1000, 1), Pattern((160,), 1000, 999)]
    found = fit_logistic(formula_of("logistic", MONTHS), patterns)
    assert found.estimates[1].value == pytest.approx(2 * log(999) / 10, rel=1e-6)


BOTH = Interaction((SEX, PRIOR))


@pytest.mark.parametrize(
    ("formula", "patterns", "failure"),
    [
        (formula_of("logistic", SEX), [Pattern(("M",), 20, 0), Pattern(("F",), 20, 20)], Failure.SEPARATION),
        (formula_of("logistic", SEX), [Pattern(("M",), 20, 7), Pattern(("F",), 20, 20)], Failure.SEPARATION),
        (
            formula_of("logistic", MONTHS),
            [Pattern((months,), 9, 9 * (months > 50)) for months in range(0, 100, 10)],
            Failure.SEPARATION,
        ),
        (formula_of("poisson", SEX), [Pattern(("M",), 20, 7), Pattern(("F",), 20, 0)], Failure.SEPARATION),
        (formula_of("logistic", SEX), [Pattern(("M",), 20, 0), Pattern(("F",), 20, 0)], Failure.CONSTANT_OUTCOME),
        (formula_of("logistic", SEX), [Pattern(("M",), 20, 20), Pattern(("F",), 20, 20)], Failure.CONSTANT_OUTCOME),
        (formula_of("poisson", SEX), [Pattern(("M",), 20, 0), Pattern(("F",), 20, 0)], Failure.CONSTANT_OUTCOME),
        (formula_of("poisson", SEX), [Pattern(("M",), 20, 9)], Failure.COLLINEAR),
        (formula_of("poisson", SEX), [Pattern(("M",), 1, 1), Pattern(("F",), 1, 2)], Failure.TOO_FEW_ROWS),
        (formula_of("logistic", SEX), [Pattern(("M",), 20, 21), Pattern(("F",), 20, 3)], Failure.CONTRADICTION),
        (formula_of("poisson", SEX), [Pattern(("M",), 0, 3), Pattern(("F",), 20, 3)], Failure.CONTRADICTION),
        (formula_of("poisson", SEX), [Pattern(("M",), 9, -3), Pattern(("F",), 20, 3)], Failure.CONTRADICTION),
        (
            formula_of("poisson", MONTHS),
            [Pattern((n,), 1, 1) for n in range(MOST_PATTERNS + 1)],
            Failure.TOO_MANY_PATTERNS,
        ),
        (
            formula_of("logistic", SEX, PRIOR, BOTH),
            [
                Pattern((sex, prior), 20, 7)
                for sex in SEX.levels
                for prior in PRIOR.levels
                if (sex, prior) != ("F", "above")
            ],
            Failure.COLLINEAR,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_the_data_do_not_determine(formula: ModelFormula, patterns: list[Pattern], failure: Failure) -> None:
    with pytest.raises(ModelUndetermined) as raised:
        fit(formula, patterns)
    assert raised.value.code == failure


def test_no_rows_at_all() -> None:
    """The text is that of too few rows."""
    with pytest.raises(ModelUndetermined) as raised:
        fit_poisson(formula_of("poisson", SEX), [Pattern(("M",), 0, 0)])
    assert raised.value.code == Failure.TOO_FEW_ROWS


@pytest.mark.parametrize("value", ["X", None, 0])
def test_a_value_that_is_no_level_is_not_taken_for_the_reference(value: str) -> None:
    with pytest.raises(ValueError, match="a value of sex that the formula does not know"):
        fit_poisson(formula_of("poisson", SEX), [Pattern((value,), 20, 5), Pattern(("M",), 20, 5)])

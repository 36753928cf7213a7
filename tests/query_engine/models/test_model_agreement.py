"""Fits agree with statsmodels, which reads single rows where Circe reads sums and patterns.

Limits: 1e-8 of each figure for linear models on whole numbers of the catalogue's resolution, 1e-6 for the others.
Standard errors agree to their three figures.
"""

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from query_engine.models.design import design_columns, design_row
from query_engine.models.estimates import Estimate
from query_engine.models.formula import Factor, Family, Interaction, ModelFormula, Numeric, Term
from query_engine.models.generalised import fit_logistic, fit_poisson
from query_engine.models.linear import fit_linear
from tests.query_engine.models.model_examples import OUTCOMES, PRIOR, SEX, Row, patterns_of, sums_of

REASON = "statsmodels is not installed (extra models)"
YEAR = Numeric("year")
RATE = Numeric("rate", 4)
CARE = Numeric("care")
NEED = Factor("need", ("N1", "N2", "N3", "N4", "N5"))
TERMS: tuple[Term, ...] = (
    *(SEX, PRIOR, NEED, YEAR, RATE, CARE),
    *(Interaction((SEX, PRIOR)), Interaction((SEX, CARE)), Interaction((YEAR, RATE))),
)


@pytest.fixture(scope="module")
def statsmodels() -> Any:
    """The library, whose tables of data are numpy's."""
    pytest.importorskip("numpy", reason=REASON)
    return pytest.importorskip("statsmodels.api", reason=REASON)


def england(seed: int, children: int) -> list[Row]:
    """Rows of the catalogue's resolution, with outcomes that hang on the terms."""
    random = Random(seed)
    rows: list[Row] = []
    for _ in range(children):
        sex, prior, need = random.choice("MF"), random.choice(PRIOR.levels), random.choice(NEED.levels)
        year, care, rate = random.randint(2015, 2027), random.randrange(0, 300, 12), random.randrange(5000, 10001, 250)
        pull = 0.4 * (sex == "F") + 0.8 * (prior == "above") - 0.004 * care + rate / 10_000 - 1
        rows.append(
            {
                "sex": sex,
                "prior": prior,
                "need": need,
                "year": year,
                "care": care,
                "rate": rate,
                "score": round(300 + 120 * pull + random.gauss(0, 90)),
                "met": int(random.random() < 1 / (1 + 2.718 ** (-pull))),
                "suspensions": sum(random.random() < 0.1 - 0.02 * pull for _ in range(20)),
            }
        )
    return rows


def arrays(formula: ModelFormula, rows: Sequence[Row]) -> tuple[Any, Any]:
    """The design matrix and the outcome of single rows, in the catalogue's units."""
    numpy = pytest.importorskip("numpy", reason=REASON)
    columns = design_columns(formula)
    units = numpy.array([10.0**each.scale for each in columns])
    outcome = numpy.array([row[formula.outcome.column] for row in rows], dtype=float) / 10**formula.outcome.scale
    return numpy.array([design_row(columns, row) for row in rows], dtype=float) / units, outcome


def assert_agree(estimates: Sequence[Estimate], found: Any, tolerance: float) -> None:
    """Coefficients to the tolerance, standard errors to half a unit of their third figure."""
    assert [each.value for each in estimates] == pytest.approx(list(found.params), rel=tolerance, abs=0)
    assert [each.standard_error for each in estimates] == pytest.approx(list(found.bse), rel=5.01e-3, abs=0)


@pytest.mark.parametrize("seed", range(4))
def test_linear_models_agree_with_ordinary_least_squares(statsmodels: Any, seed: int) -> None:
    formula = ModelFormula("linear", OUTCOMES["linear"], TERMS)
    rows = england(seed, 3000)
    design, outcome = arrays(formula, rows)
    theirs = statsmodels.OLS(outcome, design).fit(method="qr")
    ours = fit_linear(formula, sums_of(formula, rows))
    assert_agree(ours.estimates, theirs, 1e-8)
    assert ours.residual_df == theirs.df_resid
    assert [ours.r_squared, ours.adjusted_r_squared] == pytest.approx([theirs.rsquared, theirs.rsquared_adj], rel=1e-8)
    assert ours.residual_standard_error == pytest.approx(theirs.mse_resid**0.5, rel=5.01e-3)


@pytest.mark.parametrize("seed", range(4))
def test_logistic_models_agree_with_single_rows(statsmodels: Any, seed: int) -> None:
    formula = ModelFormula("logistic", OUTCOMES["logistic"], TERMS)
    rows = england(seed, 3000)
    design, outcome = arrays(formula, rows)
    theirs = statsmodels.GLM(outcome, design, family=statsmodels.families.Binomial()).fit(tol=1e-14, maxiter=200)
    ours = fit_logistic(formula, patterns_of(formula, rows))
    assert_agree(ours.estimates, theirs, 1e-6)
    assert ours.residual_df == theirs.df_resid
    assert [ours.deviance, ours.null_deviance] == pytest.approx([theirs.deviance, theirs.null_deviance], rel=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_poisson_models_agree_with_single_rows(statsmodels: Any, seed: int) -> None:
    """Deviances are of patterns, so it is their difference that agrees."""
    formula = ModelFormula("poisson", OUTCOMES["poisson"], TERMS)
    rows = england(seed, 3000)
    design, outcome = arrays(formula, rows)
    theirs = statsmodels.GLM(outcome, design, family=statsmodels.families.Poisson()).fit(tol=1e-14, maxiter=200)
    ours = fit_poisson(formula, patterns_of(formula, rows))
    assert_agree(ours.estimates, theirs, 1e-6)
    explained = theirs.null_deviance - theirs.deviance
    assert ours.null_deviance - ours.deviance == pytest.approx(explained, rel=1e-6)


@pytest.mark.parametrize("family", ["logistic", "poisson"])
def test_an_offset_of_rows_is_what_poisson_patterns_need(statsmodels: Any, family: Family) -> None:
    """The same table of patterns, given to statsmodels as counts of successes or with rows as exposure."""
    numpy = pytest.importorskip("numpy", reason=REASON)
    formula = ModelFormula(family, OUTCOMES[family], (SEX, NEED, CARE))
    patterns = patterns_of(formula, england(9, 5000))
    design, _ = arrays(
        formula,
        [dict(zip(formula.columns, each.values, strict=True)) | {"met": 0, "suspensions": 0} for each in patterns],
    )
    rows, totals = (numpy.array([getattr(each, name) for each in patterns]) for name in ("rows", "total"))
    if family == "poisson":
        ours = fit_poisson(formula, patterns)
        theirs = statsmodels.GLM(totals, design, family=statsmodels.families.Poisson(), exposure=rows).fit(tol=1e-14)
        assert [ours.deviance, ours.null_deviance] == pytest.approx([theirs.deviance, theirs.null_deviance], rel=1e-6)
    else:
        ours = fit_logistic(formula, patterns)
        both = numpy.column_stack([totals, rows - totals])
        theirs = statsmodels.GLM(both, design, family=statsmodels.families.Binomial()).fit(tol=1e-14)
    assert_agree(ours.estimates, theirs, 1e-6)

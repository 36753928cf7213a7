"""Logistic and Poisson regression from one summed table of patterns (McCullagh and Nelder 1989, chapters 4 and 6).

Estimates are on the scale of the link: log odds, and log rates for each row. The fit starts where no one can choose,
and tells neither how it got where it ended nor the covariance of the estimates.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import mul

from query_engine.models.design import design_columns
from query_engine.models.elimination import check_independent
from query_engine.models.estimates import Estimate, to_figures
from query_engine.models.failures import Failure, ModelUndetermined
from query_engine.models.formula import Family, ModelFormula
from query_engine.models.likelihoods import LOGISTIC, POISSON, Likelihood
from query_engine.models.newton import Maximum, maximise
from query_engine.models.patterns import Pattern, PatternTable, tabulate_patterns
from query_engine.models.standardised import StandardisedDesign


@dataclass(frozen=True, slots=True)
class GeneralisedFit:
    """A fitted logistic or Poisson model. `rows` are those with a value of the outcome and of every term.

    The deviance of a logistic model is that of single rows. That of a Poisson model is of patterns, against a model
    with a rate for each of them: it depends on how values were grouped, and only its differences between models of the
    same patterns are as for single rows. `residual_df` is that of rows for both.
    """

    family: Family
    outcome: str
    estimates: tuple[Estimate, ...]
    rows: int = field(repr=False)
    residual_df: int = field(repr=False)
    deviance: float = field(repr=False)
    null_deviance: float = field(repr=False)


def fit_logistic(formula: ModelFormula, patterns: Iterable[Pattern]) -> GeneralisedFit:
    """The fit of a yes/no outcome: a pattern's total is its number of yes. Raises `ModelUndetermined`."""
    assert formula.family == "logistic", f"the formula is of a {formula.family} model"
    table = tabulate_patterns(formula, patterns)
    if not 0 < sum(table.totals) < sum(table.rows):
        raise ModelUndetermined(Failure.CONSTANT_OUTCOME, "the outcome is the same in every row: nothing varies")
    return _fit(formula, LOGISTIC, table)


def fit_poisson(formula: ModelFormula, patterns: Iterable[Pattern]) -> GeneralisedFit:
    """The fit of a count, each row being one unit of exposure. Raises `ModelUndetermined`."""
    assert formula.family == "poisson", f"the formula is of a {formula.family} model"
    table = tabulate_patterns(formula, patterns)
    if sum(table.totals) == 0:
        raise ModelUndetermined(Failure.CONSTANT_OUTCOME, "the outcome is 0 in every row: there is no rate to model")
    return _fit(formula, POISSON, table)


def _fit(formula: ModelFormula, likelihood: Likelihood, table: PatternTable) -> GeneralisedFit:
    rows, width = sum(table.rows), formula.width
    if rows <= width:
        raise ModelUndetermined(Failure.TOO_FEW_ROWS, "there are too few complete rows for so many design columns")
    _check_columns(formula, table)
    design = StandardisedDesign.of(table)
    maximum = maximise(likelihood, design, table)
    return GeneralisedFit(
        family=formula.family,
        outcome=formula.outcome.column,
        estimates=_estimates(formula, design, maximum),
        rows=rows,
        residual_df=rows - width,
        deviance=maximum.deviance,
        null_deviance=_null_deviance(likelihood, table),
    )


def _check_columns(formula: ModelFormula, table: PatternTable) -> None:
    """Raise `ModelUndetermined`, naming columns, where one is a combination of others; decided in whole numbers."""
    squares = [[sum(map(mul, first, second)) for second in table.columns] for first in table.columns]
    check_independent(squares, [each.label for each in design_columns(formula)])


def _estimates(formula: ModelFormula, design: StandardisedDesign, maximum: Maximum) -> tuple[Estimate, ...]:
    """The estimates in the units of the catalogue."""
    return tuple(
        Estimate(
            column.label,
            10**column.scale * sum(map(mul, contrast, maximum.coefficients)),
            to_figures(10**column.scale * maximum.information.deviation(contrast)),
        )
        for column, contrast in zip(design_columns(formula), design.contrasts(), strict=True)
    )


def _null_deviance(likelihood: Likelihood, table: PatternTable) -> float:
    """The deviance of a model without terms."""
    intercept = likelihood.start(sum(table.rows), sum(table.totals))
    return sum(likelihood.deviance(n, total, intercept) for n, total in zip(table.rows, table.totals, strict=True))

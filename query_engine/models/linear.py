"""Linear regression from sums: ordinary least squares, solved in whole numbers from X'X, X'y and y'y.

Sums over the rows of all nodes are the pooled sums, so the fit is the pooled fit, to the last bit. Nothing of the
covariance of the estimates is kept but their standard errors, to three figures.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import sqrt

from query_engine.models.design import Product, design_columns, outcome_column
from query_engine.models.elimination import Solution, contradiction, solve_exactly
from query_engine.models.estimates import Estimate, to_figures
from query_engine.models.failures import Failure, ModelUndetermined
from query_engine.models.formula import ModelFormula


@dataclass(frozen=True, slots=True)
class LinearFit:
    """A fitted linear model. `rows` are those with a value of the outcome and of every term."""

    outcome: str
    estimates: tuple[Estimate, ...]
    rows: int = field(repr=False)
    residual_df: int = field(repr=False)
    r_squared: float = field(repr=False)
    adjusted_r_squared: float = field(repr=False)
    residual_standard_error: float = field(repr=False)


def fit_linear(formula: ModelFormula, sums: Mapping[Product, int]) -> LinearFit:
    """The least-squares fit from the sum over rows of each of `cross_products(formula)`.

    Raises `ModelUndetermined` where the sums do not determine the model, or leave nothing unexplained, and
    `KeyError` where one is not there.
    """
    columns, outcome = design_columns(formula), outcome_column(formula)
    rows, width = sums[Product()], len(columns)
    if rows <= width:
        raise ModelUndetermined(Failure.TOO_FEW_ROWS, "there are too few complete rows for so many design columns")
    squares = [[_sum(sums, first.product, second.product) for second in columns] for first in columns]
    totals = [_sum(sums, each.product, outcome.product) for each in columns]
    solution = solve_exactly(squares, totals, [each.label for each in columns])
    total = sums[Product(outcome.columns * 2)]
    residual, spread = _residual(total, totals, solution), total - Fraction(totals[0] ** 2, rows)
    _check_spread(residual, spread)
    variance = residual / (rows - width)
    units = [Fraction(10) ** (each.scale - outcome.scale) for each in columns]
    return LinearFit(
        outcome=outcome.label,
        estimates=tuple(
            Estimate(column.label, float(unit * value), to_figures(float(unit) * sqrt(variance * diagonal)))
            for column, unit, value, diagonal in zip(columns, units, *_fractions(solution), strict=True)
        ),
        rows=rows,
        residual_df=rows - width,
        r_squared=float(1 - residual / spread),
        adjusted_r_squared=float(1 - variance / (spread / (rows - 1))),
        residual_standard_error=to_figures(sqrt(variance) / 10**outcome.scale),
    )


def _sum(sums: Mapping[Product, int], first: Product, second: Product) -> int:
    product = first.times(second)
    return 0 if product is None else sums[product]


def _fractions(solution: Solution) -> tuple[list[Fraction], list[Fraction]]:
    """The coefficients, and the diagonal of the inverse of X'X, in fixed-point units."""
    return (
        [Fraction(each, solution.determinant) for each in solution.solution],
        [Fraction(each, solution.determinant) for each in solution.diagonal],
    )


def _residual(total: int, totals: list[int], solution: Solution) -> Fraction:
    """The residual sum of squares, in fixed-point units."""
    explained = sum(each * value for each, value in zip(totals, solution.solution, strict=True))
    return total - Fraction(explained, solution.determinant)


def _check_spread(residual: Fraction, spread: Fraction) -> None:
    """Raise where nothing is left to estimate: with no residual, terms would tell each child's outcome."""
    if residual < 0:
        raise contradiction()
    if spread == 0:
        raise ModelUndetermined(Failure.CONSTANT_OUTCOME, "the outcome is the same in every row: nothing varies")
    if residual == 0:
        raise ModelUndetermined(Failure.EXACT_FIT, "the terms give the outcome of every row exactly: leave one out")

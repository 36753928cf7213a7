"""From the summed statistics of one cell to the column that was asked for, by whole-number arithmetic to the last step.

A spread or a regression is worked out from exact sums, so nothing is lost to rounding: the textbook formula loses
everything in binary fractions where the mean is large beside the spread, and nothing in whole numbers.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction

from query_engine.models.limbs import join_limbs
from query_engine.planning.plan import Output

MEAN_PLACES = 6
"""Decimal places of a figure that is not a sum. Disclosure control rounds further before anything is shown."""

_PRECISION = 60  # Enough for every quotient that is rounded: products of two sums have at most 39 digits.


def finalise(output: Output, figures: Mapping[str, int]) -> int | Decimal | None:
    """The value of one output column in one cell; None where there is nothing to divide by.

    `figures` holds the cell's statistics by name, summed over the roster or of one node. Sums of decimals come
    back in their own unit, with the column's decimal places; a mean of 0/1 values is a share from 0 to 1.
    Raises `ValueError` for a dimension, whose value is the cell's own category.
    """
    sums = [read_sum(name, figures) for name in output.statistics]
    match output.kind:
        case "dimension":
            raise ValueError(f"{output.label} is a dimension and has no figure")
        case "count" | "distinct" | "regr_count":
            return sums[0]
        case "sum":
            return _unscaled(sums[0], output.scale)
        case "quantile":
            return _quantile(output, sums)
        case kind:
            scales = tuple(each.scale for each in output.measures)
            try:
                return _rounded(_FORMULAS[kind](sums, scales))
            except ZeroDivisionError:
                return None


def read_sum(name: str, figures: Mapping[str, int]) -> int:
    """The sum of that name, put together where it was carried in two."""
    if name in figures:
        return figures[name]
    _, _, measure = name.partition(":")
    return join_limbs(figures[f"high:{measure}"], figures[f"low:{measure}"])


def _unscaled(total: int, scale: int) -> int | Decimal:
    if scale == 0:
        return total
    with localcontext(prec=_PRECISION):
        return Decimal(total).scaleb(-scale)


def _quantile(output: Output, counts: Sequence[int]) -> Decimal | None:
    """The middle of the first bin by whose end so large a share of the values has been met (SQL's PERCENTILE_DISC)."""
    wanted, met = (output.fraction or Decimal(0)) * sum(counts), 0
    for (first, last), count in zip(output.bins, counts, strict=True):
        met += count
        if count and met >= wanted:
            return (first + last) / 2
    return None


Exact = Fraction | Decimal
_Formula = Callable[[Sequence[int], Sequence[int]], Exact]


def _mean(sums: Sequence[int], scales: Sequence[int]) -> Exact:
    total, rows = sums[1], sums[0]
    return Fraction(total, rows * 10 ** scales[0])


def _weighted_mean(sums: Sequence[int], scales: Sequence[int]) -> Exact:
    weights, products = sums
    return Fraction(products, weights * 10 ** scales[0])


def _spread(degrees: int) -> _Formula:
    """The mean square deviation, over the rows less so many degrees of freedom."""

    def formula(sums: Sequence[int], scales: Sequence[int]) -> Exact:
        rows, total, squares = sums
        return Fraction(rows * squares - total * total, rows * (rows - degrees) * 10 ** (2 * scales[0]))

    return formula


def _deviation(degrees: int) -> _Formula:
    return lambda sums, scales: _root(_spread(degrees)(sums, scales))


def _covariance(degrees: int) -> _Formula:
    def formula(sums: Sequence[int], scales: Sequence[int]) -> Exact:
        rows, left, right, products = sums
        return Fraction(rows * products - left * right, rows * (rows - degrees) * 10 ** sum(scales))

    return formula


def _sum_of_products(sums: Sequence[int], scales: Sequence[int]) -> Exact:
    rows, left, right, products = sums
    return Fraction(rows * products - left * right, rows * 10 ** sum(scales))


def _sum_of_squares(side: int) -> _Formula:
    def formula(sums: Sequence[int], scales: Sequence[int]) -> Exact:
        rows, total, squares = sums
        return Fraction(rows * squares - total * total, rows * 10 ** (2 * scales[side]))

    return formula


def _average(side: int) -> _Formula:
    return lambda sums, scales: Fraction(sums[1], sums[0] * 10 ** scales[side])


def _slope(sums: Sequence[int], scales: Sequence[int]) -> Exact:
    rows, y, x, xy, xx = sums
    return Fraction(rows * xy - x * y, rows * xx - x * x) * Fraction(10) ** (scales[1] - scales[0])


def _intercept(sums: Sequence[int], scales: Sequence[int]) -> Exact:
    rows, y, x, xy, xx = sums
    return Fraction(y * xx - x * xy, rows * xx - x * x) * Fraction(10) ** -scales[0]


def _explained(sums: Sequence[int], scales: Sequence[int]) -> Exact:
    """The share of y's variation that the line explains; 1 where y does not vary at all, as SQL has it."""
    rows, y, x, xy, xx, yy = sums
    across, down = rows * xx - x * x, rows * yy - y * y
    if down == 0 and across:
        return Fraction(1)
    return Fraction((rows * xy - x * y) ** 2, across * down)


def _correlation(sums: Sequence[int], scales: Sequence[int]) -> Exact:
    rows, y, x, xy, xx, yy = sums
    together = rows * xy - x * y
    root = _root(Fraction(together * together, (rows * xx - x * x) * (rows * yy - y * y)))
    return root.copy_negate() if together < 0 else root


_FORMULAS: Mapping[str, _Formula] = {
    "mean": _mean,
    "weighted_mean": _weighted_mean,
    "variance": _spread(1),
    "variance_population": _spread(0),
    "deviation": _deviation(1),
    "deviation_population": _deviation(0),
    "covariance": _covariance(1),
    "covariance_population": _covariance(0),
    "correlation": _correlation,
    "regr_avgx": _average(1),
    "regr_avgy": _average(0),
    "regr_sxx": _sum_of_squares(1),
    "regr_syy": _sum_of_squares(0),
    "regr_sxy": _sum_of_products,
    "regr_slope": _slope,
    "regr_intercept": _intercept,
    "regr_r2": _explained,
}
"""Each takes the sums in the order of `measuring`'s formulas after the number of rows, and the scales of y (or the only
column) and x, and raises `ZeroDivisionError` where the figure has no meaning."""


def _root(number: Exact) -> Decimal:
    with localcontext(prec=_PRECISION):
        number = Fraction(number)
        return (Decimal(number.numerator) / Decimal(number.denominator)).sqrt()


def _rounded(exact: Exact) -> Decimal:
    with localcontext(prec=_PRECISION):
        places = Decimal(1).scaleb(-MEAN_PLACES)
        number = Decimal(exact.numerator) / Decimal(exact.denominator) if isinstance(exact, Fraction) else exact
        return number.quantize(places, rounding=ROUND_HALF_EVEN)

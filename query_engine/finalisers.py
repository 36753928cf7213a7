"""From the summed statistics of one cell to the column that was asked for."""

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

from query_engine.plan import Output

MEAN_PLACES = 6
"""Decimal places of a mean. Disclosure control rounds further before anything is shown."""

_PRECISION = 60  # Figures are whole numbers below 2**64, so 60 digits hold every quotient to be rounded.


def finalise(output: Output, figures: Mapping[str, int]) -> int | Decimal | None:
    """The value of one output column in one cell; None where a mean has nothing to divide by.

    `figures` holds the cell's statistics by name, summed over the roster or of one node. Sums of decimals come
    back in their own unit, with the column's decimal places; a mean of 0/1 values is a share from 0 to 1.
    Raises `ValueError` for a dimension, whose value is the cell's own category.
    """
    match output.kind:
        case "count" | "distinct":
            return figures[output.statistics[0]]
        case "sum":
            return _unscaled(figures[output.statistics[0]], output.scale)
        case "mean":
            total, count = (figures[name] for name in output.statistics)
            return _mean(total, count, output.scale)
        case "dimension":
            raise ValueError(f"{output.label} is a dimension and has no figure")


def _unscaled(total: int, scale: int) -> int | Decimal:
    if scale == 0:
        return total
    with localcontext(prec=_PRECISION):
        return Decimal(total).scaleb(-scale)


def _mean(total: int, count: int, scale: int) -> Decimal | None:
    if count == 0:
        return None
    with localcontext(prec=_PRECISION):
        mean = Decimal(total).scaleb(-scale) / Decimal(count)
        return mean.quantize(Decimal(1).scaleb(-MEAN_PLACES), rounding=ROUND_HALF_EVEN)

"""The intervals that margins of error are made of: textbook formulas, in numbers alone.

What goes into them is for the caller to choose, and must be released figures: `precision` for tables, `models`
for models. Rounded outward, they then tell nothing that is not printed beside them.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal, localcontext
from math import atanh, sqrt, tanh
from statistics import NormalDist

Ends = tuple[float, float]
"""The low and the high end of an interval."""

CONFIDENCE = 0.95
_PRECISION = 60
_NORMAL = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


def cut_to_figures(number: float, figures: int) -> Decimal:
    """A positive number with so many significant figures; the last of them gives its place."""
    return Decimal(f"{number:.{figures - 1}e}")


def cut_to_place(number: float | Decimal, place: Decimal, rounding: str = ROUND_HALF_UP) -> Decimal:
    """A number with its last figure at the place of `place`'s, and no sign on a zero."""
    with localcontext(prec=_PRECISION):
        cut = Decimal(number).quantize(Decimal(1).scaleb(int(place.as_tuple().exponent)), rounding=rounding)
    return abs(cut) if cut == 0 else cut


def interval(estimate: Decimal, standard_error: Decimal, degrees: int | None = None) -> tuple[Decimal, Decimal]:
    """The 95% interval of an estimate: of Student's t with those degrees of freedom, or of the normal distribution."""
    return interval_of(estimate, standard_error, _NORMAL if degrees is None else student_quantile(degrees))


def interval_of(estimate: Decimal, standard_error: Decimal, quantile: float) -> tuple[Decimal, Decimal]:
    """The interval of so many standard errors around an estimate, rounded outward to the place where those end."""
    half = standard_error * Decimal(quantile)
    low, high = estimate - half, estimate + half
    return cut_to_place(low, standard_error, ROUND_FLOOR), cut_to_place(high, standard_error, ROUND_CEILING)


def student_quantile(degrees: int) -> float:
    """The 97.5% quantile of Student's t, to one part in 100,000 from ten degrees of freedom on.

    Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.5 (Fisher and Cornish's expansion).
    """
    z, n = _NORMAL, degrees
    return (
        z
        + (z**3 + z) / (4 * n)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3)
        + (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92160 * n**4)
    )


def poisson_interval(least: int, most: int) -> Ends:
    """The interval of the number to be expected where between `least` and `most` were counted.

    Source: Byar's approximation, in Breslow and Day, Statistical Methods in Cancer Research II (1987), p. 69; English
    public health statistics use it (Office for Health Improvement and Disparities, Technical Guide: Confidence
    Intervals). Of a count of 10 or more it is within 0.1% of the exact interval.
    """
    low = least * (1 - 1 / (9 * least) - _NORMAL / (3 * sqrt(least))) ** 3 if least else 0.0
    after = most + 1
    return max(0.0, low), after * (1 - 1 / (9 * after) + _NORMAL / (3 * sqrt(after))) ** 3


def wilson_interval(share: float, number: float) -> Ends:
    """The interval of a share of `number` who answered.

    Source: Wilson, Journal of the American Statistical Association 22 (1927); the Technical Guide named above.
    """
    spread = _NORMAL * sqrt(4 * number * share * (1 - share) + _NORMAL**2)
    middle, width = 2 * number * share + _NORMAL**2, 2 * (number + _NORMAL**2)
    return max(0.0, (middle - spread) / width), min(1.0, (middle + spread) / width)


def correlation_interval(correlation: float, number: int) -> Ends:
    """The interval of a correlation over so many rows, at least 4.

    Source: Fisher, Metron 1 (1921): the inverse hyperbolic tangent has a standard error of 1 / sqrt(n - 3).
    """
    if abs(correlation) >= 1:
        return correlation, correlation
    middle, half = atanh(correlation), _NORMAL / sqrt(number - 3)
    return tanh(middle - half), tanh(middle + half)


def variance_factors(number: int) -> Ends:
    """What a sum of squares about the mean of so many rows is multiplied by for the interval of the variance.

    The values are taken to be normal, and the rows to be at least 6. Source: the chi-squared quantiles of Wilson and
    Hilferty, Proceedings of the National Academy of Sciences 17 (1931), within 1% from 5 degrees of freedom on.
    """
    degrees = number - 1
    part = 2 / (9 * degrees)
    low, high = (degrees * (1 - part + end * sqrt(part)) ** 3 for end in (_NORMAL, -_NORMAL))
    return 1 / low, 1 / high

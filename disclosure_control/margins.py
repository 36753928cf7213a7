"""Margins of error from released figures alone, rounded outward, so that they tell nothing that is not beside them."""

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal, localcontext
from statistics import NormalDist

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
    """The 95 % interval of an estimate: of Student's t with those degrees of freedom, or of the normal distribution."""
    half = standard_error * Decimal(_NORMAL if degrees is None else student_quantile(degrees))
    low, high = estimate - half, estimate + half
    return cut_to_place(low, standard_error, ROUND_FLOOR), cut_to_place(high, standard_error, ROUND_CEILING)


def student_quantile(degrees: int) -> float:
    """The 97.5 % quantile of Student's t, to one part in 100,000 from ten degrees of freedom on.

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

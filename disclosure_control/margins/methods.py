"""How the margin of error of each kind of figure is worked out from the released figures of its row.

| figure | margin |
|---|---|
| count | Byar's interval of the number to be expected |
| share of yes | Wilson's interval, where the row counts those who answered |
| average | Student's t, with a spread of the same rows in the row, otherwise with the greatest that bounds allow |
| median, quantile | the bin that it is in |
| standard deviation, variance | chi-squared, as of normal rows; of noised rows, with their average in the row |
| correlation, R squared | Fisher's z |
| slope | Student's t, with the correlation of the same rows in the row |

In a noised total medians, correlations and lines have methods of their own: `noised`.

In a noised total the figure before chance is one that noise may have moved: the margin is the widest of those whose
noise lies within the 95% that the terms of the release give. Widths are added up, so that both together are within it
19 times in 20 and more.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from math import sqrt
from types import MappingProxyType

from disclosure_control.margins.intervals import (
    Ends,
    correlation_interval,
    poisson_interval,
    student_quantile,
    variance_factors,
    wilson_interval,
)
from disclosure_control.margins.noised import NOISY_METHODS
from disclosure_control.margins.released_row import MarginMissing, ReleasedRow, Rows
from disclosure_control.rows.protected_table import figure_range, measure_ends
from disclosure_control.rows.rounding import is_count, is_of_counts, round_to_base
from query_engine.planning.plan import Output

__all__ = ["METHODS", "SPREADS", "WITHHELD", "find_ends"]

SPREADS = ("deviation", "deviation_population", "variance", "variance_population")
"""The kinds of figures that say how far values lie apart."""

WITHHELD = "there is no figure"
"""Why a figure that is withheld has no margin."""


def find_ends(output: Output, row: ReleasedRow) -> Ends:
    """The ends of a released figure's margin, before they are rounded. Raises `MarginMissing`."""
    value = row.number(output)
    if value is None:
        raise MarginMissing(WITHHELD)
    method = _method(output)
    return (NOISY_METHODS if row.noise is not None and method in NOISY_METHODS else METHODS)[method](output, value, row)


def _method(output: Output) -> str:
    """Which method is a figure's: of yes and no alone, an average is a share, and the rest are figures of shares."""
    if is_count(output):
        return "count"
    if not is_of_counts(output):
        return output.kind
    return "share" if output.kind in ("mean", "regr_avgx", "regr_avgy") else "of yes and no"


def _count(output: Output, value: float, row: ReleasedRow) -> Ends:
    return poisson_interval(*row.printed_as(value, output.counted or output.statistics[0]))


def _share(output: Output, value: float, row: ReleasedRow) -> Ends:
    """From the fewest yes of the most rows that are released so, to the most yes of the fewest."""
    rows, half, yes = row.rows_behind(output), row.half_place(output), output.statistics[-1]
    least, greatest = (round_to_base(Decimal((value + end) * rows.released), row.base) for end in (-half, half))
    fewest, most = row.printed_as(max(0, least), yes)[0], min(row.printed_as(greatest, yes)[1], rows.fewest)
    return wilson_interval(fewest / rows.most, rows.most)[0], wilson_interval(most / rows.fewest, rows.fewest)[1]


def _mean(output: Output, value: float, row: ReleasedRow) -> Ends:
    """The average give or take its error, the printing of its last place, and no further than a value can be."""
    rows = row.rows_behind(output)
    measure = output.measures[1 if output.kind == "regr_avgx" else 0]
    least, greatest = map(float, measure_ends(measure, row.plan))
    low, high = _before_noise(output, value, rows, row)
    spread = _released_spread(output, row)
    if spread is None:
        middle = min(max((least + greatest) / 2, low), high)
        spread = sqrt(max(0.0, (greatest - middle) * (middle - least)))  # Bhatia and Davis, 2000
    error = student_quantile(rows.fewest - 1) * spread / sqrt(rows.fewest - 1)
    return max(least, low - error), min(greatest, high + error)


def _before_noise(output: Output, value: float, rows: Rows, row: ReleasedRow) -> Ends:
    """The least and greatest average that is released as this one: its last place, and its noise if it has any."""
    half = row.half_place(output)
    low, high = value - half, value + half
    if row.noise is None:
        return low, high
    number, total = output.statistics[:2]
    unit = 10.0 ** -output.measures[1 if output.kind == "regr_avgx" else 0].scale
    noise, middle = row.noise_of(total) * unit, row.middle_of(total, number) * unit
    ends = ((low - middle) * rows.released - noise, (high - middle) * rows.released + noise)
    numbers = (rows.fewest, rows.most)
    return middle + min(ends[0] / each for each in numbers), middle + max(ends[1] / each for each in numbers)


def _released_spread(output: Output, row: ReleasedRow) -> float | None:
    """The greatest deviation that is released so, of the same values of the same rows; none that noise has moved."""
    if row.noise is not None:
        return None
    found = row.beside(SPREADS, lambda other: other.statistics[:2] == output.statistics)
    if found is None:
        return None
    spread, value = found
    most = value + row.half_place(spread)
    return most if spread.kind.startswith("deviation") else sqrt(most)


def _quantile(output: Output, value: float, row: ReleasedRow) -> Ends:
    for first, last in output.bins:
        if float(first + last) / 2 == value:
            return float(first), float(last)
    raise MarginMissing("it is the middle of none of the plan's bins")


def _spread(output: Output, value: float, row: ReleasedRow) -> Ends:
    return _variance(output, value, row) if row.noise is None else _noisy_variance(output, value, row)


def _noisy_variance(output: Output, value: float, row: ReleasedRow) -> Ends:
    """All sums of squares that noise may have led from to this spread, by chi-squared."""
    rows = row.rows_behind(output)
    squares = _squares_before_noise(output, value, rows, row)
    factors = [variance_factors(number) for number in (rows.fewest, rows.most)]
    root = 1 if output.kind.startswith("variance") else 0.5
    low, high = min(least for least, _ in factors), max(most for _, most in factors)
    return (squares[0] * low) ** root, (squares[1] * high) ** root


def _squares_before_noise(output: Output, value: float, rows: Rows, row: ReleasedRow) -> Ends:
    """The least and greatest sum of squares about the average that may lie behind a noised spread.

    The noised one follows from the spread; the sum, from the average beside it, both about the middle about which they
    were noised. The sum of squares, the sum and the number of rows are each taken as far off as their noise may well
    be: the farther the average is from the middle, the more the noise in the sum and in the number matters.
    """
    found = row.beside({"mean"}, lambda other: other.statistics == output.statistics[:2])
    if found is None:
        raise MarginMissing("ask for AVG of the same values beside it")
    of_sum, of_squares = (
        row.noise_of(name) / 10 ** (times * output.measures[0].scale)
        for times, name in enumerate(output.statistics[1:], start=1)
    )
    middle = row.middle_of(output.statistics[1], output.statistics[0]) / 10 ** output.measures[0].scale
    total = (abs(found[1] - middle) + row.half_place(found[0])) * rows.released
    about, half = total**2 / rows.released, row.half_place(output)
    least, greatest = (_squares_released(output, value + end, rows.released) for end in (-half, half))
    low = least - of_squares + about - (total + of_sum) ** 2 / rows.fewest
    high = greatest + of_squares + about - max(0.0, total - of_sum) ** 2 / rows.most
    if low <= 0 or _is_at_an_end(output, value, row) or _is_at_an_end(*found, row):
        raise MarginMissing("the noise in it leaves nothing to go by; ask for it over more rows")
    return low, high


def _squares_released(output: Output, value: float, number: int) -> float:
    """The sum of squares about the average that a spread of so many rows is worked out from."""
    variance = max(0.0, value) ** (1 if output.kind.startswith("variance") else 2)
    return variance * (number if output.kind.endswith("_population") else number - 1)


def _is_at_an_end(output: Output, value: float, row: ReleasedRow) -> bool:
    """Whether a figure stands where those stand that noise has moved beyond what they can be."""
    low, high = map(float, figure_range(output, row.plan))
    return not low + row.half_place(output) < value < high - row.half_place(output)


def _variance(output: Output, value: float, row: ReleasedRow) -> Ends:
    """The sum of squares that is released as this spread, of the fewest and of the most rows, by chi-squared."""
    rows, half, power = row.rows_behind(output), row.half_place(output), 1 if output.kind.startswith("variance") else 2
    ends: list[float] = []
    for number in (rows.fewest, rows.most):
        rounded = round_to_base(number, row.preset.rounding_base)
        squares = number if output.kind.endswith("_population") else number * (rounded - 1) / rounded
        for printed, factor in zip((max(0.0, value - half), value + half), variance_factors(number), strict=True):
            ends.append((printed**power * squares * factor) ** (1 / power))
    return min(ends), max(ends)


def _correlation(output: Output, value: float, row: ReleasedRow) -> Ends:
    fewest = row.rows_behind(output).fewest
    half = row.half_place(output)
    return (
        correlation_interval(max(-1.0, value - half), fewest)[0],
        correlation_interval(min(1.0, value + half), fewest)[1],
    )


def _explained(output: Output, value: float, row: ReleasedRow) -> Ends:
    """The squares of the correlations that may be, of either sign: from 0 where both may."""
    fewest = row.rows_behind(output).fewest
    half = row.half_place(output)
    low, _ = correlation_interval(sqrt(max(0.0, value - half)), fewest)
    _, high = correlation_interval(sqrt(min(1.0, value + half)), fewest)
    return max(0.0, low) ** 2, high**2


def _slope(output: Output, value: float, row: ReleasedRow) -> Ends:
    """The slope's standard error is |b| sqrt((1 / r^2 - 1) / (n - 2)), r being at the end nearer to 0."""
    fewest = row.rows_behind(output).fewest
    found = row.beside({"correlation", "regr_r2"}, lambda other: {*output.statistics} <= {*other.statistics})
    if found is None:
        raise MarginMissing("ask for CORR of the same two beside it")
    other, released = found
    least = max(0.0, abs(released) - row.half_place(other))
    squared = least if other.kind == "regr_r2" else least**2
    if squared == 0:
        raise MarginMissing("the correlation is too near 0 to tell the error of the slope")
    half = row.half_place(output)
    error = (abs(value) + half) * sqrt((1 / squared - 1) / (fewest - 2))
    width = student_quantile(fewest - 2) * error + half
    return value - width, value + width


def _without(reason: str) -> "_Formula":
    def refuse(output: Output, value: float, row: ReleasedRow) -> Ends:
        raise MarginMissing(reason)

    return refuse


_Formula = Callable[[Output, float, ReleasedRow], Ends]

METHODS: Mapping[str, _Formula] = MappingProxyType(
    {
        "count": _count,
        "share": _share,
        **dict.fromkeys(("mean", "regr_avgx", "regr_avgy"), _mean),
        "quantile": _quantile,
        **dict.fromkeys(SPREADS, _spread),
        "correlation": _correlation,
        "regr_r2": _explained,
        "regr_slope": _slope,
        "of yes and no": _without("it is a figure of shares; ask for those with AVG, which have margins"),
        "sum": _without("a total has none of its own; ask for AVG and a count, which have"),
        "weighted_mean": _without("the spread of the weights is not released; ask for AVG without them, which has one"),
        "regr_intercept": _without("the height at 0 may be far from the data; ask for REGR_AVGY, which has one"),
        **dict.fromkeys(("covariance", "covariance_population", "regr_sxy"), _without("ask for CORR, which has one")),
        **dict.fromkeys(("regr_sxx", "regr_syy"), _without("ask for STDDEV of the same column, which has one")),
        "model": _without("a model's estimates have margins in its own release"),
    }
)
"""Every kind of figure with what gives the ends of its margin its row being released; it raises `MarginMissing`."""

"""Margins of the figures of a noised total that rest on several sums: lines, correlations and quantiles.

Such a figure does not tell the sums behind it, so a noised total is released with those: they hold the noise already,
and tell nothing more than it lets them. From the sums and the spread of their noise, which is public, follows how far
chance and noise together may have moved the figure.

| figure | margin |
|---|---|
| slope, intercept | least squares; the error of chance, and to the first order that of noise, as of a model |
| correlation, R squared | Fisher's z, with the error that noise adds to the first order |
| median, quantile | all bins in which it may well be, by the share of values up to each end (Woodruff, JASA 47, 1952) |

The first order is enough where the noise is small beside what it is in; elsewhere there is no margin. Widths are of
2.118 standard errors at least: 19 in 20 of Laplace noise lie within so many, and more of anything that is added to it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from math import atanh, hypot, sqrt, tanh
from types import MappingProxyType

from disclosure_control.margins.intervals import Ends, student_quantile
from disclosure_control.margins.released_row import FEWEST_ROWS, MarginMissing, ReleasedRow
from disclosure_control.noise.calibration import LAPLACE
from disclosure_control.noise.figures import LARGEST_SHARE
from query_engine.models.noised import Place, find_noise_at
from query_engine.planning.plan import Output, QueryPlan

__all__ = ["NOISY_METHODS", "sums_told"]

_DROWNED = "the noise in it leaves nothing to go by; ask for it over more rows"

_LINES = ("regr_slope", "regr_intercept")
_CORRELATIONS = ("correlation", "regr_r2")


def sums_told(plan: QueryPlan) -> frozenset[str]:
    """The statistics that a noised total of a plan is released with, for the margins of its figures."""
    return frozenset(name for each in plan.outputs if each.kind in NOISY_METHODS for name in each.statistics)


def _slope(output: Output, value: float, row: ReleasedRow) -> Ends:
    return _line(output, value, row, 1)


def _intercept(output: Output, value: float, row: ReleasedRow) -> Ends:
    return _line(output, value, row, 0)


def _line(output: Output, value: float, row: ReleasedRow, place: int) -> Ends:
    """A coefficient give or take its error, and the printing of its last place."""
    rows, y, x, xy, xx, yy = names = (*output.statistics, _squares_of_y(output, row))
    found = _sums(names, row)
    _check_rows(found[0] - 2)
    scales = [each.scale for each in output.measures]
    sums = dict(zip(names, map(float, found), strict=True))
    layout = [[rows, x, y], [x, xx, xy], [y, xy, yy]]
    places: dict[str, list[Place]] = {}
    for i, j in ((0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (2, 2)):
        for source, times in row.centred[layout[i][j]].made_of.items():
            places.setdefault(source, []).append((i, j, float(times)))
    units = [10.0 ** -scales[0], 10.0 ** (scales[1] - scales[0])]
    noise = find_noise_at([[sums[name] for name in line] for line in layout], places, row.spreads, units)
    if noise is None or max(noise.information, noise.residual) >= LARGEST_SHARE:
        raise MarginMissing(_DROWNED)
    chance = _errors_of_chance(*found)[place] * units[place]
    quantile = max(LAPLACE, student_quantile(found[0] - 2))
    half = quantile * hypot(chance, noise.estimates[place]) + row.half_place(output)
    return value - half, value + half


def _squares_of_y(output: Output, row: ReleasedRow) -> str:
    """The sum of squares of y, which a line does not need and a correlation of the same two does."""
    for each in row.plan.outputs:
        if each.kind in _CORRELATIONS and {*output.statistics} <= {*each.statistics}:
            alike = each.statistics[:5] == output.statistics
            return each.statistics[5 if alike else 4]
    raise MarginMissing("ask for CORR of the same two beside it")


def _errors_of_chance(rows: int, y: int, x: int, xy: int, xx: int, yy: int) -> tuple[float, float]:
    """The standard errors of intercept and slope by least squares, in the units of the sums."""
    across, together, down = rows * xx - x * x, rows * xy - x * y, rows * yy - y * y
    residual = (down - together * together / across) / rows
    variance = residual / (rows - 2)
    return sqrt(variance * xx / across), sqrt(variance * rows / across)


def _correlation(output: Output, value: float, row: ReleasedRow) -> Ends:
    low, high = _ends_of_correlation(output, row)
    half = row.half_place(output)
    return max(-1.0, low - half), min(1.0, high + half)


def _explained(output: Output, value: float, row: ReleasedRow) -> Ends:
    """The squares of the correlations that may be: from 0 where both signs may."""
    ends = _ends_of_correlation(output, row)
    low, high = sorted(map(abs, ends))
    half = row.half_place(output)
    return max(0.0, (0.0 if ends[0] < 0 < ends[1] else low * low) - half), min(1.0, high * high + half)


def _ends_of_correlation(output: Output, row: ReleasedRow) -> Ends:
    """Fisher's interval, with the variance of noise beside that of chance."""
    rows, y, x, xy, xx, yy = names = output.statistics
    n, of_y, of_x, both, of_xx, of_yy = map(float, _sums(names, row))
    _check_rows(n)
    mean_x, mean_y = of_x / n, of_y / n
    across, down, together = of_xx - of_x * mean_x, of_yy - of_y * mean_y, both - of_x * mean_y
    if across <= 0 or down <= 0 or together * together >= across * down:
        raise MarginMissing(_DROWNED)
    size, r = sqrt(across * down), together / sqrt(across * down)
    moved_across = _scaled(1 / across, (rows, mean_x**2), (x, -2 * mean_x), (xx, 1.0))
    moved_down = _scaled(1 / down, (rows, mean_y**2), (y, -2 * mean_y), (yy, 1.0))
    moved = _scaled(1 / size, (rows, mean_x * mean_y), (x, -mean_y), (y, -mean_x), (xy, 1.0))
    less = ((name, -r / 2 * to) for of in (moved_across, moved_down) for name, to in of.items())
    by = _scaled(1.0, *moved.items(), *less)
    noise = row.spread_of(by) / (1 - r * r)
    if max(row.spread_of(moved_across), row.spread_of(moved_down), noise) >= LARGEST_SHARE:
        raise MarginMissing(_DROWNED)
    half = LAPLACE * hypot(1 / sqrt(n - 3), noise)
    return tanh(atanh(r) - half), tanh(atanh(r) + half)


def _quantile(output: Output, value: float, row: ReleasedRow) -> Ends:
    """From the first bin that it may well be in to the last: those whose ends are on either side of it, by the sums."""
    names = output.statistics
    last = len(names) - 1
    beyond = [_BEFORE_ALL, *_ends_beyond(_sums(names, row), float(output.fraction or 0), row.spreads[names[0]])]
    may = [
        place
        for place in range(last + 1)
        if beyond[place] <= LAPLACE and (place == last or beyond[place + 1] >= -LAPLACE)
    ]
    if not may:
        raise MarginMissing(_DROWNED)
    return float(output.bins[may[0]][0]), float(output.bins[may[-1]][1])


_BEFORE_ALL = float("-inf")
"""Where the first bin begins: no value is below it."""


def _ends_beyond(counts: Sequence[int], share: float, noise: float) -> Iterator[float]:
    """Of each bin's end, by how many standard errors the values up to it are more than the share that is wanted."""
    number, bins = sum(counts), len(counts)
    chance = share * (1 - share) * max(1.0, number + LAPLACE * noise * sqrt(bins))
    for place, met in enumerate(accumulate(counts), start=1):
        variance = chance + noise**2 * ((1 - share) ** 2 * place + share**2 * (bins - place))
        yield (met - share * number) / sqrt(variance)


def _sums(names: Sequence[str], row: ReleasedRow) -> list[int]:
    """The noised sums behind a figure. Raises `MarginMissing` where they are not released."""
    if not row.sums.keys() >= set(names):
        raise MarginMissing("the sums behind it are not released, and how the noise moved it does not follow without")
    return [row.sums[name] for name in names]


def _check_rows(number: float) -> None:
    """Raise `MarginMissing` where there are too few rows for the approximations."""
    if number < FEWEST_ROWS:
        raise MarginMissing("the count of the same rows is too small")


def _scaled(by: float, *moved: tuple[str, float]) -> dict[str, float]:
    """By how much something moves with each sum, times a factor; of yes/no a sum is its own sum of squares."""
    found: dict[str, float] = {}
    for name, to in moved:
        found[name] = found.get(name, 0.0) + by * to
    return found


NOISY_METHODS: Mapping[str, Callable[[Output, float, ReleasedRow], Ends]] = MappingProxyType(
    {
        "regr_slope": _slope,
        "regr_intercept": _intercept,
        "correlation": _correlation,
        "regr_r2": _explained,
        "quantile": _quantile,
    }
)
"""The kinds of figures of which a noised total is released with the sums, and the method of each."""

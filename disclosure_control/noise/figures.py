"""From the noised sums of one cell to the figures that are printed.

Whatever is worked out from noised sums is as private as they are, so nothing here protects anybody. What is left to do
is to print nothing that means nothing:

- a count or a sum is the noised one, whole; it can be negative, since cutting it off at 0 would make sums of many cells
  too large;
- a figure that is divided by something is printed where that is larger than `RELIABLE` times the noise that it may well
  hold, and is `u` (of low reliability) elsewhere. It is not `c`: nobody is hidden there who is not hidden everywhere;
- a share, an average, a spread or a correlation that noise has pushed beyond what it can be is moved to the nearer end.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from math import ceil, isqrt, sqrt
from types import MappingProxyType

from disclosure_control.noise.calibration import LAPLACE
from disclosure_control.presets.shipped import Preset
from disclosure_control.rows.protected_table import figure_range
from disclosure_control.rows.rounding import cut, decimal_places
from disclosure_control.symbols import Symbol, Value
from query_engine.finalisers import finalise
from query_engine.planning.plan import Output, QueryPlan

__all__ = ["LARGEST_SHARE", "RELIABLE", "NoisyFigures", "print_figure"]

RELIABLE = 2
"""By how many times the half-width of its noise a divisor must exceed 0: the true one is then half of it or more."""

LARGEST_SHARE = 1 / (LAPLACE * RELIABLE)
"""The same of a standard deviation, as a share of what the noise is in: 19 times in 20 the noise is less than half."""

_PRECISION = 60  # A sum of squares can have more figures than the 28 that arithmetic keeps unasked.

_UNDIVIDED = frozenset({"count", "distinct", "regr_count", "sum"})


@dataclass(frozen=True, slots=True)
class NoisyFigures:
    """The noised statistics of one cell: about 0, and as they were opened, about the middles of their columns.

    `noise` is how far the noise in each opened one may well lie from 0.
    """

    sums: Mapping[str, int]
    opened: Mapping[str, int]
    noise: Mapping[str, int]


def print_figure(output: Output, figures: NoisyFigures, plan: QueryPlan, preset: Preset) -> Value:
    """What is printed of one figure of one cell."""
    with localcontext(prec=_PRECISION):
        if output.kind not in _UNDIVIDED and any(each.is_drowned for each in _divisors(output, figures)):
            return Symbol.UNRELIABLE
        value = finalise(output, figures.sums)
        if value is None:
            return Symbol.UNRELIABLE
        if output.kind not in _UNDIVIDED:
            low, high = figure_range(output, plan)
            value = min(max(Decimal(value), low), high)
        return cut(value, decimal_places(output, preset))


@dataclass(frozen=True, slots=True)
class _Divisor:
    """What a figure is divided by, with the noise that it may well hold."""

    value: int
    noise: int

    @property
    def is_drowned(self) -> bool:
        """Whether the noise could be as large as what it hides, or nearly."""
        return self.value <= RELIABLE * self.noise


def _divisors(output: Output, figures: NoisyFigures) -> Iterator[_Divisor]:
    """All that must be well above 0 for a figure to have a meaning: the number of rows or weights, and spreads."""
    if output.kind == "quantile":
        sums, noise = ([of[name] for name in output.statistics] for of in (figures.sums, figures.noise))
        yield _Divisor(sum(sums), ceil(max(noise) * sqrt(len(noise))))
        return
    names = output.statistics
    yield _Divisor(figures.sums[names[0]], figures.noise[names[0]])
    for total, squares in _SPREADS.get(output.kind, ()):
        yield _spread(names[0], names[total], names[squares], figures)


def _spread(rows: str, total: str, squares: str, figures: NoisyFigures) -> _Divisor:
    """The number of rows times the sum of squares, less the square of the sum; its noise to the first order.

    It is the same number about the middles, where the noise in each is its own: what the three move adds up as
    variances do.
    """
    n, s, q = (figures.opened[name] for name in (rows, total, squares))
    moved = n * figures.noise[squares], q * figures.noise[rows], 2 * s * figures.noise[total]
    return _Divisor(n * q - s * s, isqrt(sum(each * each for each in moved)) + 1)


_OF_ONE = ((1, 2),)
_OF_X = ((2, 4),)
_SPREADS: Mapping[str, tuple[tuple[int, int], ...]] = MappingProxyType(
    {
        **dict.fromkeys(("variance", "variance_population", "deviation", "deviation_population"), _OF_ONE),
        **dict.fromkeys(("regr_slope", "regr_intercept"), _OF_X),
        **dict.fromkeys(("correlation", "regr_r2"), (*_OF_X, (1, 5))),
    }
)
"""Of each kind the places, among its statistics, of the sum and the sum of squares of what must vary."""

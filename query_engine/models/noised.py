"""A linear model from sums that hold noise of a known spread: how far the noise may have moved each estimate.

Least squares from noised sums is the fit that noise allows (Vu and Slavkovic, Differential Privacy for Clinical Trial
Data, ICDM Workshops 2009; Wang, Revisiting Differentially Private Linear Regression, UAI 2018). To the first order an
estimate moves in proportion to the noise in each sum: by (X'X)^-1 (N_y - N_x b), where N_x is the noise in X'X, N_y
that in X'y and b the estimates (the delta method; Evans and King, Statistically Valid Inferences from Differentially
Private Data Releases, Political Analysis 31, 2023). All of it is worked out from noised sums and tells no more.

The first order is enough where the noise is small beside the information itself. How small is measured as the whole of
L^-1 N_x L^-T, L being the triangular factor of X'X: where that is below some q, the true information lies between 1 - q
and 1 + q times the noised one, whatever the units of the columns.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations_with_replacement, product
from math import fsum, hypot, sqrt
from typing import TypeVar

from query_engine.models.cholesky import Cholesky, NotDefinite
from query_engine.models.design import Product, design_columns, outcome_column
from query_engine.models.formula import ModelFormula

__all__ = ["NoiseInFit", "Place", "find_noise", "find_noise_at"]

Vector = list[float]

Place = tuple[int, int]
"""A row and a column of the cross-products of a design and its outcome, which comes last: of the lower half."""

_Sum = TypeVar("_Sum", bound=Hashable)


@dataclass(frozen=True, slots=True)
class NoiseInFit:
    """Standard deviations of what noise did to a fit.

    `estimates` has that of each estimate, in its unit. `information` is how large the noise is beside X'X, `residual`
    beside the residual sum of squares and `spread` beside the outcome's sum of squares about its mean: each as a share.
    """

    estimates: tuple[float, ...] = field(repr=False)
    information: float = field(repr=False)
    residual: float = field(repr=False)
    spread: float = field(repr=False)


def find_noise(formula: ModelFormula, sums: Mapping[Product, int], noise: Mapping[Product, float]) -> NoiseInFit | None:
    """What noise of these standard deviations did to the fit of these sums; None where no rows could have the sums.

    The sums are in fixed-point units, and so is the noise of each.
    """
    columns = [*design_columns(formula), outcome_column(formula)]
    units = [10.0 ** (each.scale - columns[-1].scale) for each in columns[:-1]]
    return find_noise_at(_places([each.product for each in columns]), sums, noise, units)


def find_noise_at(
    places: Mapping[_Sum, Sequence[Place]],
    sums: Mapping[_Sum, int],
    noise: Mapping[_Sum, float],
    units: Sequence[float],
) -> NoiseInFit | None:
    """The same of sums that stand at these places; an estimate is in so many of its `units`."""
    held = {each: found for each, found in places.items() if noise.get(each)}
    scaled = _Scaled.of(places, sums, len(units) + 1)
    if scaled is None:
        return None
    moved = {each: scaled.moved_by(found) for each, found in held.items()}
    return NoiseInFit(
        estimates=tuple(
            unit * hypot(*(noise[each] * shift[place] for each, shift in moved.items()))
            for place, unit in enumerate(units)
        ),
        information=hypot(*(noise[each] * scaled.share_moved_by(found) for each, found in held.items())),
        residual=hypot(*(noise[each] * scaled.residual_moved_by(found) for each, found in held.items()))
        / scaled.residual,
        spread=hypot(*(noise[each] * scaled.spread_moved_by(found) for each, found in held.items())) / scaled.spread,
    )


def _places(products: Sequence[Product]) -> dict[Product, list[Place]]:
    """Where the sum of each product stands."""
    found: dict[Product, list[Place]] = {}
    for j, i in combinations_with_replacement(range(len(products)), 2):
        both = products[i].times(products[j])
        if both is not None:
            found.setdefault(both, []).append((i, j))
    return found


@dataclass(frozen=True, slots=True)
class _Scaled:
    """The cross-products in units in which the diagonal is 1, and what follows from them. The outcome is last.

    `units` are those of the columns, `inverse` is that of X'X and `estimates` are the coefficients, in those units.
    """

    units: Vector
    inverse: list[Vector]
    estimates: Vector
    mean: float
    residual: float
    spread: float

    @classmethod
    def of(cls, places: Mapping[_Sum, Sequence[Place]], sums: Mapping[_Sum, int], size: int) -> "_Scaled | None":
        """The scaled form of sums, or None where no rows could have them."""
        raw = [[0.0] * size for _ in range(size)]
        for each, found in places.items():
            for i, j in found:
                raw[i][j] = raw[j][i] = float(sums[each])
        if min(raw[i][i] for i in range(size)) <= 0:
            return None
        units = [sqrt(raw[i][i]) for i in range(size)]
        matrix = [[raw[i][j] / units[i] / units[j] for j in range(size)] for i in range(size)]
        try:
            Cholesky([matrix[i][: i + 1] for i in range(size)])
            factor = Cholesky([matrix[i][: i + 1] for i in range(size - 1)])
        except NotDefinite:
            return None
        with_outcome = matrix[-1][:-1]
        estimates = factor.solve(with_outcome)
        inverse = [factor.solve([float(i == j) for j in range(size - 1)]) for i in range(size - 1)]
        residual = 1 - fsum(map(float.__mul__, estimates, with_outcome))
        mean = with_outcome[0]
        return cls(units, inverse, estimates, mean, residual, 1 - mean * mean)

    def moved_by(self, places: Sequence[Place]) -> Vector:
        """By how much one unit of noise in a sum moves each estimate, in units of outcome for one of the column."""
        last = len(self.estimates)
        pushed = [0.0] * last
        for i, j, size in self._both_ways(places):
            if i < last:
                pushed[i] += size if j == last else -size * self.estimates[j]
        shifts = [fsum(map(float.__mul__, row, pushed)) for row in self.inverse]
        return [shift * self.units[last] / self.units[i] for i, shift in enumerate(shifts)]

    def share_moved_by(self, places: Sequence[Place]) -> float:
        """How large one unit of noise in a sum is beside the information: the Frobenius norm of L^-1 N L^-T."""
        last = len(self.estimates)
        inside = [(i, j, size) for i, j, size in self._both_ways(places) if i < last and j < last]
        squares = (
            one * other * self.inverse[m][i] * self.inverse[j][k]
            for (i, j, one), (k, m, other) in product(inside, inside)
        )
        return sqrt(max(0.0, fsum(squares)))

    def residual_moved_by(self, places: Sequence[Place]) -> float:
        """By how much one unit of noise in a sum moves the residual sum of squares."""
        weights = [*(-each for each in self.estimates), 1.0]
        return fsum(weights[i] * weights[j] * size for i, j, size in self._both_ways(places))

    def spread_moved_by(self, places: Sequence[Place]) -> float:
        """By how much one unit of noise in a sum moves the outcome's sum of squares about its mean."""
        weights = [-self.mean, *[0.0] * (len(self.estimates) - 1), 1.0]
        return fsum(weights[i] * weights[j] * size for i, j, size in self._both_ways(places))

    def _both_ways(self, places: Sequence[Place]) -> list[tuple[int, int, float]]:
        """The entries of the whole matrix that a sum stands in, and by how much one unit of noise changes each."""
        whole = dict.fromkeys(pair for i, j in places for pair in ((i, j), (j, i)))
        return [(i, j, 1 / self.units[i] / self.units[j]) for i, j in whole]

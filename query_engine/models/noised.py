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
from itertools import combinations_with_replacement
from math import fsum, hypot, sqrt
from typing import TypeVar

from query_engine.models.cholesky import Cholesky, NotDefinite
from query_engine.models.design import Product, design_columns, outcome_column
from query_engine.models.formula import ModelFormula

__all__ = ["NoiseInFit", "Place", "find_noise", "find_noise_at"]

Vector = list[float]

Matrix = list[Vector]

Place = tuple[int, int, float]
"""A row and a column of the cross-products of a design and its outcome, which comes last: of the lower half; and how
often something is in it."""

_Source = TypeVar("_Source", bound=Hashable)


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


def find_noise(
    formula: ModelFormula,
    sums: Mapping[Product, int],
    noise: Mapping[_Source, float],
    made_of: Mapping[Product, Mapping[_Source, int]],
) -> NoiseInFit | None:
    """What noise of these standard deviations did to the fit of these sums; None where no rows could have the sums.

    Sums are in fixed-point units. `made_of` says how often each source of noise is in each of them: noise that is in
    several moves them together.
    """
    columns = [*design_columns(formula), outcome_column(formula)]
    units = [10.0 ** (each.scale - columns[-1].scale) for each in columns[:-1]]
    matrix = [[0.0] * len(columns) for _ in columns]
    places: dict[_Source, list[Place]] = {}
    for j, i in combinations_with_replacement(range(len(columns)), 2):
        both = columns[i].product.times(columns[j].product)
        if both is not None:
            matrix[i][j] = matrix[j][i] = float(sums[both])
            for source, times in made_of[both].items():
                places.setdefault(source, []).append((i, j, float(times)))
    return find_noise_at(matrix, places, noise, units)


def find_noise_at(
    matrix: Matrix, places: Mapping[_Source, Sequence[Place]], noise: Mapping[_Source, float], units: Sequence[float]
) -> NoiseInFit | None:
    """The same of cross-products in which noise is at these places; an estimate is in so many of its `units`."""
    scaled = _Scaled.of(matrix)
    if scaled is None:
        return None
    held = [(noise[each], scaled.spread_out(found)) for each, found in places.items() if noise.get(each)]
    moved = [(size, scaled.moved_by(entries)) for size, entries in held]
    return NoiseInFit(
        estimates=tuple(
            unit * hypot(*(size * shift[place] for size, shift in moved)) for place, unit in enumerate(units)
        ),
        information=hypot(*(size * scaled.share_moved_by(entries) for size, entries in held)),
        residual=hypot(*(size * scaled.residual_moved_by(entries) for size, entries in held)) / scaled.residual,
        spread=hypot(*(size * scaled.spread_moved_by(entries) for size, entries in held)) / scaled.spread,
    )


@dataclass(frozen=True, slots=True)
class _Scaled:
    """The cross-products in units in which the diagonal is 1, and what follows from them. The outcome is last.

    `units` are those of the columns, `inverse` is that of X'X and `estimates` are the coefficients, in those units.
    """

    units: Vector
    inverse: Matrix
    estimates: Vector
    mean: float
    residual: float
    spread: float

    @classmethod
    def of(cls, raw: Matrix) -> "_Scaled | None":
        """The scaled form of cross-products, or None where no rows could have them."""
        size = len(raw)
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

    def spread_out(self, places: Sequence[Place]) -> list[Place]:
        """The entries of the whole matrix that one unit of noise changes, and by how much, in the scaled units."""
        whole: dict[tuple[int, int], float] = {}
        for i, j, times in places:
            for at in {(i, j), (j, i)}:
                whole[at] = whole.get(at, 0.0) + times / self.units[i] / self.units[j]
        return [(i, j, size) for (i, j), size in whole.items()]

    def moved_by(self, entries: Sequence[Place]) -> Vector:
        """By how much one unit of noise moves each estimate, in units of outcome for one of the column."""
        last = len(self.estimates)
        pushed = [0.0] * last
        for i, j, size in entries:
            if i < last:
                pushed[i] += size if j == last else -size * self.estimates[j]
        shifts = [fsum(map(float.__mul__, row, pushed)) for row in self.inverse]
        return [shift * self.units[last] / self.units[i] for i, shift in enumerate(shifts)]

    def share_moved_by(self, entries: Sequence[Place]) -> float:
        """How large one unit of noise is beside the information: the Frobenius norm of L^-1 N L^-T.

        Its square is the trace of what (X'X)^-1 N makes of itself.
        """
        last = len(self.estimates)
        product = [[0.0] * last for _ in range(last)]
        for k, j, size in entries:
            if k < last and j < last:
                for i in range(last):
                    product[i][j] += self.inverse[i][k] * size
        return sqrt(max(0.0, fsum(product[i][j] * product[j][i] for i in range(last) for j in range(last))))

    def residual_moved_by(self, entries: Sequence[Place]) -> float:
        """By how much one unit of noise moves the residual sum of squares."""
        weights = [*(-each for each in self.estimates), 1.0]
        return fsum(weights[i] * weights[j] * size for i, j, size in entries)

    def spread_moved_by(self, entries: Sequence[Place]) -> float:
        """By how much one unit of noise moves the outcome's sum of squares about its mean."""
        weights = [-self.mean, *[0.0] * (len(self.estimates) - 1), 1.0]
        return fsum(weights[i] * weights[j] * size for i, j, size in entries)

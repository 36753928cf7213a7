"""The design matrix as the fit sees it: each column but the intercept with mean 0 and variance 1 over the rows.

It keeps the information matrix well conditioned whatever the units, a year of 2024 beside a share of 0.9. What is
estimated in these units is brought back to those of the catalogue.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum, sqrt
from operator import mul

from query_engine.models.patterns import PatternTable

Vector = list[float]


@dataclass(frozen=True, slots=True)
class StandardisedDesign:
    """The columns, the intercept first, and the mean and standard deviation that each of them had."""

    columns: tuple[Vector, ...]
    means: Vector
    deviations: Vector

    @classmethod
    def of(cls, table: PatternTable) -> "StandardisedDesign":
        """The columns of a table of patterns, of which none but the intercept is constant."""
        rows = sum(table.rows)
        columns: list[Vector] = [[1.0] * len(table.rows)]
        means, deviations = [0.0], [1.0]
        for column in table.columns[1:]:
            mean = sum(map(mul, column, table.rows)) / rows
            centred = [value - mean for value in column]
            deviation = sqrt(fsum(n * value * value for n, value in zip(table.rows, centred, strict=True)) / rows)
            columns.append([value / deviation for value in centred])
            means.append(mean)
            deviations.append(deviation)
        return cls(tuple(columns), means, deviations)

    def predictors(self, coefficients: Sequence[float]) -> Vector:
        """The linear predictor of each pattern."""
        found = [0.0] * len(self.columns[0])
        for coefficient, column in zip(coefficients, self.columns, strict=True):
            found = [value + coefficient * entry for value, entry in zip(found, column, strict=True)]
        return found

    def gradient(self, residuals: Vector) -> Vector:
        """The score: what each column's sum of residuals is."""
        return [fsum(map(mul, column, residuals)) for column in self.columns]

    def information(self, weights: Vector) -> list[Vector]:
        """The lower triangle of X'WX."""
        weighted = [list(map(mul, column, weights)) for column in self.columns]
        return [[sum(map(mul, column, self.columns[j])) for j in range(i + 1)] for i, column in enumerate(weighted)]

    def contrasts(self) -> list[Vector]:
        """For each coefficient in the units of the columns as they came, its weights on those of this design."""
        size = len(self.columns)
        slopes = [[float(i == j) / self.deviations[j] for j in range(size)] for i in range(1, size)]
        shifts = (-mean / deviation for mean, deviation in zip(self.means[1:], self.deviations[1:], strict=True))
        return [[1.0, *shifts], *slopes]

"""The triangular factor of an information matrix (Golub and Van Loan, Matrix Computations, 2013, 4.2)."""

from math import hypot, sqrt
from operator import mul

Vector = list[float]

SMALLEST_PIVOT = 1e-13
"""Below this share of its diagonal entry, what is left of a pivot is rounding."""


class NotDefinite(Exception):
    """The matrix is not positive definite, to the precision of its entries."""


class Cholesky:
    """The lower triangular L for which L L' is the matrix, given by its lower triangle. Raises `NotDefinite`."""

    def __init__(self, matrix: list[Vector]) -> None:
        self._lower: list[Vector] = []
        for i, row in enumerate(matrix):
            found: Vector = []
            for j in range(i):
                found.append((row[j] - sum(map(mul, found, self._lower[j]))) / self._lower[j][j])
            pivot = row[i] - sum(map(mul, found, found))
            if not pivot > SMALLEST_PIVOT * row[i]:
                raise NotDefinite
            self._lower.append([*found, sqrt(pivot)])

    def solve(self, right: Vector) -> Vector:
        """The solution of the system."""
        found = self._forward(right)
        for i in reversed(range(len(found))):
            found[i] /= self._lower[i][i]
            for j in range(i):
                found[j] -= self._lower[i][j] * found[i]
        return found

    def deviation(self, contrast: Vector) -> float:
        """The square root of c' A^-1 c: the standard error of a contrast, where the matrix is the information."""
        return hypot(*self._forward(contrast))

    def _forward(self, right: Vector) -> Vector:
        found: Vector = []
        for row, value in zip(self._lower, right, strict=True):
            found.append((value - sum(map(mul, row, found))) / row[-1])
        return found

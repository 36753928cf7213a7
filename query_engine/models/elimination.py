"""Exact linear algebra on whole numbers, so that a federated fit differs from a pooled one in nothing.

Fraction-free elimination (Bareiss, Mathematics of Computation 22, 1968): every division below has no remainder, and
what is left are determinants of the matrix, so numbers stay as short as they can be.
"""

from collections.abc import Sequence
from typing import NamedTuple

from query_engine.models.failures import Failure, ModelUndetermined, collinear


class Solution(NamedTuple):
    """What solves `A x = b`: x is `solution / determinant`, and the inverse has `diagonal / determinant`."""

    determinant: int
    solution: tuple[int, ...]
    diagonal: tuple[int, ...]


def solve_exactly(matrix: Sequence[Sequence[int]], right: Sequence[int], labels: Sequence[str]) -> Solution:
    """The solution of a symmetric positive definite system. Raises `ModelUndetermined` where it is not one."""
    size = len(matrix)
    rows = [[*matrix[i], right[i], *(int(i == j) for j in range(size))] for i in range(size)]
    determinant = _reduce(rows, labels)
    return Solution(
        determinant, tuple(row[size] for row in rows), tuple(row[size + 1 + i] for i, row in enumerate(rows))
    )


def check_independent(matrix: Sequence[Sequence[int]], labels: Sequence[str]) -> None:
    """Raise `ModelUndetermined`, naming columns, unless the cross-products of the columns have full rank."""
    _reduce([list(row) for row in matrix], labels)


def _reduce(rows: list[list[int]], labels: Sequence[str]) -> int:
    """Bring the left square to a multiple of the identity, in place; the multiple is its determinant.

    Cross-products need no exchange of rows: a pivot of 0 says that its column is a combination of those before it.
    """
    previous = 1
    for place in range(len(rows)):
        pivot_row = rows[place]
        pivot = pivot_row[place]
        if pivot == 0:
            raise collinear(labels[place], [labels[i] for i in range(place) if rows[i][place]])
        if pivot < 0:
            raise contradiction()
        for i, row in enumerate(rows):
            if i != place:
                factor = row[place]
                rows[i] = [(pivot * a - factor * b) // previous for a, b in zip(row, pivot_row, strict=True)]
        previous = pivot
    return previous


def contradiction() -> ModelUndetermined:
    """The failure of sums that no rows can have."""
    text = "the sums contradict one another: no rows have them (one overflowed, was noised, or was not counted alike)"
    return ModelUndetermined(Failure.CONTRADICTION, text)

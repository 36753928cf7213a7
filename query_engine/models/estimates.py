"""What a fit says of each design column."""

from dataclasses import dataclass, field

FIGURES = 3
"""Significant figures of a standard error, so that a set of them is no covariance matrix in disguise."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A coefficient in the unit of its column, and its standard error, which has `FIGURES` significant figures."""

    label: str
    value: float = field(repr=False)
    standard_error: float = field(repr=False)


def to_figures(number: float, figures: int = FIGURES) -> float:
    """A number with so many significant figures."""
    return float(f"{number:.{figures - 1}e}")

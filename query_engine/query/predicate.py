"""Conditions as values: comparisons of one column with constants, joined by AND, OR and NOT.

They follow SQL's three-valued logic: a comparison with a missing value is neither true nor false, and a row counts only
where its condition is true. Columns are named by the catalogue; constants are its public values.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from query_engine.columns import Value

Operator = Literal["=", "<>", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Comparison:
    """`column operator value`."""

    column: str
    operator: Operator
    value: Value


@dataclass(frozen=True, slots=True)
class Among:
    """`column IN (values)`."""

    column: str
    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError("IN needs at least one value")


@dataclass(frozen=True, slots=True)
class Between:
    """`column BETWEEN low AND high`, both ends included."""

    column: str
    low: int | Decimal
    high: int | Decimal


@dataclass(frozen=True, slots=True)
class Missing:
    """`column IS NULL`."""

    column: str


@dataclass(frozen=True, slots=True)
class Holds:
    """A yes/no column standing alone as a condition."""

    column: str


@dataclass(frozen=True, slots=True)
class Every:
    """`a AND b AND ...`."""

    parts: tuple["Predicate", ...]

    def __post_init__(self) -> None:
        if len(self.parts) < 2:
            raise ValueError("AND joins at least two conditions")


@dataclass(frozen=True, slots=True)
class Either:
    """`a OR b OR ...`."""

    parts: tuple["Predicate", ...]

    def __post_init__(self) -> None:
        if len(self.parts) < 2:
            raise ValueError("OR joins at least two conditions")


@dataclass(frozen=True, slots=True)
class Negation:
    """`NOT a`."""

    part: "Predicate"


Predicate = Comparison | Among | Between | Missing | Holds | Every | Either | Negation

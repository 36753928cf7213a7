"""The query as a value: what was asked, free of how it was spelled. Nothing after the parser sees text.

Conditions follow SQL's three-valued logic: a comparison with a missing value is neither true nor false, and a row
counts only where its condition is true. Columns are named by the catalogue; constants are its public values.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from query_engine.catalogue import Value

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


@dataclass(frozen=True, slots=True)
class ColumnValue:
    """A measure or yes/no column as the thing measured; yes is 1 and no is 0, and missing stays missing."""

    column: str


@dataclass(frozen=True, slots=True)
class Indicator:
    """`CASE WHEN condition THEN 1 ELSE 0 END`: never missing, and 0 where the condition is not known to hold."""

    condition: Predicate


Measured = ColumnValue | Indicator


@dataclass(frozen=True, slots=True)
class GroupColumn:
    """A grouped column in the SELECT list."""

    column: str


@dataclass(frozen=True, slots=True)
class CountRows:
    """`COUNT(*)`."""


@dataclass(frozen=True, slots=True)
class CountChildren:
    """`COUNT(DISTINCT key)`."""


@dataclass(frozen=True, slots=True)
class Total:
    """`SUM(measured)`, and `COUNT(*) FILTER (WHERE condition)`."""

    of: Measured


@dataclass(frozen=True, slots=True)
class Mean:
    """`AVG(measured)`."""

    of: Measured


Item = GroupColumn | CountRows | CountChildren | Total | Mean


@dataclass(frozen=True, slots=True)
class Selected:
    """One column of the SELECT list under its label."""

    label: str
    item: Item


@dataclass(frozen=True, slots=True)
class AggregateQuery:
    """One aggregate query over one governed table. `grouped` may name the table's authority column."""

    table: str
    selected: tuple[Selected, ...]
    grouped: tuple[str, ...] = ()
    where: Predicate | None = None

    def __post_init__(self) -> None:
        labels = [each.label for each in self.selected]
        if len(set(labels)) != len(labels):
            raise ValueError("two output columns have one label")
        if all(isinstance(each.item, GroupColumn) for each in self.selected):
            raise ValueError("the query asks for no statistic")
        shown = {each.item.column for each in self.selected if isinstance(each.item, GroupColumn)}
        if not shown <= set(self.grouped):
            raise ValueError("a plain column is not grouped by")

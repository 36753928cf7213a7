"""What a governed table and its columns are, as the catalogue declares them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

Role = Literal["key", "dimension", "flag", "measure"]
ColumnType = Literal["category", "integer", "decimal", "boolean"]
Sensitivity = Literal["ordinary", "care_record", "special_category"]
Nature = Literal["fixed", "variable", "hybrid"]
Audience = Literal["researcher", "authority"]
Category = str | int | bool
Value = str | int | bool | Decimal

_DIGEST = re.compile("-[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: what it means, where it comes from, and every value it can publicly take.

    A `dimension` or `flag` has a `domain` of categories in order; a `measure` has inclusive `bounds` and a
    `scale`, its number of decimal places. `nullable` says whether a value can be missing.

    `nature` is the policy paper's: whether what the column reports is fixed for those who work with the child, can be
    changed by them, or both. `audience` says whose questions may use the column: `researcher` is everybody with an
    approved query, `authority` an authority alone. `first_year` and `last_year` are the academic years in which the
    source asks; no last year means that it still does. `former` are values that rows of earlier years hold as well:
    only an authority column has them, which no plan ever reads. `bins` are the least values of the ranges by which a
    measure may be grouped and its quantiles found, the first being its least value of all. `fills` names the column of
    which this is the same with 0 for missing; only what a query derives has such a column.
    """

    name: str
    role: Role
    type: ColumnType
    domain: tuple[Category, ...] | None
    bounds: tuple[Decimal, Decimal] | None
    scale: int
    unit: str | None
    definition: str
    source: str
    factor: str
    sensitivity: Sensitivity
    nullable: bool
    nature: Nature
    audience: Audience
    first_year: int
    last_year: int | None
    former: tuple[Category, ...]
    bins: tuple[Decimal, ...]
    fills: str = ""

    @property
    def called(self) -> str:
        """The name in a sentence to the asker: a derived column's without the digest that tells it from others."""
        return _DIGEST.sub("", self.name)

    @property
    def ordered(self) -> bool:
        """Whether `<` and BETWEEN have a meaning: true of numbers."""
        return self.type in ("integer", "decimal")

    @property
    def codes(self) -> int:
        """How many codes there are. A code is a value's place in the public order; missing comes last."""
        return self.present_codes + self.nullable

    @property
    def present_codes(self) -> int:
        """How many codes stand for a value that is present."""
        if self.domain is not None:
            return len(self.domain)
        low, high = self.scaled_bounds
        return high - low + 1

    @property
    def is_amount(self) -> bool:
        """Whether its values can be added up: those of measures, of yes/no, and of categories that are numbers."""
        return self.role in ("measure", "flag") or (self.role == "dimension" and self.type == "integer")

    @property
    def scaled_bounds(self) -> tuple[int, int]:
        """The least and greatest amount as fixed-point integers, in units of the last decimal place."""
        if not self.is_amount:
            raise ValueError(f"{self.name} has no amounts")
        if self.domain is not None:
            return int(self.domain[0]), int(self.domain[-1])
        assert self.bounds is not None
        low, high = self.bounds
        return int(low.scaleb(self.scale)), int(high.scaleb(self.scale))

    def code(self, value: Value) -> int | None:
        """The code of a value, or None when it is not one of the column's public values."""
        if self.domain is not None:
            return next((place for place, each in enumerate(self.domain) if each == value), None)
        scaled = Decimal(value).scaleb(self.scale)
        low, high = self.scaled_bounds
        return int(scaled) - low if scaled == int(scaled) and low <= scaled <= high else None

    def value(self, code: int) -> Value | None:
        """The value a code stands for; None for the missing value."""
        if code == self.present_codes and self.nullable:
            return None
        if self.domain is not None:
            return self.domain[code]
        scaled = self.scaled_bounds[0] + code
        return Decimal(scaled).scaleb(-self.scale) if self.type == "decimal" else scaled


Values = Mapping[str, Category]
"""Of some columns the value that each has."""


Codes = tuple[tuple[int, int], ...]
"""Some codes of a column, as inclusive ranges."""


Met = tuple[tuple[Column, Codes], ...]
"""A condition: of each of some columns the codes that it may have, all of them at once."""


@dataclass(frozen=True, slots=True)
class Implied:
    """What is true of everybody: whoever meets one condition meets another.

    Its columns go by their words (see `GovernedTable.word`), so that it can be about a child and a row of theirs.
    """

    when: Met
    then: Met

    @property
    def names(self) -> frozenset[str]:
        """The words of the columns that it is about."""
        return frozenset(column.name for column, _ in (*self.when, *self.then))


@dataclass(frozen=True, slots=True)
class HadBy:
    """Who has a row of some kind in a table of several for each child, by what is said of the child.

    Whoever has one is one of these `children`, where the `rows_tell`; and whoever is has one, where the
    `children_tell`. Columns go by their words; `alike` has for those of the row that say the same as one of the
    child, of which it is worked out, the child's.
    """

    table: str
    rows: Met
    children: Met
    alike: tuple[tuple[Column, Column], ...]
    rows_tell: bool
    children_tell: bool


@dataclass(frozen=True, slots=True)
class SameChildren:
    """Which rows of a table are of children whom another table has too, under a key of its own.

    `groups` has for some categories of `column` what the other table says of those children, whose key is `child_key`;
    `columns` are those other columns, with what is `implied` of them and which rows are `had_by` them, and `alike` the
    columns that say the same of them in both.
    """

    child_key: str
    column: str
    groups: Mapping[Category, Values]
    alike: frozenset[str]
    columns: Mapping[str, Column]
    implied: tuple[Implied, ...] = ()
    had_by: tuple[HadBy, ...] = ()


@dataclass(frozen=True, slots=True)
class GovernedTable:
    """One governed table. A row is what `grain` says; `child_key` may only be counted.

    `authority_column` holds the authority whose node keeps the row. `typical_size` is about how many children
    one authority has in a year of the table, by published figures; it is used to warn of sparse tables.
    `rows_per_child_year` is the most rows of a child in a year that are ever counted: what a query derives for each
    child is cut off there, so the bound holds whatever was loaded. `child_columns` say the same in all of them, and in
    every other table with the same `child_key`; of those the one with one row for each child has all children. What is
    `implied`, and which rows are `had_by` whom, is what all tables of the key say together.
    """

    name: str
    grain: str
    description: str
    authority_column: str
    child_key: str
    typical_size: int
    rows_per_child_year: int
    child_columns: frozenset[str] = field(repr=False)
    columns: Mapping[str, Column] = field(repr=False)
    same_children: SameChildren | None = field(repr=False, compare=False, default=None, kw_only=True)
    implied: tuple[Implied, ...] = field(repr=False, compare=False, default=(), kw_only=True)
    had_by: tuple[HadBy, ...] = field(repr=False, compare=False, default=(), kw_only=True)

    def word(self, name: str) -> str:
        """What a column is called among all tables: by its name where it is the child's, in whatever table."""
        alike = self.same_children.alike if self.same_children is not None else self.child_columns
        return name if name in alike else f"{self.name}.{name}"

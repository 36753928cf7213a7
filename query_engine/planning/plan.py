"""The plan of a query: whole-number statistics that add up over authorities, over cells known beforehand.

A plan is made from the query and the catalogue alone. Hub and node each derive it from the same SQL text and compare
`plan_id`, and the history of what was asked is kept by that id; so it depends on the question, never on its spelling.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from itertools import product
from math import prod
from typing import Literal

from query_engine.catalogue import Audience, Category, GovernedTable
from query_engine.models.counts import ChildCount
from query_engine.models.design import Product
from query_engine.models.formula import ModelFormula
from query_engine.planning.canonical import (
    JSON,
    Asked,
    canonical_categories,
    canonical_figures,
    canonical_formula,
    canonical_region,
    canonical_table,
    write_canonical,
)
from query_engine.planning.region import Region, columns_of
from query_engine.planning.relation import governed_columns, items_of, tables_of, years_reached
from query_engine.query.model import Function
from query_engine.query.view import TOTAL as TOTAL

PLANNER_VERSION = "6"
"""Changes whenever the same question would be planned differently, or its sums carry anything else: noise about other
middles, or other counts beside the figures (`capped_counts`)."""

Path = Literal["noisy_sum", "exact_sum", "per_authority"]
"""How a table leaves the nodes: see `paths`."""

StatisticKind = Literal["rows", "children", "nonzero", "sum", "high", "low", "keys"]
OutputKind = Literal["dimension", "count", "distinct", "model"] | Function


@dataclass(frozen=True, slots=True)
class Dimension:
    """What the answer is grouped by, and the categories of it that have cells; `None` is the missing value, and last.

    A column's `regions` are empty. An expression has a region of rows for each category; `name` is then made from
    those, so that it says what is asked and not how the asker calls it.
    """

    name: str
    categories: tuple[Category | None, ...]
    regions: tuple[Region, ...] = ()

    def canonical(self, table: GovernedTable) -> JSON:
        """The same in a question's canonical form."""
        return canonical_categories(self.name, self.categories, self.regions, table)


@dataclass(frozen=True, slots=True)
class Measure:
    """What a row contributes to a sum: the product of `columns`, where none of them is missing and `where` holds.

    Without columns a row contributes 1. `bound` is the largest absolute value of one row, as a fixed-point whole number
    with `scale` decimal places. `name` is the same for equal measures: columns, then `when-` and the hash of `where`.
    `holds` is the part of `where` that is multiplied in, so that any other row contributes 0: for a reader alone.
    """

    name: str
    columns: tuple[str, ...]
    where: Region
    scale: int
    bound: int
    unit: str | None
    holds: Region = field(default=True, compare=False)

    @property
    def indicator(self) -> bool:
        """Whether every value is 0 or 1."""
        return self.scale == 0 and self.bound == 1


@dataclass(frozen=True, slots=True)
class Statistic:
    """One whole number for each cell, over the rows of its measure: where its columns are present and `where` holds.

    | kind | |
    |---|---|
    | `rows` | rows |
    | `children` | distinct children |
    | `nonzero` | distinct children with a row where the measure is not 0 |
    | `sum` | the sum of the measure, in units of its last decimal place |
    | `high`, `low` | the same sum in two parts, each row's value being high * 2**32 + low with one sign |
    | `keys` | the sum of the record keys of distinct children: see `record_keys` |

    Without a measure they are about every row of the cell. `bound` is the most that one row can add to or take from
    the figure.
    """

    name: str
    kind: StatisticKind
    bound: int
    measure: Measure | None = None


@dataclass(frozen=True, slots=True)
class Output:
    """One column of the answer: how it is named, and the statistics it is made from.

    A `dimension` names its `dimension` and has no statistics. Every other kind's formula, in `finalisers`, takes its
    `statistics` in their order. `among` names the statistic of the children that the figure is about, `present` that
    of the children with a value, and `nonzero`, measure by measure, those of the children whose value is not 0 (for a
    condition: who meet it); for counts all are the children counted. `within` are the rows that FILTER keeps. `sides`
    has a pair for FILTER and for each condition or yes/no among what is added up: the children with a row that meets
    it, and those with one that does not; who knows the figure of all knows more of either side than is printed.
    `fraction` is a quantile's, and `bins` the first and last value of each bin that its statistics count.
    """

    label: str
    kind: OutputKind
    dimension: str | None = None
    measures: tuple[Measure, ...] = ()
    statistics: tuple[str, ...] = ()
    among: str = ""
    present: str = ""
    nonzero: tuple[str, ...] = ()
    within: Region = True
    sides: tuple[tuple[str, str], ...] = ()
    fraction: Decimal | None = None
    bins: tuple[tuple[Decimal, Decimal], ...] = ()

    @property
    def measure(self) -> Measure | None:
        """The first measure: what is summed or averaged, or y of two columns."""
        return self.measures[0] if self.measures else None

    @property
    def counted(self) -> str | None:
        """The statistic of the rows that it counts: all, or those that meet the condition it sums or averages."""
        if self.kind in ("count", "regr_count"):
            return self.statistics[0]
        return self.statistics[-1] if self.indicator else None

    @property
    def indicator(self) -> bool:
        """Whether this sums or averages something that is 0 or 1 in every row, which makes it a count or a share."""
        return self.kind in ("sum", "mean") and self.measure is not None and self.measure.indicator

    @property
    def asked(self) -> Asked:
        """What is asked, whatever it is called."""
        return self.kind, self.statistics, (self.among, self.present, *self.nonzero), str(self.fraction or "")

    @property
    def scale(self) -> int:
        """Decimal places of the measure: its sums are carried as whole numbers of the last place."""
        return self.measure.scale if self.measure is not None else 0


@dataclass(frozen=True)
class ModelPlan:
    """How a model is put together: the names of the statistics that are its sums and the counts they rest on.

    Each cell of a logistic or Poisson model is a pattern of the terms' values, and the last is all of them together.
    `left_out` names the statistic of the children with a row that lacks a value, if a row can.
    """

    formula: ModelFormula
    sums: Mapping[Product, str] = field(hash=False)
    counts: Mapping[ChildCount, str] = field(hash=False)
    left_out: str | None


@dataclass(frozen=True)
class QueryPlan:
    """A planned query. `where` is the canonical form of its filter; `True` keeps every row.

    `dimensions` are in the catalogue's order, without the table's authority column: the node that answers is one
    authority, and whoever puts the answers together prepends that column. `sets` are the grouping sets, each the places
    in `dimensions` of what it groups by; the first has them all. `by_authority` says that the asker names the authority
    column, which every answer by `per_authority` has and no sum over a roster can have.
    """

    governed: GovernedTable = field(repr=False, compare=False)
    dimensions: tuple[Dimension, ...]
    where: Region
    statistics: tuple[Statistic, ...]
    outputs: tuple[Output, ...]
    sets: tuple[tuple[int, ...], ...]
    path: Path = "per_authority"
    planner_version: str = PLANNER_VERSION
    model: ModelPlan | None = None
    by_authority: bool = False

    @property
    def table(self) -> str:
        """The name of the governed table, or the names of those that are joined."""
        return self.governed.name

    @property
    def tables(self) -> tuple[str, ...]:
        """The governed tables that are read, in the order of their names."""
        return tables_of(self.governed)

    @property
    def authority_column(self) -> str:
        """The column prepended to the answer by `per_authority`, one value for each node."""
        return self.governed.authority_column

    @property
    def used(self) -> frozenset[str]:
        """Every column of `governed` that the answer depends on."""
        measures = [each.measure for each in self.statistics if each.measure is not None]
        multiplied = {name for each in measures for name in each.columns}
        grouped = {each.name for each in self.dimensions if not each.regions}
        regions = [self.where, *(each.where for each in measures)]
        regions += [region for each in self.dimensions for region in each.regions]
        return frozenset(multiplied | grouped).union(*map(columns_of, regions))

    @property
    def columns(self) -> frozenset[str]:
        """Every column of the governed tables that the answer depends on, by its name in the catalogue."""
        return frozenset(each.name for each in governed_columns(self.governed, self.used))

    @property
    def items(self) -> frozenset[tuple[str, str]]:
        """The same, each with the name of its governed table before it: the data items that are asked about."""
        return items_of(self.governed, self.used)

    @property
    def academic_years(self) -> tuple[int, ...]:
        """The academic years whose rows have a say in the answer; none for a table that has no such column."""
        return years_reached(self.governed, self.where)

    @property
    def audience(self) -> Audience:
        """Whose questions these may be: an authority's alone where one of the columns is for authorities."""
        kept = any(each.audience == "authority" for each in governed_columns(self.governed, self.used))
        return "authority" if kept else "researcher"

    @property
    def cells(self) -> int:
        """How many cells one authority's answer has, totals included."""
        return sum(map(self.cells_of, self.sets))

    def cells_of(self, grouping_set: tuple[int, ...]) -> int:
        """How many cells one grouping set has."""
        return prod(len(self.dimensions[place].categories) for place in grouping_set)

    def iter_cells(self) -> Iterator[tuple[Category | None, ...]]:
        """The cells in order, set by set: the last dimension varies fastest, and `TOTAL` stands for all categories."""
        for grouping_set in self.sets:
            yield from product(
                *(each.categories if place in grouping_set else (TOTAL,) for place, each in enumerate(self.dimensions))
            )

    @cached_property
    def plan_id(self) -> str:
        """`plan-` and the first 32 hex figures of the SHA-256 of the canonical form."""
        return "plan-" + hashlib.sha256(self.canonical.encode("ascii")).hexdigest()[:32]

    @cached_property
    def canonical(self) -> str:
        """The question as JSON: no labels, no order of columns, no spelling of the filter."""
        question: dict[str, JSON] = {
            "planner": self.planner_version,
            "path": self.path,
            "table": canonical_table(self.governed),
            "dimensions": {each.name: each.canonical(self.governed) for each in self.dimensions},
            "sets": [[self.dimensions[place].name for place in grouping_set] for grouping_set in self.sets],
            "where": canonical_region(self.where, self.governed),
            "asked": canonical_figures(each.asked for each in self.outputs if each.kind != "dimension"),
            "model": None if self.model is None else canonical_formula(self.model.formula),
            "statistics": [[each.name, each.bound] for each in sorted(self.statistics, key=lambda each: each.name)],
        }
        return write_canonical(question)

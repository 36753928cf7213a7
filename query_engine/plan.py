"""The plan of a query: whole-number statistics that add up over authorities, over cells known beforehand.

A plan is made from the query and the catalogue alone. Hub and node each derive it from the same SQL text and compare
`plan_id`, and the history of what was asked is kept by that id; so it depends on the question, never on its spelling.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from math import prod
from typing import Literal

from query_engine.catalogue import Audience, Category, GovernedTable
from query_engine.region import Region, Split, columns_of, possible_ranges

PLANNER_VERSION = "1"
"""Changes whenever the same question would be planned differently."""

StatisticKind = Literal["rows", "children", "sum", "present", "nonzero"]
OutputKind = Literal["dimension", "count", "distinct", "sum", "mean"]
JSON = str | int | bool | None | list["JSON"] | dict[str, "JSON"]


@dataclass(frozen=True, slots=True)
class Dimension:
    """A grouped column and the categories of it that have cells; `None` is the missing value, and comes last."""

    name: str
    categories: tuple[Category | None, ...]


@dataclass(frozen=True, slots=True)
class Measure:
    """What a row contributes to a sum: the value of the column `name`, or 1 where `condition` holds and 0 elsewhere.

    A condition is named by the hash of its canonical form. `bound` is the largest absolute value of one row, as
    a fixed-point whole number with `scale` decimal places.
    """

    name: str
    condition: Split | None
    scale: int
    bound: int
    unit: str | None

    @property
    def indicator(self) -> bool:
        """Whether every value is 0 or 1."""
        return self.scale == 0 and self.bound == 1


@dataclass(frozen=True, slots=True)
class Statistic:
    """One whole number for each cell.

    | kind | without a measure | of a measure m |
    |---|---|---|
    | `rows` | rows | rows where m is present |
    | `children` | distinct children | |
    | `sum` | | the sum of m, in units of its last decimal place |
    | `present` | | distinct children with a row where m is present |
    | `nonzero` | | distinct children with a row where m is not 0 |

    `bound` is the most that one row can add to or take from the figure.
    """

    name: str
    kind: StatisticKind
    bound: int
    measure: Measure | None = None


@dataclass(frozen=True, slots=True)
class Output:
    """One column of the answer: how it is named, and the statistics it is made from.

    A `dimension` names its `dimension` and has no statistics. A `count` is made from (rows), a `distinct` from
    (children), a `sum` from (sum), a `mean` from (sum, rows where present). `present` and `nonzero` name the
    statistics that count the children behind the figure; for counts both are `children`.
    """

    label: str
    kind: OutputKind
    dimension: str | None = None
    measure: Measure | None = None
    statistics: tuple[str, ...] = ()
    present: str | None = None
    nonzero: str | None = None

    @property
    def indicator(self) -> bool:
        """Whether the measure is 0 or 1 in every row, so that a sum is a count and a mean is a share."""
        return self.measure is not None and self.measure.indicator

    @property
    def scale(self) -> int:
        """Decimal places of the measure: its sums are carried as whole numbers of the last place."""
        return self.measure.scale if self.measure is not None else 0


@dataclass(frozen=True)
class QueryPlan:
    """A planned query. `where` is the canonical form of its filter; `True` keeps every row.

    `dimensions` are in the order of the SELECT list, without the table's authority column: the node that answers
    is one authority, and whoever puts the answers together prepends that column.
    """

    governed: GovernedTable = field(repr=False, compare=False)
    dimensions: tuple[Dimension, ...]
    where: Region
    statistics: tuple[Statistic, ...]
    outputs: tuple[Output, ...]
    path: Literal["per_authority"] = "per_authority"
    planner_version: str = PLANNER_VERSION

    @property
    def table(self) -> str:
        """The name of the governed table."""
        return self.governed.name

    @property
    def authority_column(self) -> str:
        """The column prepended to the answer, one value for each node."""
        return self.governed.authority_column

    @property
    def columns(self) -> frozenset[str]:
        """Every column of the table that the answer depends on."""
        measures = [each.measure for each in self.statistics if each.measure is not None]
        summed = {each.name for each in measures if each.condition is None}
        regions = [self.where, *(each.condition for each in measures if each.condition is not None)]
        filtered = frozenset[str]().union(*(columns_of(region) for region in regions))
        return filtered | summed | {each.name for each in self.dimensions}

    @property
    def academic_years(self) -> tuple[int, ...]:
        """The academic years that the filter lets rows be of; none for a table that has no such column."""
        column = self.governed.columns.get("academic_year")
        if column is None:
            return ()
        codes = [code for first, last in possible_ranges(self.where, column) for code in range(first, last + 1)]
        return tuple(year for year in map(column.value, codes) if isinstance(year, int))

    @property
    def audience(self) -> Audience:
        """Whose questions these may be: an authority's alone where one of the columns is for authorities."""
        kept = any(self.governed.columns[name].audience == "authority" for name in self.columns)
        return "authority" if kept else "researcher"

    @property
    def cells(self) -> int:
        """How many cells one authority's answer has."""
        return prod(len(each.categories) for each in self.dimensions)

    def iter_cells(self) -> Iterator[tuple[Category | None, ...]]:
        """The cells in order: the last dimension varies fastest."""
        return product(*(each.categories for each in self.dimensions))

    @cached_property
    def plan_id(self) -> str:
        """`plan-` and the first 32 hex figures of the SHA-256 of the canonical form."""
        return "plan-" + hashlib.sha256(self.canonical.encode("ascii")).hexdigest()[:32]

    @cached_property
    def canonical(self) -> str:
        """The question as JSON: no labels, no order of columns, no spelling of the filter."""
        asked = {(each.kind, each.measure.name if each.measure else "") for each in self.outputs}
        question: JSON = {
            "planner": self.planner_version,
            "path": self.path,
            "table": self.table,
            "dimensions": {each.name: list(each.categories) for each in self.dimensions},
            "where": canonical_region(self.where, self.governed),
            "asked": [list(each) for each in sorted(asked - {("dimension", "")})],
            "statistics": [[each.name, each.bound] for each in sorted(self.statistics, key=lambda each: each.name)],
        }
        return json.dumps(question, sort_keys=True, separators=(",", ":"))


def canonical_region(region: Region, table: GovernedTable) -> JSON:
    """A region as JSON: by column, each further condition with the first and last values of the runs it holds for."""
    if isinstance(region, bool):
        return region
    column = table.columns[region.column]
    branches: list[JSON] = []
    for part, runs in region.branches():
        ends: list[JSON] = [[_plain(column.value(first)), _plain(column.value(last))] for first, last in runs]
        branches.append([ends, canonical_region(part, table)])
    return {column.name: branches}


def _plain(value: object) -> JSON:
    """A value as JSON, with decimals as text so that none is ever a binary fraction."""
    return value if value is None or isinstance(value, str | int) else str(value)

"""The query as a value: what was asked, free of how it was spelled. Nothing after the parser sees text."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from query_engine.columns import Category
from query_engine.models.formula import Family
from query_engine.query.predicate import Predicate
from query_engine.query.view import WHOLE, View


@dataclass(frozen=True, slots=True)
class ColumnValue:
    """A measure or yes/no column as the thing measured; yes is 1 and no is 0, and missing stays missing."""

    column: str


@dataclass(frozen=True, slots=True)
class Product:
    """`a * b`: missing where any of the columns is."""

    columns: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.columns) < 2:
            raise ValueError("a product has at least two factors")


@dataclass(frozen=True, slots=True)
class Indicator:
    """`CASE WHEN condition THEN 1 ELSE 0 END`: never missing, and 0 where the condition is not known to hold."""

    condition: Predicate


Measured = ColumnValue | Product | Indicator


@dataclass(frozen=True, slots=True)
class ByColumn:
    """Grouping by the categories of a column."""

    column: str


@dataclass(frozen=True, slots=True)
class ByCases:
    """Grouping by `CASE WHEN condition THEN category ... ELSE otherwise END`: the first condition that is true decides.

    Declared bins and arithmetic on whole-number columns are cases too: the reader of the text writes them out.
    """

    cases: tuple[tuple[Category, Predicate], ...]
    otherwise: Category | None = None

    def __post_init__(self) -> None:
        categories = [category for category, _ in self.cases]
        if not self.cases or len(set(categories)) != len(categories) or self.otherwise in categories:
            raise ValueError("each case needs a category of its own")


Grouping = ByColumn | ByCases


@dataclass(frozen=True, slots=True)
class Grouped:
    """A grouped column or expression in the SELECT list."""

    by: Grouping


@dataclass(frozen=True, slots=True)
class CountRows:
    """`COUNT(*)`."""


@dataclass(frozen=True, slots=True)
class CountChildren:
    """`COUNT(DISTINCT key)`, of the rows where a condition is true if there is one."""

    where: Predicate | None = None


Function = Literal[
    "sum",
    "mean",
    "weighted_mean",
    "variance",
    "variance_population",
    "deviation",
    "deviation_population",
    "covariance",
    "covariance_population",
    "correlation",
    "regr_count",
    "regr_avgx",
    "regr_avgy",
    "regr_sxx",
    "regr_syy",
    "regr_sxy",
    "regr_slope",
    "regr_intercept",
    "regr_r2",
    "quantile",
]
"""What an aggregate works out. Those of two columns take them in SQL's order, the dependent one (y) first."""


@dataclass(frozen=True, slots=True)
class Aggregate:
    """`function(of) FILTER (WHERE where)`; `fraction` is a quantile's, between 0 and 1.

    `COUNT(*) FILTER (WHERE condition)` is the sum of an indicator.
    """

    function: Function
    of: tuple[Measured, ...]
    where: Predicate | None = None
    fraction: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ModelTerm:
    """A main effect: a number as it is, or a factor by the categories of `by`, which is made of one `column`."""

    name: str
    column: str
    by: Grouping
    factor: bool


@dataclass(frozen=True, slots=True)
class FitModel:
    """`FIT_LINEAR(outcome, term, ...)` and the like; a term of two main effects is their interaction."""

    family: Family
    outcome: str
    terms: tuple[tuple[ModelTerm, ...], ...]


Item = Grouped | CountRows | CountChildren | Aggregate | FitModel


@dataclass(frozen=True, slots=True)
class Selected:
    """One column of the SELECT list under its label."""

    label: str
    item: Item


TallyFunction = Literal["count", "sum", "min", "max"]
"""What a table with a row for each child can hold of the child."""


@dataclass(frozen=True, slots=True)
class Tally:
    """`COUNT(*) FILTER (WHERE where)`, or the sum, least or greatest value of a column, of one child's rows."""

    function: TallyFunction
    column: str | None = None
    where: Predicate | None = None

    def __post_init__(self) -> None:
        if (self.column is None) != (self.function == "count"):
            raise ValueError("rows are counted, and columns are added up or compared")


@dataclass(frozen=True, slots=True)
class PerChild:
    """`(SELECT child, tallies FROM table WHERE where GROUP BY child)`, or by child and academic year."""

    table: str
    by_year: bool = False
    where: Predicate | None = None
    tallies: tuple[Tally, ...] = ()


@dataclass(frozen=True, slots=True)
class Join:
    """A governed table, or one made from it, joined on the child key: `LEFT JOIN` where `outer`, otherwise `JOIN`.

    `year_of` is the place in FROM, counted from 0, of the table to whose academic year its own is equal, if to any.
    """

    table: str | PerChild
    outer: bool = False
    year_of: int | None = None


@dataclass(frozen=True, slots=True)
class AggregateQuery:
    """One aggregate query over a governed table or one made from it, with others joined to it.

    Where there is one governed table, columns go by their names in the catalogue; otherwise by those that `relating`
    gives them. `grouped` may name the table's authority column.

    `sets` are the grouping sets, each the places in `grouped` of what it groups by; the first has them all. Without
    ROLLUP, CUBE or GROUPING SETS there is that one alone. `view` is how the release is to be shown.
    """

    table: str | PerChild
    selected: tuple[Selected, ...]
    grouped: tuple[Grouping, ...] = ()
    where: Predicate | None = None
    sets: tuple[tuple[int, ...], ...] = ()
    view: View = WHOLE
    joins: tuple[Join, ...] = ()

    def __post_init__(self) -> None:
        labels = [each.label for each in self.selected]
        if len(set(labels)) != len(labels):
            raise ValueError("two output columns have one label")
        if all(isinstance(each.item, Grouped) for each in self.selected):
            raise ValueError("the query asks for no statistic")
        shown = {each.item.by for each in self.selected if isinstance(each.item, Grouped)}
        if not shown <= set(self.grouped):
            raise ValueError("a plain column is not grouped by")
        if any(isinstance(each.item, FitModel) for each in self.selected) and (len(labels) > 1 or self.grouped):
            raise ValueError("a model stands alone in its query")
        everything = tuple(range(len(self.grouped)))
        if self.sets and self.sets[0] != everything:
            raise ValueError("the first grouping set must group by everything")
        for place, join in enumerate(self.joins):
            if join.year_of is not None and not 0 <= join.year_of <= place:
                raise ValueError("a table is joined by academic year to one before it")
            if join.year_of and self.joins[join.year_of - 1].outer:
                raise ValueError("no table is joined to one that may have no row")

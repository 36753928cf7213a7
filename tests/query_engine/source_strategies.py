"""Sources drawn by Hypothesis, with rows for their tables and whole queries over what they make."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from query_engine.catalogue import Column, Value, load_catalogue
from query_engine.planning.relating import relate
from query_engine.query.model import (
    Aggregate,
    AggregateQuery,
    ByCases,
    ByColumn,
    ColumnValue,
    CountChildren,
    CountRows,
    Grouped,
    Indicator,
    Join,
    PerChild,
    Product,
    Selected,
    Tally,
)
from query_engine.query.predicate import Among, Between, Comparison, Either, Every, Holds, Missing, Negation, Predicate
from query_engine.refusal import QueryRefused
from tests.query_engine.small_tables import Row

CHILDREN = ("a", "b", "c", "d")
POOLS: Mapping[str, Mapping[str, tuple[Value, ...]]] = {
    "child_year": {
        "academic_year": (202324, 202425),
        "sex": ("M", "F"),
        "age": (4, 5, 15),
        "suspensions": (0, 1, 60),
        "attendance_rate": (Decimal("0.0000"), Decimal("0.9000"), Decimal("1.0000")),
        "uasc": (False, True),
    },
    "placements": {
        "academic_year": (202324, 202425),
        "age": (4, 5, 15),
        "placement_type": ("foster_other", "children_home"),
        "months": (0, 1, 12),
        "placement_in_area": (False, True),
    },
    "exclusions": {
        "academic_year": (202324, 202425),
        "exclusion_category": ("suspension", "permanent"),
        "days_lost": (Decimal("0.0"), Decimal("0.5"), Decimal("12.5")),
    },
}
"""A few values of a few columns of each table."""

Tables = Mapping[str, list[Row]]


def _row(table: str) -> st.SearchStrategy[Row]:
    columns = load_catalogue().table(table).columns
    values = {
        name: st.sampled_from(pool) if not columns[name].nullable else st.none() | st.sampled_from(pool)
        for name, pool in POOLS[table].items()
    }
    key: dict[str, st.SearchStrategy[Any]] = {"child": st.sampled_from(CHILDREN)}
    return st.fixed_dictionaries(key | values | {"home_authority": st.just("301")})


tables: st.SearchStrategy[Tables] = st.fixed_dictionaries({name: st.lists(_row(name), max_size=7) for name in POOLS})
"""Rows of every table, several to a child."""


def _leaf(name: str, column: Column, pool: Sequence[Value]) -> st.SearchStrategy[Predicate]:
    values = st.sampled_from(pool)
    operators = ["=", "<>", "<", "<=", ">", ">="] if column.ordered else ["=", "<>"]
    found: list[st.SearchStrategy[Any]] = [
        st.builds(Comparison, st.just(name), st.sampled_from(operators), values),
        st.builds(Among, st.just(name), st.lists(values, min_size=1, max_size=2).map(tuple)),
        st.builds(Missing, st.just(name)),
    ]
    if column.ordered:
        found.append(st.builds(Between, st.just(name), values, values))
    if column.role == "flag":
        found.append(st.just(Holds(name)))
    return st.one_of(found)


def _predicates(columns: Mapping[str, Column], pools: Mapping[str, Sequence[Value]]) -> st.SearchStrategy[Predicate]:
    leaves = st.one_of([_leaf(name, columns[name], pool) for name, pool in pools.items()])
    return st.recursive(
        leaves,
        lambda parts: (
            st.builds(Negation, parts)
            | st.builds(Every, st.tuples(parts, parts))
            | st.builds(Either, st.tuples(parts, parts))
        ),
        max_leaves=3,
    )


@st.composite
def _per_child(draw: st.DrawFn) -> PerChild:
    name = draw(st.sampled_from(["placements", "exclusions"]))
    columns, pools = load_catalogue().table(name).columns, POOLS[name]
    where = st.none() | _predicates(columns, pools)
    number = {"placements": "months", "exclusions": "days_lost"}[name]
    counts = st.builds(Tally, st.just("count"), st.none(), where)
    figures = st.builds(Tally, st.sampled_from(["sum", "min", "max"]), st.just(number), where)
    tallies = draw(st.lists(counts | figures, min_size=1, max_size=2, unique=True))
    return PerChild(name, draw(st.booleans()), draw(where), tuple(tallies))


@dataclass(frozen=True)
class Drawn:
    """A source: what FROM names first, and what is joined to it."""

    table: str | PerChild
    joins: tuple[Join, ...]

    @property
    def parts(self) -> tuple[str | PerChild, ...]:
        """Every table, in the order of FROM."""
        return (self.table, *(each.table for each in self.joins))


def has_year(table: str | PerChild) -> bool:
    """Whether its rows are of one academic year each."""
    return isinstance(table, str) or table.by_year


@st.composite
def sources(draw: st.DrawFn, most: int = 3) -> Drawn:
    """One table made from another, or two or three tables, each once."""
    one = st.sampled_from(sorted(POOLS)) | _per_child() if most > 1 else _per_child()
    parts = draw(st.lists(one, min_size=1, max_size=most, unique=True))
    assume(len(parts) > 1 or isinstance(parts[0], PerChild))
    joins: list[Join] = []
    for place, part in enumerate(parts[1:], start=1):
        inner = [each for each in range(place) if each == 0 or not joins[each - 1].outer]
        tied = [each for each in inner if has_year(parts[each]) and has_year(part)]
        joins.append(Join(part, draw(st.booleans()), draw(st.sampled_from([None, *tied]))))
    return Drawn(parts[0], tuple(joins))


def _pool(name: str, column: Column) -> tuple[Value, ...]:
    """Values of a column of the relation; none of a column that no row is drawn with."""
    table, _, local = name.rpartition(".")
    if local == "academic_year":
        return POOLS["child_year"][local]
    if table in POOLS and "-" not in local:
        return POOLS[table].get(local, ())
    if column.role != "measure":
        return ()
    least = [column.value(code) for code in range(min(4, column.present_codes))]
    return tuple(each for each in least if each is not None)


@st.composite
def queries(draw: st.DrawFn, most: int = 3) -> AggregateQuery:
    """A query over a source drawn of so many tables, with columns by the names that the relation gives them."""
    source = draw(sources(most))
    try:
        table = relate(source.table, source.joins, load_catalogue())
    except (QueryRefused, ValueError):
        assume(False)
        raise
    pools = {name: _pool(name, column) for name, column in table.columns.items()}
    pools = {name: pool for name, pool in pools.items() if pool}
    predicates = _predicates(table.columns, pools)
    amounts = [name for name in pools if table.columns[name].is_amount and not name.endswith("academic_year")]
    dimensions = [name for name in pools if table.columns[name].role != "measure"]
    measured: st.SearchStrategy[Any] = st.builds(Indicator, predicates)
    if amounts:
        one = st.sampled_from(amounts)
        measured |= st.builds(ColumnValue, one) | st.builds(Product, st.tuples(one, one))
    maybe = st.none() | predicates
    statistics: st.SearchStrategy[Any] = (
        st.just(CountRows())
        | st.builds(CountChildren, maybe)
        | st.builds(Aggregate, st.sampled_from(["sum", "mean", "variance"]), st.tuples(measured), maybe)
        | st.builds(Aggregate, st.sampled_from(["correlation", "regr_slope"]), st.tuples(measured, measured), maybe)
    )
    groupings: st.SearchStrategy[Any] = st.builds(
        ByCases, predicates.map(lambda each: (("low", each),)), st.sampled_from([None, "high"])
    )
    if dimensions:
        groupings |= st.builds(ByColumn, st.sampled_from(dimensions))
    grouped = tuple(draw(st.lists(groupings, unique=True, max_size=2)))
    items = [*map(Grouped, grouped), *draw(st.lists(statistics, min_size=1, max_size=3))]
    selected = tuple(Selected(f"column_{place}", item) for place, item in enumerate(items))
    return AggregateQuery(source.table, selected, grouped, draw(maybe), joins=source.joins)

"""Rows and whole queries drawn by Hypothesis: a strategy for every node of the query model."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import combinations
from typing import Any, get_args

from hypothesis import strategies as st

from query_engine.catalogue import Category, Value
from query_engine.query.model import (
    Aggregate,
    AggregateQuery,
    ByCases,
    ByColumn,
    ColumnValue,
    CountChildren,
    CountRows,
    Function,
    Grouped,
    Grouping,
    Indicator,
    Measured,
    Product,
    Selected,
)
from query_engine.query.predicate import Among, Between, Comparison, Either, Every, Holds, Missing, Negation, Predicate
from tests.query_engine.small_tables import Row

TABLE = "child_year"
KEY = "child"
CHILDREN = ("a", "b", "c", "d", "e", "f")

# A few values of each column, near enough to each other that conditions are often met and often not.
CATEGORIES: Mapping[str, tuple[Category, ...]] = {
    "sex": ("M", "F", "U"),
    "key_stage": ("key_stage_2", "key_stage_4", "post_16"),
    "host_authority": ("203", "301", "943"),
    "population": ("looked_after", "care_leaver"),
}
NUMBERS: Mapping[str, tuple[int | Decimal, ...]] = {
    "academic_year": (202324, 202425),
    "age": (0, 4, 5, 15, 25),
    "suspensions": (0, 1, 2, 60),
    "suspension_days": (Decimal("0.0"), Decimal("0.5"), Decimal("12.5")),
    "attendance_rate": (Decimal("0.0000"), Decimal("0.8999"), Decimal("0.9000"), Decimal("1.0000")),
}
FLAGS = ("counted_here", "uasc", "persistent_absentee")
NEVER_MISSING = ("academic_year", "population", "counted_here")
GROUPABLE = (*CATEGORIES, "academic_year", "age", *FLAGS)
MEASURES = ("suspensions", "suspension_days", "attendance_rate", *FLAGS)
COLUMNS = (KEY, *CATEGORIES, *NUMBERS, *FLAGS)
VALUES: Mapping[str, tuple[Value, ...]] = {**CATEGORIES, **NUMBERS, **dict.fromkeys(FLAGS, (False, True))}


def _value_of(column: str) -> st.SearchStrategy[Value | None]:
    present = st.sampled_from(VALUES[column])
    return present if column in NEVER_MISSING else st.none() | present


rows: st.SearchStrategy[list[Row]] = st.lists(
    st.fixed_dictionaries({KEY: st.sampled_from(CHILDREN), **{name: _value_of(name) for name in VALUES}}), max_size=25
)
"""Rows of a few children, several to a child, with missing values."""


def _between(column: str) -> st.SearchStrategy[Between]:
    return st.builds(Between, st.just(column), st.sampled_from(NUMBERS[column]), st.sampled_from(NUMBERS[column]))


def _ordered(column: str) -> st.SearchStrategy[Comparison]:
    operators = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
    return st.builds(Comparison, st.just(column), operators, st.sampled_from(NUMBERS[column]))


def _equal(column: str) -> st.SearchStrategy[Comparison]:
    return st.builds(Comparison, st.just(column), st.sampled_from(["=", "<>"]), st.sampled_from(VALUES[column]))


def _among(column: str) -> st.SearchStrategy[Among]:
    listed = st.lists(st.sampled_from(VALUES[column]), min_size=1, max_size=3)
    return st.builds(Among, st.just(column), listed.map(tuple))


def leaves(columns: Sequence[str]) -> Mapping[type, st.SearchStrategy[Predicate]]:
    """Conditions on one of the columns, by the type of node."""
    numbers = st.sampled_from([name for name in columns if name in NUMBERS])
    anything = st.sampled_from(columns)
    return {
        Comparison: anything.flatmap(_equal) | numbers.flatmap(_ordered),
        Among: anything.flatmap(_among),
        Between: numbers.flatmap(_between),
        Missing: st.builds(Missing, anything),
        Holds: st.builds(Holds, st.sampled_from([name for name in columns if name in FLAGS])),
    }


LEAVES = leaves(tuple(VALUES))


def _branches(parts: st.SearchStrategy[Predicate]) -> Mapping[type, st.SearchStrategy[Any]]:
    several = st.lists(parts, min_size=2, max_size=3).map(tuple)
    return {
        Every: st.builds(Every, several),
        Either: st.builds(Either, several),
        Negation: st.builds(Negation, parts),
    }


BRANCHES = tuple(_branches(st.nothing()))


def predicates_over(columns: Sequence[str]) -> st.SearchStrategy[Predicate]:
    """Conditions of every form on some of the columns."""
    return st.recursive(
        st.one_of(*leaves(columns).values()), lambda parts: st.one_of(*_branches(parts).values()), max_leaves=6
    )


predicates = predicates_over(tuple(VALUES))

MEASURED: Mapping[type, st.SearchStrategy[Measured]] = {
    ColumnValue: st.builds(ColumnValue, st.sampled_from(MEASURES)),
    Product: st.builds(Product, st.tuples(st.sampled_from(MEASURES), st.sampled_from(MEASURES))),
    Indicator: st.builds(Indicator, predicates),
}
measured: st.SearchStrategy[Measured] = st.one_of(*MEASURED.values())

FUNCTIONS: tuple[Function, ...] = get_args(Function)
OF_ONE: tuple[Function, ...] = (
    "sum",
    "mean",
    "variance",
    "variance_population",
    "deviation",
    "deviation_population",
)
OF_TWO = tuple(each for each in FUNCTIONS if each not in (*OF_ONE, "quantile"))


def _aggregates(functions: Sequence[Function], of: st.SearchStrategy[tuple[Measured, ...]]) -> st.SearchStrategy[Any]:
    return st.builds(Aggregate, st.sampled_from(functions), of, st.none() | predicates)


STATISTICS: Mapping[type, st.SearchStrategy[Any]] = {
    CountRows: st.builds(CountRows),
    CountChildren: st.builds(CountChildren, st.none() | predicates),
    Aggregate: _aggregates(OF_ONE, st.tuples(measured)) | _aggregates(OF_TWO, st.tuples(measured, measured)),
}
"""Every statistic but quantiles, which a test of their own draws."""


@st.composite
def _cases(draw: st.DrawFn) -> ByCases:
    conditions = draw(st.lists(predicates, min_size=1, max_size=3))
    strings: list[Category] = ["low", "high", "7", "other"]
    numbers: list[Category] = [0, 3, 7, 202425]
    names = draw(st.permutations(strings) | st.permutations(numbers))
    otherwise: Category | None = draw(st.sampled_from([None, names[-1]]))
    return ByCases(tuple(zip(names, conditions, strict=False)), otherwise)


GROUPINGS: Mapping[type, st.SearchStrategy[Grouping]] = {
    ByColumn: st.builds(ByColumn, st.sampled_from(GROUPABLE)),
    ByCases: _cases(),
}


@st.composite
def queries(draw: st.DrawFn) -> AggregateQuery:
    """A query of up to two groupings, with totals or without, and of up to four statistics, in any order."""
    grouped = tuple(draw(st.lists(st.one_of(*GROUPINGS.values()), unique=True, max_size=2)))
    statistics = draw(st.lists(st.one_of(*STATISTICS.values()), min_size=1, max_size=4))
    items = draw(st.permutations([*map(Grouped, grouped), *statistics]))
    selected = tuple(Selected(f"column_{place}", item) for place, item in enumerate(items))
    everything = tuple(range(len(grouped)))
    subsets = [each for size in range(len(grouped)) for each in combinations(everything, size)]
    totals = draw(st.lists(st.sampled_from(subsets), unique=True, max_size=3)) if subsets else []
    sets = (everything, *totals) if totals else ()
    return AggregateQuery(TABLE, selected, grouped, draw(st.none() | predicates), sets)

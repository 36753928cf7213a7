"""Regions are canonical: two conditions have one region exactly when they keep the same rows."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise, product

import pytest
from hypothesis import assume, given, settings

from query_engine.catalogue import Catalogue, GovernedTable
from query_engine.planning.conditions import region_from
from query_engine.planning.region import (
    Region,
    Split,
    columns_of,
    constrain,
    factors,
    intersect,
    possible_ranges,
    unite,
)
from query_engine.query.predicate import Comparison, Either, Every, Missing, Negation, Predicate
from tests.query_engine import strategies
from tests.query_engine.oracle import truth
from tests.query_engine.small_tables import Row

thorough = settings(max_examples=100, derandomize=True, deadline=None)

# Columns few enough that every mixture of their values can be looked at.
SMALL = ("sex", "uasc", "counted_here", "academic_year", "persistent_absentee")
small = strategies.predicates_over(SMALL)


@pytest.fixture(scope="session")
def table(catalogue: Catalogue) -> GovernedTable:
    return catalogue.table("child_year")


def every_row(table: GovernedTable) -> list[Row]:
    values = [
        [*(table.columns[name].domain or ()), *([None] if table.columns[name].nullable else [])] for name in SMALL
    ]
    return [dict(zip(SMALL, mixture, strict=True)) for mixture in product(*values)]


def kept(predicate: Predicate, table: GovernedTable) -> list[bool]:
    return [truth(predicate, row) is True for row in every_row(table)]


def holds(region: Region, row: Row, table: GovernedTable) -> bool:
    """Whether a row lies in a region, found by walking down it."""
    while isinstance(region, Split):
        column, value = table.columns[region.column], row[region.column]
        code = column.present_codes if value is None else column.code(value)
        assert code is not None
        region = next(part for last, part in region.runs if code <= last)
    return region


@thorough
@given(predicate=small)
def test_a_region_holds_the_rows_its_condition_keeps(predicate: Predicate, table: GovernedTable) -> None:
    """Over every mixture of values, missing ones included."""
    region = region_from(predicate, table)
    assert [holds(region, row, table) for row in every_row(table)] == kept(predicate, table)


@thorough
@given(one=small, other=small)
def test_equal_regions_are_equal_conditions(one: Predicate, other: Predicate, table: GovernedTable) -> None:
    """Neither more nor less: conditions that keep the same rows meet, and all others part."""
    same = kept(one, table) == kept(other, table)
    assert (region_from(one, table) == region_from(other, table)) is same


@thorough
@given(one=small, other=small, within=small)
def test_constraining_forgets_what_the_filter_decides(
    one: Predicate, other: Predicate, within: Predicate, table: GovernedTable
) -> None:
    """Constrained to a filter, two regions are equal exactly when they agree on the rows of the filter."""
    a, b, box = (region_from(each, table) for each in (one, other, within))
    assume(box is not False)
    agree = intersect(a, box) == intersect(b, box)
    assert (constrain(a, box) == constrain(b, box)) is agree
    assert intersect(constrain(a, box), box) == intersect(a, box)


@thorough
@given(predicate=strategies.predicates)
def test_factors_make_the_region_again(predicate: Predicate, table: GovernedTable) -> None:
    """A region is the meeting of its factors, whatever columns they are about."""
    region = region_from(predicate, table)
    assume(isinstance(region, Split))
    assert isinstance(region, Split)
    together: Region = True
    for factor in factors(region, table.columns.values()):
        together = intersect(together, factor)
    assert together == region


@thorough
@given(one=strategies.predicates, other=strategies.predicates)
def test_meeting_and_joining_obey_the_laws_of_sets(one: Predicate, other: Predicate, table: GovernedTable) -> None:
    """Order does not matter, absorption holds, and a region is reduced: no two neighbouring runs are alike."""
    a, b = region_from(one, table), region_from(other, table)
    assert intersect(a, b) == intersect(b, a)
    assert unite(a, b) == unite(b, a)
    assert unite(a, intersect(a, b)) == a == intersect(a, unite(a, b))
    for region in splits(unite(a, b)):
        parts = [part for _, part in region.runs]
        assert len(parts) > 1
        assert all(part != after for part, after in pairwise(parts))


def splits(region: Region) -> Iterator[Split]:
    if isinstance(region, Split):
        yield region
        for _, part in region.runs:
            yield from splits(part)


def test_a_column_that_decides_nothing_is_forgotten(table: GovernedTable) -> None:
    """Splits are kept only where they matter."""
    male, young = Comparison("sex", "=", "M"), Comparison("age", "<", 5)
    region = region_from(
        Either((Every((male, young)), Every((male, Negation(young))), Every((male, Missing("age"))))), table
    )
    assert columns_of(region) == {"sex"}


def test_a_decimal_is_cut_at_its_last_place(table: GovernedTable) -> None:
    """`< 0.9` and `<= 0.8999` are one condition on a rate of four decimal places."""
    below = region_from(Comparison("attendance_rate", "<", Decimal("0.9")), table)
    up_to = region_from(Comparison("attendance_rate", "<=", Decimal("0.8999")), table)
    assert below == up_to
    assert possible_ranges(below, table.columns["attendance_rate"]) == [(0, 8999)]


def test_a_region_too_large_to_take_apart_is_left_whole(table: GovernedTable, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rendering never fails for want of a smaller form."""
    region = region_from(Either((Comparison("sex", "=", "M"), Comparison("age", "<", 5))), table)
    assert isinstance(region, Split)
    monkeypatch.setattr("query_engine.planning.region.SIZE_LIMIT", 1)
    assert factors(region, table.columns.values()) == [region]


def test_a_region_shows_little_of_itself(table: GovernedTable) -> None:
    """A failed assertion prints one line."""
    assert repr(region_from(Comparison("sex", "=", "M"), table)) == "<Split by sex, 2 runs>"

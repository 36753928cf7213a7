"""What noise is fitted to holds of what a node loads: one row for a child in a year, no value beyond its bounds."""

from typing import Any

import duckdb

from query_engine.catalogue import load_catalogue
from query_engine.columns import GovernedTable
from tests.small_federation import SmallFederation

SINGLE = [each for each in load_catalogue().tables.values() if each.rows_per_child_year == 1]
"""The tables of which the plan counts on one row for each child and academic year."""


def ask(federation: SmallFederation, authority: str, table: GovernedTable, select: str) -> tuple[Any, ...]:
    """The one row that a SELECT over a table of an authority's snapshot has."""
    snapshot = federation.node(authority).store.current()
    assert snapshot is not None
    query = duckdb.sql("SELECT " + select.replace("FROM rows", f"FROM '{snapshot.tables[table.name]}'"))
    assert query is not None
    (found,) = query.fetchall()
    return tuple(found)


def test_a_child_has_one_row_in_a_year(federation: SmallFederation) -> None:
    assert {each.name for each in SINGLE} == {"child_year", "pupil_year"}
    for authority in federation.authorities:
        for table in SINGLE:
            select = f"count(*), count(DISTINCT ({table.child_key}, academic_year)) FROM rows"
            rows, children = ask(federation, authority, table, select)
            assert rows == children > 0


def test_what_is_said_to_be_the_childs_is_alike_in_all_rows_of_a_year(federation: SmallFederation) -> None:
    """What counts of children in tables with several rows for each are added up over."""
    several = [each for each in load_catalogue().tables.values() if each.rows_per_child_year > 1]
    assert all(len(each.child_columns) == 8 for each in several)
    for table in several:
        own, child = ", ".join(sorted(table.child_columns)), table.child_key
        select = f"count(DISTINCT ({own}, {child})), count(DISTINCT ({child}, academic_year)) FROM rows"
        told, children = ask(federation, federation.authorities[0], table, select)
        assert told == children, table.name


def test_no_value_is_beyond_its_bounds(federation: SmallFederation) -> None:
    """Of any measure of any table: what a row adds to a sum is no more than the plan says."""
    authority = federation.authorities[0]
    for table in load_catalogue().tables.values():
        select = f"count(*) FROM rows WHERE {beyond(table)}"
        assert ask(federation, authority, table, select) == (0,), table.name


def beyond(table: GovernedTable) -> str:
    """A condition on rows with a value that is more or less than the catalogue says."""
    ends = {name: each.bounds for name, each in table.columns.items() if each.bounds is not None}
    return " OR ".join([f"{name} NOT BETWEEN {low} AND {high}" for name, (low, high) in ends.items()]) or "false"

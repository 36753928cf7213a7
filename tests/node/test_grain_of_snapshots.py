"""What noise is fitted to holds of what a node loads: one row for a child in a year, no value beyond its bounds."""

from typing import Any

import duckdb

from query_engine.catalogue import load_catalogue
from query_engine.columns import Codes, Column, GovernedTable, Implied, Met
from tests.small_federation import SmallFederation

SINGLE = [each for each in load_catalogue().tables.values() if each.rows_per_child_year == 1]
"""The tables of which the plan counts on one row for each child and academic year."""


def ask(federation: SmallFederation, authority: str, table: GovernedTable, select: str) -> tuple[Any, ...]:
    """The one row that a SELECT over a table of an authority's snapshot has."""
    snapshot = federation.node(authority).store.current()
    assert snapshot is not None
    query = duckdb.sql("SELECT " + select.replace("FROM rows", f"FROM '{snapshot.tables[table.name]}' AS {table.name}"))
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


def test_what_is_said_to_follow_is_true_of_everybody(federation: SmallFederation) -> None:
    """By the columns' definitions: what answers about some columns are set against those about others by."""
    for authority in federation.authorities:
        for table in load_catalogue().tables.values():
            own = [each for each in table.implied if can_say(table, each)]
            assert len(own) > (15 if table in SINGLE else 4)
            broken = [f"count(*) FILTER (WHERE {meet(each.when)} AND NOT {meet(each.then)})" for each in own]
            assert set(ask(federation, authority, table, f"{', '.join(broken)} FROM rows")) == {0}, table.name
    table = load_catalogue().table("child_year")
    met = [f"count(*) FILTER (WHERE {meet(each.when)})" for each in table.implied if can_say(table, each)]
    found = ask(federation, federation.authorities[0], table, f"{', '.join(met)} FROM rows")
    assert sum(count > 0 for count in found) > len(found) / 2


def test_rows_are_had_by_whom_the_catalogue_says(federation: SmallFederation) -> None:
    """Whoever has such a row is one of those children, and each of those has one."""
    seen = set()
    for authority in federation.authorities:
        snapshot = federation.node(authority).store.current()
        assert snapshot is not None
        for had in load_catalogue().table("child_year").had_by:
            alike = [f"{row.name} IS NOT DISTINCT FROM c.{child.name}" for row, child in had.alike]
            both = " AND ".join([meet(had.children, "c."), *alike])
            rows = f"FROM '{snapshot.tables[had.table]}' AS {had.table}"
            children = f"FROM '{snapshot.tables['child_year']}' AS c"
            joined = f"{rows} JOIN ({children}) AS c USING (child, academic_year)"
            table = load_catalogue().table("child_year")
            (others,) = ask(federation, authority, table, f"count(*) {joined} WHERE {meet(had.rows)} AND NOT ({both})")
            own = " AND ".join([meet(had.rows), *alike, f"{had.table}.child = c.child"])
            own += f" AND {had.table}.academic_year = c.academic_year"
            lacking = f"count(*) FILTER (WHERE NOT EXISTS ({rows} WHERE {own})), count(*) {children}"
            lacks, all_of_them = ask(federation, authority, table, f"{lacking} WHERE {meet(had.children, 'c.')}")
            assert not (had.rows_tell and others), had
            assert not (had.children_tell and lacks), had
            seen |= {had} if all_of_them else set()
    assert len(seen) > 10


def can_say(table: GovernedTable, implied: Implied) -> bool:
    """Whether all that is implied is about columns of a table."""
    return implied.names <= {table.word(name) for name in table.columns}


def meet(met: Met, of: str = "") -> str:
    """SQL that is true where a condition is met, and false of others."""
    return f"({' AND '.join(is_one_of(column, codes, of) for column, codes in met) or 'true'})"


def is_one_of(column: Column, codes: Codes, of: str = "") -> str:
    """SQL that is true where a column's value is among these codes, and false of others."""
    name, spans = of + column.name, []
    for first, last in codes:
        if first == column.present_codes:
            spans.append(f"{name} IS NULL")
        elif column.domain is not None:
            values = ", ".join(map(repr, column.domain[first : last + 1]))
            spans.append(f"coalesce({name} IN ({values}), false)")
        else:
            low, high = map(column.value, (first, last))
            spans.append(f"coalesce({name} BETWEEN {low} AND {high}, false)")
    return f"({' OR '.join(spans)})"


def test_children_of_every_table_are_in_the_one_with_a_row_for_each(federation: SmallFederation) -> None:
    snapshot = federation.node(federation.authorities[0]).store.current()
    assert snapshot is not None
    assert ask(federation, federation.authorities[0], load_catalogue().table("placements"), "count(*) FROM rows") > (0,)
    for table in load_catalogue().tables.values():
        if table.rows_per_child_year > 1:
            own = ", ".join(sorted({*table.child_columns, table.child_key}))
            beside = f"SELECT {own} FROM '{snapshot.tables['child_year']}'"
            missing = f"count(*) FROM (SELECT {own} FROM rows EXCEPT {beside})"
            assert ask(federation, federation.authorities[0], table, missing) == (0,), table.name


def test_pupils_in_care_are_no_more_than_the_children_whom_they_are_said_to_be(federation: SmallFederation) -> None:
    """Over all of them, and in every category of every column that is said to be alike."""
    pupils = load_catalogue().table("pupil_year")
    shared = pupils.same_children
    assert shared is not None
    some = 0
    for authority in federation.authorities:
        snapshot = federation.node(authority).store.current()
        assert snapshot is not None
        for group, values in shared.groups.items():
            said = " AND ".join(f"{name} = {value!r}" for name, value in values.items())
            for column in sorted(shared.alike):
                inside = (
                    f"SELECT {column} AS at, count(*) AS n FROM rows WHERE {shared.column} = '{group}' GROUP BY ALL"
                )
                children = f"FROM '{snapshot.tables['child_year']}' WHERE {said}"
                wide = f"SELECT {column} AS at, count(*) AS n {children} GROUP BY ALL"
                joined = f"({inside}) AS i LEFT JOIN ({wide}) AS w ON i.at IS NOT DISTINCT FROM w.at"
                more, all_of_them = ask(
                    federation,
                    authority,
                    pupils,
                    f"count(*) FILTER (WHERE i.n > coalesce(w.n, 0)), coalesce(sum(i.n), 0) FROM {joined}",
                )
                assert more == 0, (authority, group, column)
                some += all_of_them
    assert some > 0


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

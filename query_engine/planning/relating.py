"""From the FROM of a query to its relation: the same one for every order of joins, every alias and every spelling."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import reduce
from types import MappingProxyType
from typing import Any

from query_engine.catalogue import Catalogue, Column, GovernedTable
from query_engine.planning.canonical import canonical_region
from query_engine.planning.conditions import region_from
from query_engine.planning.region import Region, columns_of, intersect, region_of
from query_engine.planning.relation import FILLED, YEAR, Columns, Part, Relation
from query_engine.planning.tallying import plan_part
from query_engine.query.model import AggregateQuery, Join, PerChild
from query_engine.refusal import QueryRefused, RefusalCode


def settle_source(query: AggregateQuery, catalogue: Catalogue) -> tuple[GovernedTable, Region]:
    """The table that a query reads, and the rows of it that WHERE keeps. Raises `QueryRefused` and `RegionTangled`.

    A LEFT JOIN of which WHERE keeps no row without a match is a plain one, whichever way it was written.
    """
    joins = query.joins
    while True:
        table = relate(query.table, joins, catalogue)
        where = region_from(query.where, table)
        if where is False:
            raise QueryRefused(RefusalCode.CONSTANT_CONDITION, "No row can meet the conditions of WHERE all at once.")
        settled = tuple(_settled(each, table, where, catalogue) for each in joins)
        if settled == joins:
            return table, where
        joins = settled


def check_joins_used(table: GovernedTable, used: frozenset[str]) -> None:
    """Check that every LEFT JOIN changes something, so that one question has one spelling. Raises `QueryRefused`."""
    if not isinstance(table, Relation):
        return
    needed = {table.part_of(name).name for name in used}
    for part in table.parts:
        if part.outer and part.is_single and part.name not in needed:
            reason = f"The LEFT JOIN of what is worked out from {part.table.name} changes nothing: leave it out."
            raise QueryRefused(RefusalCode.JOIN, reason)


def _settled(join: Join, table: GovernedTable, where: Region, catalogue: Catalogue) -> Join:
    if not join.outer or isinstance(where, bool):
        return join
    assert isinstance(table, Relation)  # it has a join
    name = plan_part(join.table, catalogue).name
    own = [table.columns[each] for each in sorted(columns_of(where)) if table.part_of(each).name == name]
    absent = (region_of(each, [(each.present_codes, each.codes - 1)]) for each in own)
    return replace(join, outer=_both(where, absent) is not False)


def _both(where: Region, others: Iterable[Region]) -> Region:
    return reduce(intersect, others, where)


def relate(table: str | PerChild, joins: Sequence[Join], catalogue: Catalogue) -> GovernedTable:
    """The table that FROM makes: a governed table itself where it names no more. Raises as `plan_part` does."""
    if isinstance(table, str) and not joins:
        return catalogue.table(table)
    drafts = [plan_part(table, catalogue), *(plan_part(each.table, catalogue) for each in joins)]
    _check_joined(drafts, joins)
    parts = _in_order(_with_years(drafts, joins))
    columns = [(place, *each) for place, part in enumerate(parts) for each in _columns_of(part)]
    origins: dict[str, tuple[int, str]] = {}
    for place, _, column, local in columns:
        origins.setdefault(column.name, (place, local))
    first = parts[0].table
    return Relation(
        name=", ".join(sorted({each.table.name for each in parts})),
        grain="one row for each match of the tables joined" if joins else "one row for each child",
        description="",
        authority_column=first.authority_column,
        child_key=first.child_key,
        typical_size=min(each.table.typical_size for each in parts if not each.outer),
        rows_per_child_year=1,
        child_columns=frozenset(),
        columns=Columns((called, column) for _, called, column, _ in columns),
        parts=parts,
        origins=MappingProxyType(origins),
        canonical=_canonical(parts),
    )


def _check_joined(drafts: Sequence[Part], joins: Sequence[Join]) -> None:
    """Check what the reader of the text has checked already, with a word to the asker. Raises `ValueError`."""
    first = drafts[0].table
    for draft in drafts:
        if (draft.table.child_key, draft.table.authority_column) != (first.child_key, first.authority_column):
            raise ValueError("tables of different keys cannot be joined")
    if len({each.name for each in drafts}) < len(drafts):
        raise ValueError("a table is joined to itself")
    for place, join in enumerate(joins, start=1):
        if join.year_of is not None and not (drafts[place].has_year and drafts[join.year_of].has_year):
            raise ValueError("a table without an academic year cannot be joined by it")


def _with_years(drafts: Sequence[Part], joins: Sequence[Join]) -> Iterator[Part]:
    """The parts with the columns of their years: one for all that are joined by year, named after the first of them."""
    together: dict[int, list[int]] = {}
    root = {0: 0}
    for place, join in enumerate(joins, start=1):
        root[place] = place if join.year_of is None else root[join.year_of]
    outer = {place for place, join in enumerate(joins, start=1) if join.outer}
    for place in range(len(drafts)):
        if place not in outer and drafts[place].has_year:
            together.setdefault(root[place], []).append(place)
    names = {each: f"{min(drafts[place].name for place in places)}.{YEAR}" for each, places in together.items()}
    for place, draft in enumerate(drafts):
        if place not in outer:
            yield replace(draft, year=names[root[place]] if draft.has_year else None)
        else:
            tied = names[root[place]] if joins[place - 1].year_of is not None else None
            yield replace(draft, outer=True, year=f"{draft.name}.{YEAR}" if draft.has_year else None, tied=tied)


def _in_order(parts: Iterator[Part]) -> tuple[Part, ...]:
    """Those that are joined plainly come first, in order of their names: the order of joins says nothing."""
    return tuple(sorted(parts, key=lambda each: (each.outer, each.name)))


def _columns_of(part: Part) -> Iterator[tuple[str, Column, str]]:
    """The columns of one part: what queries call each, the column, and its name in the part."""
    table = part.table
    shared = {table.child_key: table.child_key, table.authority_column: table.authority_column}
    if part.outer:
        shared = {}
    for local, column in table.columns.items():
        called = f"{part.name}.{local}"
        if local == YEAR and part.year is not None:
            yield called, replace(column, name=part.year, nullable=column.nullable or part.outer), local
        elif local in shared:
            yield called, replace(column, name=shared[local]), local
        elif part.rows is None and local not in (table.child_key, table.authority_column):
            yield called, replace(column, name=called, nullable=column.nullable or part.outer), local
    for tally in part.rows.tallies if part.rows is not None else ():
        own = replace(tally.column, nullable=tally.column.nullable or part.outer)
        yield own.name, own, own.name
        if tally.function == "count":
            yield own.name + FILLED, _filled(own), own.name


def _filled(count: Column) -> Column:
    """The count with 0 for a child that the table has no row for; the count itself where no child can lack one."""
    assert count.bounds is not None
    starts = tuple(sorted({count.bounds[0] * 0, *count.bins}))
    name = count.name + FILLED if count.nullable else count.name
    return replace(count, name=name, bounds=(starts[0], count.bounds[1]), bins=starts, nullable=False, fills=count.name)


def _canonical(parts: tuple[Part, ...]) -> dict[str, Any]:
    """What is joined, whatever the order: the parts, and the years that they share."""
    return {part.name: [_canonical_part(part), part.outer, part.year, part.tied] for part in parts}


def _canonical_part(part: Part) -> Any:
    if part.rows is None:
        return part.table.name
    return [part.table.name, part.rows.by_year, canonical_region(part.rows.where, part.table)]

"""The table that FROM makes of several governed ones: what its columns come from, which rows it reaches, its name.

A relation is a governed table like any other to whoever plans, measures, protects and describes: its columns have
public values, and its rows belong to children. It is never stored: an engine makes it of the governed tables. The child
and the authority are one column each; any other is `table.column`, with one academic year, that of the first table by
name, for all tables joined by it; and what is worked out for each child is named by a digest of what it is, so that no
name depends on the asker's aliases.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from query_engine.columns import Column, GovernedTable
from query_engine.planning.region import Region, columns_of, possible_ranges
from query_engine.query.model import TallyFunction

YEAR = "academic_year"
"""The column of every governed table by which rows of one year can be joined to each other."""

FILLED = " or 0"
"""What follows a column's name in that of the same column with 0 for missing."""


@dataclass(frozen=True, slots=True)
class TallyColumn:
    """What a table with a row for each child holds of the child: over those of its rows where `where` holds."""

    function: TallyFunction
    source: str | None
    where: Region
    column: Column


@dataclass(frozen=True, slots=True)
class PerChildRows:
    """How the rows of a governed table become one for each child, or for each child and academic year."""

    by_year: bool
    where: Region
    tallies: tuple[TallyColumn, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One table of FROM: `table` as it is, or a row for each child of it.

    `outer` says that the other tables' rows stay where this one has none. `year` names the relation's column of its
    academic year, if it has one, and `tied` the one that an outer part's own is equal to.
    """

    name: str
    table: GovernedTable
    rows: PerChildRows | None
    outer: bool = False
    year: str | None = None
    tied: str | None = None

    @property
    def has_year(self) -> bool:
        """Whether its rows are of one academic year each."""
        return YEAR in self.table.columns if self.rows is None else self.rows.by_year

    @property
    def is_single(self) -> bool:
        """Whether it has at most one row to join to a row of the others."""
        return self.rows is not None and (not self.rows.by_year or self.tied is not None)

    def tally(self, name: str) -> TallyColumn | None:
        """What a column of the relation holds, if this part works it out."""
        tallies = self.rows.tallies if self.rows is not None else ()
        return next((each for each in tallies if each.column.name == name), None)


class Columns(Mapping[str, Column]):
    """The columns of a relation by name. A query may call one by another name too, which is not among the names."""

    def __init__(self, called: Iterable[tuple[str, Column]]) -> None:
        self._called = dict(called)
        self._own: dict[str, Column] = {}
        for column in self._called.values():
            self._own.setdefault(column.name, column)

    def __getitem__(self, name: str) -> Column:
        return self._own[name] if name in self._own else self._called[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._own)

    def __len__(self) -> int:
        return len(self._own)


@dataclass(frozen=True, slots=True)
class Relation(GovernedTable):
    """A table made by FROM.

    `origins` has for each column the place of its part in `parts`, and its name there. `canonical` says as JSON what
    is joined, in an order of its own.
    """

    parts: tuple[Part, ...]
    origins: Mapping[str, tuple[int, str]] = field(repr=False)
    canonical: Mapping[str, Any] = field(repr=False)

    def part_of(self, name: str) -> Part:
        """The part that a column comes from."""
        return self.parts[self.origins[name][0]]


def tables_of(table: GovernedTable) -> tuple[str, ...]:
    """The names of the governed tables that are read, in order."""
    if not isinstance(table, Relation):
        return (table.name,)
    return tuple(sorted({each.table.name for each in table.parts}))


def governed_columns(table: GovernedTable, used: Iterable[str]) -> set[Column]:
    """The governed tables' own columns behind those of a relation, with all that its parts are made by."""
    if not isinstance(table, Relation):
        return {table.columns[name] for name in used}
    found: set[Column] = set()
    for part in table.parts:
        if part.rows is not None:
            found |= {part.table.columns[name] for name in columns_of(part.rows.where)}
    for name in used:
        found |= _behind(table.part_of(name), table.origins[name][1])
    return found


def items_of(table: GovernedTable, used: Iterable[str]) -> frozenset[tuple[str, str]]:
    """The governed columns behind those of a relation, as `governed_columns` has them, each with its table's name."""
    if not isinstance(table, Relation):
        return frozenset((table.name, name) for name in used)
    found: set[tuple[str, str]] = set()
    for part in table.parts:
        if part.rows is not None:
            found |= {(part.table.name, name) for name in columns_of(part.rows.where)}
    for name in used:
        part = table.part_of(name)
        found |= {(part.table.name, column.name) for column in _behind(part, table.origins[name][1])}
    return frozenset(found)


def columns_behind(table: GovernedTable, name: str) -> frozenset[str]:
    """The governed columns that one column says something of, by their names in the catalogue."""
    if not isinstance(table, Relation):
        return frozenset({name})
    return frozenset(each.name for each in _behind(table.part_of(name), table.origins[name][1]))


def _behind(part: Part, local: str) -> set[Column]:
    tally = part.tally(local)
    if tally is None:
        return {part.table.columns[local]}
    names = columns_of(tally.where) | ({tally.source} if tally.source else set())
    return {part.table.columns[name] for name in names}


def years_reached(table: GovernedTable, where: Region) -> tuple[int, ...]:
    """The academic years of which any row has a say in the answer; none for a table that has no such column."""
    if not isinstance(table, Relation):
        return tuple(sorted(_years(table.columns.get(YEAR), where)))
    reached: set[int] = set()
    of_column: dict[str, set[int]] = {}
    for part in table.parts:
        own = part.table.columns.get(YEAR)
        inside = _years(own, part.rows.where) if part.rows is not None else _years(own, True)
        if part.year is None:
            reached |= inside
        elif part.tied is None:
            column = table.columns[part.year]
            of_column[column.name] = of_column.get(column.name, inside) & inside & _years(column, where)
    return tuple(sorted(reached.union(*of_column.values())))


def _years(column: Column | None, where: Region) -> set[int]:
    if column is None:
        return set()
    codes = [code for first, last in possible_ranges(where, column) for code in range(first, last + 1)]
    return {year for year in map(column.value, codes) if isinstance(year, int)}

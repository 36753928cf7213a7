"""Reads FROM, its joins and WITH, and works out what the names of a query can mean there."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from query_engine.catalogue import Catalogue, GovernedTable
from query_engine.language.from_tables import Entry, TableReader
from query_engine.language.join_conditions import check_joinable, check_kind, read_year
from query_engine.language.scope import Named, Scope, check_arguments
from query_engine.language.text import QueryText
from query_engine.planning.region import RegionTangled
from query_engine.planning.relating import relate
from query_engine.planning.relation import FILLED, YEAR
from query_engine.planning.tallying import plan_part
from query_engine.query.model import Join, PerChild
from query_engine.refusal import QueryRefused, RefusalCode

JOIN_LIMIT = 4
"""The most tables that may be joined to the first."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a query reads, as the model has it, and what names mean there."""

    table: str | PerChild
    joins: tuple[Join, ...]
    scope: Scope


def read_source(text: QueryText, select: exp.Select, catalogue: Catalogue) -> Source:
    """FROM and its joins. Raises `QueryRefused`."""
    source = select.args.get("from_")
    if source is None:
        reason = f"The query names no table. Add FROM and one of {', '.join(catalogue.tables)}."
        raise text.refuse(RefusalCode.UNKNOWN_TABLE, reason, select)
    check_arguments(text, source, {"this"})
    reader = TableReader(text, catalogue, select.args.get("with_"))
    first = reader.read(source.this)
    entries = [replace(first, year=0 if first.has_year else None)]
    joined: list[Join] = []
    for node in select.args.get("joins") or ():
        if len(joined) == JOIN_LIMIT:
            raise text.refuse(RefusalCode.JOIN, f"A query may join {JOIN_LIMIT} tables to the first.", node)
        entry, join = _joined(text, node, reader, entries)
        entries.append(entry)
        joined.append(join)
    reader.check_all_read()
    return Source(first.table, tuple(joined), _scope(text, entries, joined, catalogue))


def _joined(text: QueryText, node: exp.Join, reader: TableReader, earlier: Sequence[Entry]) -> tuple[Entry, Join]:
    check_kind(text, node)
    entry = replace(reader.read(node.this), outer=node.side.upper() == "LEFT")
    check_joinable(text, entry, earlier, node.this)
    year = read_year(text, node, entry, earlier)
    own = len(earlier) if entry.has_year else None
    return replace(entry, year=own if year is None else year), Join(entry.table, entry.outer, year)


def _scope(text: QueryText, entries: Sequence[Entry], joins: Sequence[Join], catalogue: Catalogue) -> Scope:
    try:
        table = relate(entries[0].table, joins, catalogue)
        years = [None, *(join.year_of for join in joins)]
        named = [_named(entry, year, table, catalogue) for entry, year in zip(entries, years, strict=True)]
    except RegionTangled:
        reason = "The conditions of a table with a row for each child combine too many columns: ask with fewer ORs."
        raise QueryRefused(RefusalCode.FILTER_TANGLED, reason) from None
    return Scope(text, table, tuple(named))


def _named(entry: Entry, year_of: int | None, table: GovernedTable, catalogue: Catalogue) -> Named:
    """What a table's columns are called in the whole. A year that is joined by means that of the rows joined to."""
    if table is entry.governed:
        return Named(entry.names, {name: name for name in table.columns})
    part = plan_part(entry.table, catalogue)
    local = {name: f"{part.name}.{name}" for name in entry.governed.columns}
    columns = {name: key for name, key in local.items() if key in table.columns}
    if part.rows is not None:
        columns |= {label: each.column.name for label, each in zip(entry.labels, part.rows.tallies, strict=True)}
    hidden = {YEAR} if entry.outer and year_of is not None else set()
    return Named(entry.names, columns, frozenset(hidden), entry.outer)


def mark_filled(select: exp.Select) -> None:
    """Write `COALESCE(column, 0)` as the column with a mark that `Scope` knows, so that it stands wherever one can."""
    for node in list(select.find_all(exp.Coalesce)):
        others = node.expressions
        if isinstance(node.this, exp.Column) and len(others) == 1 and others[0] == exp.Literal.number(0):
            node.this.meta[FILLED] = True
            node.replace(node.this)

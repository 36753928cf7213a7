"""FROM worked out row by row in Python, and written out as SQL: with nothing shared with the planner but names."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from query_engine.catalogue import Value, load_catalogue
from query_engine.planning.relating import relate
from query_engine.planning.relation import FILLED
from query_engine.planning.tallying import plan_part
from query_engine.query.model import AggregateQuery, Join, PerChild, Tally
from tests.query_engine.oracle import truth
from tests.query_engine.small_tables import Row
from tests.query_engine.source_strategies import Tables
from tests.query_engine.spelling import spell, spell_predicate

Local = Mapping[str, Any]


def joined_rows(query: AggregateQuery, tables: Tables) -> list[Row]:
    """The rows that FROM makes, with columns by the names of the relation."""
    parts = [query.table, *(each.table for each in query.joins)]
    found: list[tuple[Local | None, ...]] = [(row,) for row in _rows(query.table, tables)]
    for join in query.joins:
        found = [match for row in found for match in _matches(row, join, list(_rows(join.table, tables)))]
    names = _names(query)
    return [{key: _value(row[place], local) for key, (place, local) in names.items()} for row in found if parts]


def _value(row: Local | None, local: str) -> Value | None:
    if row is None:
        return 0 if local.endswith(FILLED) else None
    return row[local.removesuffix(FILLED)]  # type: ignore[no-any-return]


def _matches(row: tuple[Local | None, ...], join: Join, others: Sequence[Local]) -> list[tuple[Local | None, ...]]:
    first = row[0]
    assert first is not None
    years = row[join.year_of] if join.year_of is not None else None
    found = [
        (*row, other)
        for other in others
        if other["child"] == first["child"] and (years is None or other["academic_year"] == years["academic_year"])
    ]
    return found or ([(*row, None)] if join.outer else [])


def _rows(table: str | PerChild, tables: Tables) -> Iterator[Local]:
    if isinstance(table, str):
        yield from tables[table]
        return
    kept = [row for row in tables[table.table] if table.where is None or truth(table.where, row) is True]
    keys = ("child", "academic_year") if table.by_year else ("child",)
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in kept:
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    for key, rows in groups.items():
        worked_out = {f"t{place}": _tallied(each, rows) for place, each in enumerate(table.tallies)}
        yield dict(zip(keys, key, strict=True)) | {"home_authority": "301"} | worked_out


def _tallied(tally: Tally, rows: Sequence[Row]) -> Value | None:
    inside = [row for row in rows if tally.where is None or truth(tally.where, row) is True]
    if tally.column is None:
        return len(inside)
    values: list[Any] = [row[tally.column] for row in inside if row[tally.column] is not None]
    return {"sum": sum, "min": min, "max": max}[tally.function](values) if values else None  # type: ignore[operator]


def _names(query: AggregateQuery) -> dict[str, tuple[int, str]]:
    """By each name of the relation the place of the table in FROM, and the column's own name there."""
    catalogue = load_catalogue()
    table = relate(query.table, query.joins, catalogue)
    found: dict[str, tuple[int, str]] = {}
    inner_first = sorted(range(len(query.joins) + 1), key=lambda place: bool(place and query.joins[place - 1].outer))
    for place in inner_first:
        part = plan_part(query.table if place == 0 else query.joins[place - 1].table, catalogue)
        outer = bool(place and query.joins[place - 1].outer)
        own = [*part.table.columns] if part.rows is None else ["child", "home_authority", "academic_year"]
        for local in own:
            key = f"{part.name}.{local}"
            if key in table.columns and _is_known(part.table.name, local):
                found.setdefault(table.columns[key].name, (place, local))
        for number, tally in enumerate(part.rows.tallies if part.rows else ()):
            found[tally.column.name] = (place, f"t{number}")
            if outer and tally.function == "count":
                found[tally.column.name + FILLED] = (place, f"t{number}{FILLED}")
    return found


def _is_known(table: str, local: str) -> bool:
    from tests.query_engine.source_strategies import POOLS

    return local in ("child", "home_authority") or local in POOLS[table]


def spell_query(query: AggregateQuery, *, common: bool = False) -> str:
    """The query as SQL, with what is worked out for each child in FROM, or in WITH where `common`."""
    table = relate(query.table, query.joins, load_catalogue())
    parts = [query.table, *(each.table for each in query.joins)]
    before, _, after = spell(replace(query, table="@", joins=()), table).partition(" FROM @")
    spelled = {name: _spelled(place, local) for name, (place, local) in _names(query).items()}
    names = re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in sorted(spelled, key=len, reverse=True)))
    before, after = (names.sub(lambda match: spelled[match.group()], each) for each in (before, after))
    named = [f"({_select(each)})" if isinstance(each, PerChild) else each for each in parts]
    ctes = [f"s{place} AS {each}" for place, each in enumerate(named) if each.startswith("(")] if common else []
    tables = [
        f"s{place}" if common and each.startswith("(") else f"{each} AS s{place}" for place, each in enumerate(named)
    ]
    joins = " ".join(_join(place, each, tables[place]) for place, each in enumerate(query.joins, start=1))
    beginning = f"WITH {', '.join(ctes)} " if ctes else ""
    return f"{beginning}{before} FROM {tables[0]} {joins}{after}"


def _spelled(place: int, local: str) -> str:
    column = f"s{place}.{local.removesuffix(FILLED)}"
    return f"COALESCE({column}, 0)" if local.endswith(FILLED) else column


def _join(place: int, join: Join, table: str) -> str:
    year = f" AND s{join.year_of}.academic_year = s{place}.academic_year" if join.year_of is not None else ""
    return f"{'LEFT ' if join.outer else ''}JOIN {table} ON s{place}.child = s0.child{year}"


def _select(table: PerChild) -> str:
    keys = "child, academic_year" if table.by_year else "child"
    tallies = "".join(f", {_tally(each)} AS t{place}" for place, each in enumerate(table.tallies))
    where = f" WHERE {spell_predicate(table.where)}" if table.where else ""
    return f"SELECT {keys}{tallies} FROM {table.table}{where} GROUP BY {keys}"


def _tally(tally: Tally) -> str:
    called = "COUNT(*)" if tally.column is None else f"{tally.function.upper()}({tally.column})"
    return called + (f" FILTER (WHERE {spell_predicate(tally.where)})" if tally.where else "")

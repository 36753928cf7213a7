"""The maps that the record goes by: which authority an area belonged to in each year, and which it belongs to today."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from query_engine.catalogue import load_catalogue
from query_engine.geography import (
    authorities_of,
    authority_then,
    former_authorities,
    load_authorities,
    load_every_authority,
    today_of,
)

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def draw_maps(connection: DuckDBPyConnection, authority: str) -> None:
    """Make the tables that the record's SQL looks authorities up in, for the node of one authority of today.

    | table | columns | |
    |---|---|---|
    | `authority_region` | authority, region | today's authorities |
    | `authority_map` | year, today, authority | who had the area of one of today's; NULL where several had |
    | `authority_heir` | former, today | who has the whole area of one of the past |
    | `home` | academic_year, authority, region, is_split | this authority as it was in each year |
    """
    today = load_authorities()
    _write(
        connection, "authority_region", ("authority", "region"), [(each.code, each.region) for each in today.values()]
    )
    _write(connection, "authority_map", ("year", "today", "authority"), list(_areas()))
    _write(connection, "authority_heir", ("former", "today"), list(_heirs()))
    homes = [(year, *home_in(authority, year)) for year in _years()]
    _write(connection, "home", ("academic_year", "authority", "region", "is_split"), homes)


def home_in(authority: str, year: int) -> tuple[str, str, bool]:
    """An authority of today as it was in an academic year: its code then, its region, and whether it shared that code.

    Where it was put together from several it keeps today's code. Where it was part of an authority that was split, the
    code was shared with the other parts.
    """
    then = authority_then(authority, year)
    if then is None:
        return authority, load_authorities()[authority].region, False
    return then, authorities_of(year)[then].region, today_of(then, year) is None


def _years() -> Sequence[int]:
    domain = load_catalogue().table("child_year").columns["academic_year"].domain or ()
    return [year for year in domain if isinstance(year, int)]


def _areas() -> Iterable[tuple[int, str, str | None]]:
    for year in _years():
        then = authorities_of(year)
        for code in load_authorities():
            yield year, code, code if code in then else authority_then(code, year)


def _heirs() -> Iterable[tuple[str, str | None]]:
    for code in former_authorities():
        last = next(each.valid_to for each in load_every_authority() if each.code == code)
        assert last is not None
        yield code, today_of(code, (last.year - 1) * 100 + last.year % 100)


def _write(connection: DuckDBPyConnection, name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    types = {"year": "INTEGER", "academic_year": "INTEGER", "is_split": "BOOLEAN"}
    declared = ", ".join(f"{column} {types.get(column, 'VARCHAR')}" for column in columns)
    connection.execute(f"CREATE TABLE {name} ({declared})")
    chosen = ", ".join(f"unnest(${column}::{types.get(column, 'VARCHAR')}[]) AS {column}" for column in columns)
    values = {column: [row[place] for row in rows] for place, column in enumerate(columns)}
    connection.execute(f"INSERT INTO {name} SELECT {chosen}", values)

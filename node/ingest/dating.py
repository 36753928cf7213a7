"""Finds the period of every file that was read: from its name, from its episodes, or from the files beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from node.ingest.periods import Period, academic_year_ending, census_period, period_named, year_of_return
from node.ingest.sources import InputFile
from node.ingest.staged import StagedRows
from query_engine.catalogue import load_catalogue

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_Directories = Mapping[Path, Period]


def date_files(
    connection: DuckDBPyConnection, files: Sequence[InputFile], *, year: int | None, earlier: StagedRows
) -> list[InputFile]:
    """The files with their periods. A file whose period nothing tells keeps none, and all its rows are rejected.

    A return is the files of one directory, and covers `year` (ending 31 March of it) where that is given; otherwise
    the year of the latest episode in it that is not in the future.
    """
    returns = _returns(connection, files)
    stated = Period(academic_year_ending(year)) if year is not None else None
    usual = stated or _latest(returns.values()) or _latest(period for _, period in earlier if period.term is None)
    censuses = _censuses(connection, files)
    dated = []
    for each in files:
        parent = each.source.path.parent
        period = None
        if each.table is not None and each.table.family == "ssda903":
            period = stated or returns.get(parent) or usual
        elif each.table is not None:
            period = period_named(each.source.path) or censuses.get(parent)
        dated.append(replace(each, period=period if is_known(period) else None))
    _reject_undated(connection, dated)
    return dated


def is_known(period: Period | None) -> bool:
    """Whether a period lies in a year that the catalogue has a place for."""
    years = load_catalogue().table("child_year").columns["academic_year"].domain or ()
    return period is not None and period.academic_year in years


def _latest(periods: Iterable[Period]) -> Period | None:
    return max(periods, key=lambda period: period.rank, default=None)


def _returns(connection: DuckDBPyConnection, files: Sequence[InputFile]) -> _Directories:
    """The return year of each directory that has episodes in it, by the last day any of them was in force."""
    latest = connection.execute(
        "FROM (FROM read_episodes SELECT file, unnest([decom, dec - 1]) AS day) "
        "SELECT file, max(day) WHERE day <= getvariable('today') GROUP BY file"
    ).fetchall()
    years: dict[Path, int] = {}
    for number, day in latest:
        parent = files[number].source.path.parent
        years[parent] = max(years.get(parent, 0), year_of_return(day))
    return {parent: Period(academic_year_ending(year)) for parent, year in years.items()}


def _censuses(connection: DuckDBPyConnection, files: Sequence[InputFile]) -> _Directories:
    """The term of each directory whose schoolcensus rows agree on one."""
    told: dict[Path, set[Period]] = {}
    rows = connection.execute(
        "FROM read_schoolcensus SELECT DISTINCT file, year, term WHERE year IS NOT NULL AND term IS NOT NULL"
    ).fetchall()
    for number, year, term in rows:
        told.setdefault(files[number].source.path.parent, set()).add(census_period(year, term))
    return {parent: periods.pop() for parent, periods in told.items() if len(periods) == 1}


def _reject_undated(connection: DuckDBPyConnection, files: Iterable[InputFile]) -> None:
    for each in files:
        if each.table is not None and each.period is None:
            rows = f"{each.table.reading} WHERE file = {each.number}"
            connection.execute(f"INSERT INTO findings FROM (FROM {rows}) SELECT file, record, 'no_period'")
            connection.execute(f"DELETE FROM {rows}")  # noqa: S608 - a table of ours and a number

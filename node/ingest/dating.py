"""Finds the periods of every file that was read.

The rows of some tables tell their own year or term. The other files are each about one return year or term: that is
told by the file's name, by its episodes and reviews, or by the files beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from node.ingest.columns import quoted
from node.ingest.formats import load_formats
from node.ingest.periods import UNDATED, Period, academic_year_ending, census_period, period_named, year_of_return
from node.ingest.sources import InputFile
from node.ingest.staged import StagedRows
from query_engine.catalogue import load_catalogue

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_Directories = Mapping[Path, Period]
_FIRST_YEAR = 199900
"""Attainment is told of longer ago than the record goes back."""


def date_files(
    connection: DuckDBPyConnection, files: Sequence[InputFile], *, year: int | None, earlier: StagedRows
) -> list[InputFile]:
    """The files with their periods. A row whose period nothing tells is rejected.

    A return is the files of one directory or the tables of one XML file, and covers `year` (ending 31 March of it)
    where that is given; otherwise the year of the latest episode or review in it that is not in the future.
    """
    returns = _returns(connection, files)
    stated = Period(academic_year_ending(year)) if year is not None else None
    usual = stated or _latest(returns.values()) or _latest(_of_returns(earlier))
    censuses = _censuses(connection, files)
    told = _told(connection, files)
    dated = []
    for each in files:
        periods = told.get(each.number, ())
        if each.table is not None and each.table.period is None:
            together = each.source.together
            if each.table.family == "ssda903":
                period = stated or returns.get(together) or usual
            else:
                period = period_named(each.source.place) or censuses.get(together)
            periods = (period,) if period is not None and is_known(period) else ()
        dated.append(replace(each, periods=periods))
    _reject_undated(connection, dated)
    return dated


def is_known(period: Period | None) -> bool:
    """Whether a period lies in a year that the catalogue has a place for."""
    return period is not None and period.academic_year in _years()


def _years() -> Sequence[int]:
    domain = load_catalogue().table("child_year").columns["academic_year"].domain or ()
    return [int(year) for year in domain]


def _of_returns(earlier: StagedRows) -> Iterator[Period]:
    return (period for name, period in earlier if load_formats()[name].family == "ssda903")


def _latest(periods: Iterable[Period]) -> Period | None:
    return max(periods, key=lambda period: period.rank, default=None)


def _returns(connection: DuckDBPyConnection, files: Sequence[InputFile]) -> _Directories:
    """The return year of each directory that has episodes in it, by the last day any of them was in force.

    A small authority may have had no episode begin or end in the year, but has reviewed every child: where all reviews
    are of one later year, as those that a return asks for are, it is that.
    """
    days = connection.execute(
        "FROM (FROM read_episodes SELECT file, unnest([decom, dec - 1]) AS day) "
        "SELECT file, max(day), max(day) WHERE day <= getvariable('today') GROUP BY file "
        "UNION ALL FROM read_reviews SELECT file, min(review), max(review) "
        "WHERE review <= getvariable('today') GROUP BY file"
    ).fetchall()
    years: dict[Path, int] = {}
    for number, first, last in days:
        if year_of_return(first) == year_of_return(last):
            together = files[number].source.together
            years[together] = max(years.get(together, 0), year_of_return(last))
    return {together: Period(academic_year_ending(year)) for together, year in years.items()}


def _censuses(connection: DuckDBPyConnection, files: Sequence[InputFile]) -> _Directories:
    """The term of each directory whose schoolcensus rows agree on one."""
    told: dict[Path, set[Period]] = {}
    rows = connection.execute(
        "FROM read_schoolcensus SELECT DISTINCT file, year, term WHERE year IS NOT NULL AND term IS NOT NULL"
    ).fetchall()
    for number, year, term in rows:
        told.setdefault(files[number].source.together, set()).add(census_period(year, term))
    return {together: periods.pop() for together, periods in told.items() if len(periods) == 1}


def _told(connection: DuckDBPyConnection, files: Iterable[InputFile]) -> dict[int, tuple[Period, ...]]:
    """The periods that the rows of each file tell of themselves, in order."""
    tables = {each.table.name: each.table for each in files if each.table is not None and each.table.period}
    last = max(_years())
    told: dict[int, list[Period]] = {}
    for table in tables.values():
        rows = f"FROM {table.reading} SELECT DISTINCT file, period WHERE period IS NOT NULL"
        for number, text in connection.execute(rows).fetchall():
            period = Period.parse(text)
            if period == UNDATED or _FIRST_YEAR <= period.academic_year <= last:
                told.setdefault(number, []).append(period)
    return {number: tuple(sorted(periods, key=lambda period: period.rank)) for number, periods in told.items()}


def _reject_undated(connection: DuckDBPyConnection, files: Iterable[InputFile]) -> None:
    for each in files:
        if each.table is None:
            continue
        rows = f"{each.table.reading} WHERE file = {each.number}"
        if each.table.period is not None:
            known = ", ".join(quoted(str(period)) for period in each.periods)
            rows += f" AND (period IN ({known})) IS NOT TRUE" if known else ""
        elif each.periods:
            continue
        connection.execute(f"INSERT INTO findings FROM (FROM {rows}) SELECT file, record, 'no_period'")
        connection.execute(f"DELETE FROM {rows}")  # noqa: S608 - a table of ours and a number

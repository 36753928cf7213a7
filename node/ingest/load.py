"""Loads an authority's files: the one way rows come into a node.

    1  read every file, rows into their tables, faulty rows into the findings
    2  find the return year or term of each file
    3  hold every row against the rules
    4  keep the accepted rows, with those of earlier loads that they do not replace
    5  work out the governed tables and the vault
    6  seal the snapshot, save the report, switch

All of it happens in a staging directory. A load that fails or dies anywhere before the switch has changed nothing.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from node.host_facts import show_facts
from node.ingest.batches import group_files
from node.ingest.dating import date_files, is_known
from node.ingest.formats import load_formats
from node.ingest.judgement import judge_rows
from node.ingest.mapping import ColumnMapping, load_mapping
from node.ingest.periods import TERMS, UNDATED, Period, academic_year_ending, period_of_day
from node.ingest.postcodes import find_places
from node.ingest.reader import read_sources
from node.ingest.report import LoadReport, NothingUsable, report_files
from node.ingest.sources import LoadRefused, Source, find_sources
from node.ingest.staged import StagedRows, find_staged, show_all, sql_path, write_staged
from node.ingest.tables import TableSummary, build_record, write_governed, write_vault
from node.ingest.tracked import NOTHING, TrackedFacts, show_tracked
from node.ingest.workbench import clear_readings, open_workbench
from node.snapshots import GOVERNED, IDENTIFIED, REPORT, STAGED, Snapshot, SnapshotStore, seal_snapshot
from query_engine.geography import load_authorities

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Clock = Callable[[], datetime]
Progress = Callable[[str], None]
_SHORTEST_KEY = 32


class LoadFailed(Exception):
    """A load could not be finished. The snapshot in use has not changed."""


def utc_now() -> datetime:
    """The moment, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, repr=False)
class _Order:
    """What a load was asked to do."""

    sources: Sequence[Source]
    mappings: Sequence[ColumnMapping]
    host_facts: Sequence[Path]
    tracked: TrackedFacts
    is_rebuild: bool
    authority: str
    token_key: bytes
    year: int | None
    now: datetime
    progress: Progress


def load_files(
    paths: Iterable[Path],
    *,
    store: SnapshotStore,
    authority: str,
    token_key: bytes,
    year: int | None = None,
    mappings: Iterable[Path] = (),
    host_facts: Sequence[Path] = (),
    tracked: TrackedFacts = NOTHING,
    clock: Clock = utc_now,
    progress: Progress = lambda _: None,
) -> LoadReport:
    """Load files, archives and directories into a new snapshot of the store, and switch to it.

    `year` is the calendar year in which the SSDA903 returns end (2025 for the year ending 31 March 2025); without
    it the year is told by the episodes. `mappings` are TOML files (see `mapping.py`) that come before the tables
    and mappings that are known anyway. `host_facts` are the files of what hosts have told (`node.host_facts`),
    `tracked` is what the tracking records tell (`node.ingest.tracked`).
    `progress` is called with one line as each step begins.

    Raises `LoadRefused` before anything is read, `NothingUsable` and `LoadFailed` before anything has changed.
    """
    _check_arguments(authority, token_key, year)
    sources, wanted = find_sources(paths), [load_mapping(path) for path in mappings]
    return _load(
        store, _Order(sources, wanted, host_facts, tracked, False, authority, token_key, year, clock(), progress)
    )


def rebuild_tables(
    *,
    store: SnapshotStore,
    authority: str,
    token_key: bytes,
    host_facts: Sequence[Path],
    tracked: TrackedFacts = NOTHING,
    clock: Clock = utc_now,
    progress: Progress = lambda _: None,
) -> LoadReport:
    """Build a new snapshot of the rows kept from earlier loads, what hosts told and what is tracked; switch to it.

    Raises `LoadRefused` where nothing was loaded before, and `LoadFailed` before anything has changed.
    """
    _check_arguments(authority, token_key, None)
    if store.current() is None:
        raise LoadRefused("there is nothing to build from yet; load the return files first")
    return _load(store, _Order((), (), host_facts, tracked, True, authority, token_key, None, clock(), progress))


def _load(store: SnapshotStore, order: _Order) -> LoadReport:
    import duckdb

    try:
        with store.staging() as stage:
            report = _prepare(stage, store.current(), order)
            order.progress("switching to the new snapshot")
            store.publish(stage)
            return report
    except duckdb.Error as error:  # Its text may quote a row.
        raise LoadFailed(f"the load stopped at a database error ({type(error).__name__}); try again") from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise LoadFailed(f"the load stopped: {reason}; put that right and try again") from None


def _check_arguments(authority: str, token_key: bytes, year: int | None) -> None:
    if authority not in load_authorities():
        raise LoadRefused(f"{authority!r} is not the three-figure code of an authority; see circe catalogue")
    if len(token_key) < _SHORTEST_KEY:
        raise LoadRefused(f"the token key must have at least {_SHORTEST_KEY} bytes; run circe node init again")
    if year is not None and not is_known(Period(academic_year_ending(year))):
        raise LoadRefused("the year is that of the 31 March on which a return ends, from 2015 on; give one such year")


def _prepare(stage: Path, current: Snapshot | None, order: _Order) -> LoadReport:
    """Fill the staging directory with the next snapshot, sealed. Raises `NothingUsable`."""
    earlier = find_staged(current.staged) if current else {}
    scratch = stage / "scratch"
    scratch.mkdir()
    with open_workbench(scratch, token_key=order.token_key, today=order.now.date()) as connection:
        files = read_sources(connection, order.sources, scratch, mappings=order.mappings, progress=order.progress)
        files = date_files(connection, files, year=order.year, earlier=earlier)
        batches = group_files(files)
        order.progress("checking rows")
        _locate_placements(connection, earlier)
        judge_rows(connection, batches, earlier)
        report = LoadReport(None, report_files(connection, files), {})
        if not (report.rows_loaded or order.is_rebuild):
            raise NothingUsable(report)
        order.progress("keeping accepted rows")
        staged = write_staged(connection, batches, earlier, stage / STAGED)
        clear_readings(connection, {batch.table for batch in batches})  # The record needs their room.
        order.progress("building the governed tables")
        tables = _build(connection, staged, order, stage)
    shutil.rmtree(scratch)
    order.progress("sealing the snapshot")
    report = report.with_snapshot(_seal(stage, staged, order.now), tables)
    (stage / REPORT).write_text(_write_report(report, current, order) + "\n", encoding="utf-8")
    return report


def _write_report(report: LoadReport, current: Snapshot | None, order: _Order) -> str:
    """The report as it stands beside the snapshot. One built of rows kept still has the files they came in."""
    if not order.is_rebuild or current is None or not (current.path / REPORT).exists():
        return report.to_json()
    files = json.loads((current.path / REPORT).read_text(encoding="utf-8"))["files"]
    return json.dumps(json.loads(report.to_json()) | {"files": files}, indent=2)


def _locate_placements(connection: DuckDBPyConnection, earlier: StagedRows) -> None:
    """Make the table `postcode_area`: the authority and grid reference of the postcodes of placements and homes."""
    kept = "".join(
        f" UNION FROM read_parquet({sql_path(path)}) SELECT unnest([pl_post, home_post])"
        for (name, _), path in earlier.items()
        if name == "Episodes"
    )
    written = connection.execute(f"FROM read_episodes SELECT unnest([pl_post, home_post]){kept}").fetchall()
    found = find_places(postcode for (postcode,) in written if postcode is not None)
    columns = [list(column) for column in zip(*found.values(), strict=True)] or [[], [], []]
    connection.execute(
        "CREATE TABLE postcode_area AS SELECT unnest($postcodes::VARCHAR[]) AS postcode, "
        "unnest($authorities::VARCHAR[]) AS authority, "
        "unnest($eastings::DOUBLE[]) AS easting, unnest($northings::DOUBLE[]) AS northing",
        dict(zip(("postcodes", "authorities", "eastings", "northings"), ([*found], *columns), strict=True)),
    )


def _build(connection: DuckDBPyConnection, staged: StagedRows, order: _Order, stage: Path) -> dict[str, TableSummary]:
    show_all(connection, staged)
    show_facts(connection, order.host_facts)
    show_tracked(connection, order.tracked)
    build_record(connection, order.authority)
    write_vault(connection, stage / IDENTIFIED)
    return write_governed(connection, stage / GOVERNED)


def _seal(stage: Path, staged: StagedRows, now: datetime) -> str:
    """Name the snapshot by the latest term in it; a return is made in spring.

    Returns and censuses come first: attainment is told of long ago, and a register of no year at all.
    """
    dated = [(load_formats()[name].period is None, period) for name, period in staged if period != UNDATED]
    first = any(is_whole for is_whole, _ in dated)
    periods = [period for is_whole, period in dated if is_whole == first] or [period_of_day(now.date())]
    year, term = max(period.rank for period in periods)
    years = sorted({period.academic_year for period in periods})
    return seal_snapshot(stage, term=f"{year}-{TERMS[term]}", academic_years=years, created=now)

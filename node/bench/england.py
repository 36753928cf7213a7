"""The whole of synthetic England: every authority's files written, then loaded into a node's snapshots of its own.

Writing is one process and loading another, so that each has its own peak of memory. The authorities load one after the
other, each as its own node would, the register of schools with the rest; a stage of loading is summed over all of them.
"""

import multiprocessing
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import cycle, islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from federation.commands.bench import Row
from node.bench.marks import Mark, Span, hold_to_cores, stage_row, take_mark

if TYPE_CHECKING:
    from query_engine.planning.plan import QueryPlan
    from query_engine.tables import RawTable

SEED = 1
_READING = "reading files"


class _Load(NamedTuple):
    """One authority's load: its rows, and the moment at which each step began; the last is the end."""

    rows: int
    marks: tuple[Mark, ...]


def measure_england(directory: Path, authorities: int, cores: int, *, full: bool, scale: float = 1.0) -> list[Row]:
    """The stages of writing so many authorities' files and of loading them, each whole, and both together.

    Raises `LoadFailed` as a load does, and `PostcodesMissing` where the places of England are not installed.
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        generating = pool.submit(_write, directory / "england", authorities, full, scale).result()
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        loads = pool.submit(load_all, directory / "england", directory / "snapshots", cores).result()
    rows = sum(load.rows for load in loads)
    loading = [(load.marks[0], load.marks[-1]) for load in loads]
    return [
        stage_row("generating", rows, [generating]),
        *(stage_row(f"loading: {stage}", rows, spans) for stage, spans in _by_stage(loads).items()),
        stage_row("loading", rows, loading),
        stage_row("total", rows, [generating, *loading]),
    ]


def _write(directory: Path, authorities: int, full: bool, scale: float) -> Span:
    """Write the files in this process."""
    from node.synth.england import write_england

    before = take_mark("generating")
    write_england(
        directory,
        authorities=authorities,
        seed=SEED,
        full=full,
        scale=scale,
        progress=lambda line: click.echo(f"generating {line}", err=True),
    )
    return before, take_mark("end")


def load_all(directory: Path, stores: Path, cores: int) -> list[_Load]:
    """Load every authority's files in this process, each into a store of its own."""
    hold_to_cores(cores)
    codes = list_codes(directory)
    loads: list[_Load] = []
    for done, code in enumerate(codes, start=1):
        loads.append(_load(directory, code, stores / code))
        seconds = loads[-1].marks[-1].seconds - loads[-1].marks[0].seconds
        click.echo(f"loading {code}: {loads[-1].rows:,} rows in {seconds:.1f} s, {done} of {len(codes)}", err=True)
    return loads


def load_missing(directory: Path, stores: Path) -> None:
    """Load every authority that has no snapshot yet, as many at once as there are cores; it can be stopped any time."""
    from node.snapshots import SnapshotStore

    missing = [code for code in list_codes(directory) if SnapshotStore(stores / code).current() is None]
    load = partial(_load_one, directory, stores)
    with ProcessPoolExecutor(len(os.sched_getaffinity(0)), mp_context=multiprocessing.get_context("spawn")) as pool:
        for done, code in enumerate(pool.map(load, missing), start=1):
            click.echo(f"loaded {code}, {done} of {len(missing)}", err=True)


def _load_one(directory: Path, stores: Path, code: str) -> str:
    _load(directory, code, stores / code)
    return code


def run_everywhere(plan: "QueryPlan", snapshots: Sequence[Path], nodes: int) -> "list[RawTable]":
    """The exact figures of so many authorities, of whom those that are loaded stand for the others in turn."""
    return list(islice(cycle([_run(plan, root) for root in snapshots]), nodes))


def _run(plan: "QueryPlan", root: Path) -> "RawTable":
    """The exact figures of one authority."""
    from node.snapshots import SnapshotStore
    from query_engine.engines.duckdb import DuckDBEngine

    snapshot = SnapshotStore(root).current()
    assert snapshot is not None
    with DuckDBEngine({table: snapshot.tables[table] for table in plan.tables}) as engine:
        return engine.run(plan)


def list_codes(directory: Path) -> list[str]:
    """The authorities whose files were written."""
    return sorted(folder.name for folder in directory.iterdir() if folder.name.isdecimal())


def _load(directory: Path, code: str, root: Path) -> _Load:
    from node.ingest.load import load_files
    from node.snapshots import SnapshotStore
    from node.synth.plan import REGISTER

    marks: list[Mark] = []
    report = load_files(
        [directory / code, directory / REGISTER],
        store=SnapshotStore(root),
        authority=code,
        token_key=bytes(32),
        progress=lambda line: marks.append(take_mark(line)),
    )
    return _Load(sum(each.rows_in for each in report.files), (*marks, take_mark("end")))


def _by_stage(loads: Iterable[_Load]) -> dict[str, list[Span]]:
    """The spans of each step of loading, in order; the files that are read are one step."""
    spans: dict[str, list[Span]] = defaultdict(list)
    for load in loads:
        for before, after in pairwise(load.marks):
            spans[_READING if before.line.startswith("reading ") else before.line].append((before, after))
    return spans

"""`circe bench load`: a large synthetic census loaded into a node's snapshots, stage by stage.

Each load runs in a process of its own, so that its peak memory is its own, and is held to as many cores as asked for.
What is measured is the whole of a load: every rule, the report, the kept rows, the governed tables and the vault.
"""

import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import click

from federation.commands.bench import Row, print_rows

_AUTHORITY = "301"
_KIB = 1024


class _Mark(NamedTuple):
    """A moment of a load: the step that begins, and the most memory the process has had, in KiB."""

    line: str
    seconds: float
    cpu_seconds: float
    peak_kib: int


@click.command()
@click.option("--pupils", default=300_000, show_default=True, help="Pupils on roll.")
@click.option("--cores", default=1, show_default=True, help="Cores that a load may use.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def load(pupils: int, cores: int, form: str) -> None:
    """Measure loading: a roll by itself, then a whole term in the proportions of the public sample census."""
    with tempfile.TemporaryDirectory() as directory:
        print_rows("load", measure_loads(Path(directory), pupils, cores), form)


def measure_loads(directory: Path, pupils: int, cores: int) -> list[Row]:
    """The stages of generating a census and of loading its roll alone and the whole term, with their totals.

    Raises `LoadFailed` as a load does.
    """
    from node.bench.large_census import TABLES, write_census
    from node.ingest.survey import survey_file

    before = _mark("generating")
    files = write_census(directory / "census", pupils)
    after = _mark("end")
    rows: list[Row] = [_row("generating", sum(survey_file(path).rows for path in files.values()), before, after)]
    for name, tables in (("roll", TABLES[:1]), ("term", TABLES)):
        click.echo(f"loading the {name}", err=True)
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            rows += pool.submit(_measure, name, [files[each] for each in tables], directory / name, cores).result()
    return rows


def _measure(name: str, paths: Sequence[Path], root: Path, cores: int) -> list[Row]:
    """Load some files in this process; one row for each stage, then one for all."""
    from node.ingest.load import load_files
    from node.snapshots import SnapshotStore

    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    marks: list[_Mark] = []
    report = load_files(
        paths,
        store=SnapshotStore(root),
        authority=_AUTHORITY,
        token_key=bytes(32),
        progress=lambda line: marks.append(_mark(line)),
    )
    marks.append(_mark("end"))
    total = sum(each.rows_in for each in report.files)
    counted = {f"reading {Path(each.path).name}": each.rows_in for each in report.files}
    stages = [
        _row(f"{name}: {before.line}", counted.get(before.line, total), before, after)
        for before, after in pairwise(marks)
    ]
    return [*stages, _row(name, total, marks[0], marks[-1])]


def _mark(line: str) -> _Mark:
    return _Mark(line, time.perf_counter(), time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def _row(stage: str, rows: int, before: _Mark, after: _Mark) -> Row:
    seconds = after.seconds - before.seconds
    return {
        "stage": stage,
        "rows": rows,
        "seconds": round(seconds, 3),
        "cpu_seconds": round(after.cpu_seconds - before.cpu_seconds, 3),
        "rows_per_second": round(rows / seconds),
        "peak_mib": after.peak_kib // _KIB,
    }

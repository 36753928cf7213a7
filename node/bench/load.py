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

import click

from federation.commands.bench import Row, print_rows

_AUTHORITY = "301"
_KIB = 1024


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

    start = time.perf_counter()
    files = write_census(directory / "census", pupils)
    seconds = time.perf_counter() - start
    rows: list[Row] = [_row("generating", sum(survey_file(path).rows for path in files.values()), seconds, _peak_mib())]
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
    marks: list[tuple[str, float, int]] = []
    report = load_files(
        paths,
        store=SnapshotStore(root),
        authority=_AUTHORITY,
        token_key=bytes(32),
        progress=lambda line: marks.append((line, time.perf_counter(), _peak_mib())),
    )
    marks.append(("end", time.perf_counter(), _peak_mib()))
    total = sum(each.rows_in for each in report.files)
    counted = {f"reading {Path(each.path).name}": each.rows_in for each in report.files}
    stages = [
        _row(f"{name}: {line}", counted.get(line, total), after - before, peak)
        for (line, before, _), (_, after, peak) in pairwise(marks)
    ]
    return [*stages, _row(name, total, marks[-1][1] - marks[0][1], marks[-1][2])]


def _row(stage: str, rows: int, seconds: float, peak_mib: int) -> Row:
    return {
        "stage": stage,
        "rows": rows,
        "seconds": round(seconds, 3),
        "rows_per_second": round(rows / seconds),
        "peak_mib": peak_mib,
    }


def _peak_mib() -> int:
    """The most memory this process has had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // _KIB

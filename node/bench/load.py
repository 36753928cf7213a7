"""`circe bench load`: a large synthetic census, or all of synthetic England, loaded into snapshots, stage by stage.

Each load runs in a process of its own, so that its peak memory is its own, and is held to as many cores as asked for.
What is measured is the whole of a load: every rule, the report, the kept rows, the governed tables and the vault.
"""

import multiprocessing
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from pathlib import Path

import click

from federation.commands.bench import Row, print_rows
from node.bench.marks import Mark, hold_to_cores, stage_row, take_mark

_AUTHORITY = "301"
_ALL = 153


@click.command()
@click.option("--pupils", default=300_000, show_default=True, help="Pupils on roll.")
@click.option("--cores", default=1, show_default=True, help="Cores that a load may use.")
@click.option("--england", is_flag=True, help="Write and load all of synthetic England instead.")
@click.option(
    "--authorities", type=click.IntRange(1, _ALL), default=_ALL, show_default=True, help="How many of England's."
)
@click.option("--full", is_flag=True, help="GIAP, virtual-school and social-care files of England too.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def load(pupils: int, cores: int, england: bool, authorities: int, full: bool, form: str) -> None:
    """Measure loading: a roll by itself, then a whole term in the proportions of the public sample census.

    With --england: the files of every authority written, and each authority's loaded into snapshots of its own.
    """
    from node.bench.england import measure_england
    from node.synth.postcodes import PostcodesMissing

    with tempfile.TemporaryDirectory() as directory:
        try:
            if england:
                rows = measure_england(Path(directory), authorities, cores, full=full)
            else:
                rows = measure_loads(Path(directory), pupils, cores)
        except PostcodesMissing as missing:
            raise click.ClickException(str(missing)) from None
    print_rows("load", rows, form)


def measure_loads(directory: Path, pupils: int, cores: int) -> list[Row]:
    """The stages of generating a census and of loading its roll alone and the whole term, with their totals.

    Raises `LoadFailed` as a load does.
    """
    from node.bench.large_census import TABLES, write_census
    from node.ingest.survey import survey_file

    before = take_mark("generating")
    files = write_census(directory / "census", pupils)
    after = take_mark("end")
    rows = [stage_row("generating", sum(survey_file(path).rows for path in files.values()), [(before, after)])]
    for name, tables in (("roll", TABLES[:1]), ("term", TABLES)):
        click.echo(f"loading the {name}", err=True)
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            rows += pool.submit(_measure, name, [files[each] for each in tables], directory / name, cores).result()
    return rows


def _measure(name: str, paths: Sequence[Path], root: Path, cores: int) -> list[Row]:
    """Load some files in this process; one row for each stage, then one for all."""
    from node.ingest.load import load_files
    from node.snapshots import SnapshotStore

    hold_to_cores(cores)
    marks: list[Mark] = []
    report = load_files(
        paths,
        store=SnapshotStore(root),
        authority=_AUTHORITY,
        token_key=bytes(32),
        progress=lambda line: marks.append(take_mark(line)),
    )
    marks.append(take_mark("end"))
    total = sum(each.rows_in for each in report.files)
    counted = {f"reading {Path(each.path).name}": each.rows_in for each in report.files}
    stages = [
        stage_row(f"{name}: {before.line}", counted.get(before.line, total), [(before, after)])
        for before, after in pairwise(marks)
    ]
    return [*stages, stage_row(name, total, [(marks[0], marks[-1])])]

"""`circe bench utility`: what is left of 20 national tables where authorities protect first, and where the sum is.

A synthetic England is written and loaded, each authority as a node of its own, and every question of the policy paper
is run on each snapshot. What the protocol adds to that is nothing but masks, which come off exactly: no process, no key
and no network is needed to say what is opened.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from federation.commands.bench import Row, print_rows

if TYPE_CHECKING:
    from disclosure_control.utility import Left
    from query_engine.planning.plan import QueryPlan
    from query_engine.questions import Question
    from query_engine.tables import RawTable

SEED = 1
ROWS_PRESET, TOTAL_PRESET = "opensafely", "ons_10_5"
"""What a node accepts for its own rows as it is set up, and what totals are rounded by in Circe's own templates."""

DROPOUTS, COLLUDERS = 20, 7
"""The tolerance for 153 nodes; for fewer, as many in proportion."""


@click.command("utility")
@click.option("--authorities", default=153, show_default=True, type=click.IntRange(5, 153))
@click.option("--loaded", type=click.IntRange(5, 153), help="Write so few, and let each stand for several.")
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep England here, or go on with what is there.",
)
@click.option("--stacks", is_flag=True, help="Measure tables one after the other instead.")
@click.option("--other-pupils", default=0.3, show_default=True, help="Other pupils written for each child in care.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def utility(
    authorities: int, loaded: int | None, directory: Path | None, other_pupils: float, form: str, *, stacks: bool
) -> None:
    """Measure the error of national figures: suppressed first, noised first, and together.

    With --stacks, how many figures of exact totals are shown, one after the other: `shown_without` of those if nobody
    looked at what an authority knows between totals; and of the policy paper's questions as rows of one authority.
    Seconds are of CPU, of protecting all of a stack, and the one of it that took longest.
    """
    from node.bench.stacks import measure_stacks
    from query_engine.questions import load_questions

    with _england(directory, min(loaded or authorities, authorities), other_pupils) as snapshots:
        found = (
            list(measure_stacks(snapshots, authorities))
            if stacks
            else [
                _measure_question(number, question, snapshots, authorities)
                for number, question in enumerate(load_questions(), start=1)
            ]
        )
    print_rows("utility", found, form)


@contextmanager
def _england(directory: Path | None, authorities: int, other_pupils: float) -> Iterator[list[Path]]:
    """The root of each authority's snapshots; what the directory has of them is neither written nor loaded again."""
    with tempfile.TemporaryDirectory() as scratch:
        place = directory or Path(scratch)
        _write_and_load(place, authorities, other_pupils)
        yield sorted(each for each in (place / "snapshots").iterdir() if each.is_dir())


def _write_and_load(place: Path, authorities: int, other_pupils: float) -> None:
    from node.bench.england import load_missing
    from node.synth.england import MANIFEST, write_england

    if not (place / "england" / MANIFEST).exists():
        write_england(
            place / "england",
            authorities=authorities,
            seed=SEED,
            full=True,
            other_pupils_per_child=other_pupils,
            progress=lambda line: click.echo(f"generating {line}", err=True),
        )
    load_missing(place / "england", place / "snapshots")


def _measure_question(number: int, question: "Question", snapshots: Sequence[Path], nodes: int) -> Row:
    """The ways that are open to a question, side by side."""
    from disclosure_control.presets.shipped import load_preset
    from disclosure_control.utility import add_up, measure_protected, measure_suppressed
    from node.bench.england import run_everywhere
    from query_engine.planning.paths import judge_path
    from query_engine.question import read_question

    click.echo(f"question {number}: {question.asks}", err=True)
    plan = read_question(question.sql).plan
    tables = run_everywhere(plan, snapshots, nodes)
    whole = add_up(tables)
    suppressed, held = measure_suppressed(tables, whole, load_preset(ROWS_PRESET))
    row: dict[str, str | int | float] = {"question": number, "rows_withheld": round(held, 4)}
    row |= _columns("suppressed_first", suppressed)
    if judge_path(plan, "noisy_sum").allowed:
        row |= _measure_noise(plan, whole, nodes)
    if judge_path(plan, "exact_sum").allowed:
        row |= _columns("exact_sum", measure_protected(tables, load_preset(TOTAL_PRESET)))
    return row | {"asks": question.asks}


def _measure_noise(plan: "QueryPlan", whole: "RawTable", nodes: int) -> Row:
    """Noise of every node by itself, and of one release over all, at epsilon 1 for each grouping set."""
    from disclosure_control.noise.terms import NoiseTerms
    from disclosure_control.presets.shipped import load_preset
    from disclosure_control.utility import measure_noised
    from query_engine.planning.paths import plan_for_path

    noisy, epsilon, preset = plan_for_path(plan, "noisy_sum"), str(len(plan.sets)), load_preset(TOTAL_PRESET)
    shared = NoiseTerms(epsilon, nodes, round(DROPOUTS * nodes / 153), round(COLLUDERS * nodes / 153))
    row: dict[str, str | int | float] = {}
    for way, terms in (("noised_first", NoiseTerms(epsilon, 1, 0, 0)), ("noisy_sum", shared)):
        row |= _columns(way, measure_noised(whole, noisy, terms, nodes, preset, SEED))
    return row


def _columns(way: str, left: "Left") -> Row:
    columns: dict[str, str | int | float] = {f"{way}_lost": round(left.lost, 4)}
    columns |= {f"{way}_too_few": round(left.too_few, 4), f"{way}_for_protection": round(left.for_protection, 4)}
    columns[f"{way}_error"] = "" if left.error is None else round(left.error, 5)
    if left.deviation is not None:
        columns[f"{way}_deviation"] = round(left.deviation, 3)
    return columns

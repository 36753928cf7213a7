"""`circe bench disclosure`: tables protected and certified, beside G-Confid and tau-Argus on the same tables."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from federation.commands.bench import Row, print_rows

if TYPE_CHECKING:
    from disclosure_control.suppression.drawn_table import DrawnTable

ROOM = Path(__file__).parents[2] / "disclosure_control" / "suppression"

CELLS = (48, 368, 1_584, 3_888, 20_016)
LARGEST_WHOLE = 3_888
"""Cells of a table that rivals are given, and that is always protected from insiders too."""

OPTIMAL, MODULAR = "OPT(1,5)", "MOD(1,5,1,0,0)"
LARGEST_OPTIMAL = 368

PYTHON = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(name="disclosure")
@click.option("--cells", multiple=True, type=click.Choice([str(each) for each in CELLS]), help="By default all.")
@click.option("--seed", default=1, show_default=True, type=int, help="Of the tables.")
@click.option(
    "--gconfid", envvar="CIRCE_GCONFID", type=PYTHON, help="A Python that has gconfid, in an environment of its own."
)
@click.option("--tau-argus", envvar="CIRCE_TAU_ARGUS", type=PYTHON, help="A Python that has pytauargus, likewise.")
@click.option("--insiders", is_flag=True, help="Protect the largest table from insiders too.")
@click.option("--longest", default=600, show_default=True, type=click.IntRange(1), help="Seconds given to a rival.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def disclosure(
    cells: Sequence[str],
    seed: int,
    gconfid: Path | None,
    tau_argus: Path | None,
    insiders: bool,
    longest: int,
    form: str,
) -> None:
    """Measure suppression: time, cells withheld besides the small ones, and small ones that can be seen to be small.

    The rivals are left out where no Python that has them is given; CIRCE_GCONFID and CIRCE_TAU_ARGUS name them too.
    Each has a second row, of its pattern with the fewest cells withheld besides that it takes for none to fail.
    `secondaries_at_least` is how many any pattern withholds besides of which none fails, whoever chooses it.
    """
    from disclosure_control.suppression.drawn_table import draw_table
    from disclosure_control.suppression.measurement import fewest_besides, measure_ours

    found: list[Row] = []
    for size in [int(each) for each in cells] or CELLS:
        click.echo(f"protecting a table of {size} cells", err=True)
        table = draw_table(size, seed)
        rows = [measure_ours(table, insiders=False)]
        if insiders or size <= LARGEST_WHOLE:
            rows.append(measure_ours(table, insiders=True))
        if size <= LARGEST_WHOLE:
            rows += _measure_rivals(table, gconfid, tau_argus, longest)
        at_least = fewest_besides(table)
        found += [{**row, "secondaries_at_least": at_least} for row in rows]
    print_rows("disclosure", found, form)


def _measure_rivals(table: "DrawnTable", gconfid: Path | None, tau_argus: Path | None, longest: int) -> Iterator[Row]:
    from disclosure_control.suppression.measurement import describe_table, measure_mended, measure_pattern

    method = OPTIMAL if len(table.figures) <= LARGEST_OPTIMAL else MODULAR
    rivals = (
        ("gconfid", [gconfid and gconfid.absolute(), "-I", ROOM / "gconfid_measurement.py"]),
        ("pytauargus", [tau_argus and tau_argus.absolute(), "-I", ROOM / "tau_argus_measurement.py", method]),
    )
    document = json.dumps(describe_table(table))
    for tool, words in rivals:
        if words[0] is None:
            click.echo(f"{tool} is left out: give a Python that has it", err=True)
            continue
        answer = _run(tool, [str(each) for each in words], document, longest)
        if answer is not None:
            yield measure_pattern(tool, table, answer["withheld"], answer["seconds"])
            yield measure_mended(tool, table, answer["withheld"], answer["seconds"])


def _run(tool: str, words: list[str], document: str, longest: int) -> dict[str, Any] | None:
    """What a rival's script says, or None where it failed: rivals do on some tables, and that is told."""
    try:
        with TemporaryDirectory() as folder:  # tau-Argus leaves files of its own wherever it is run
            done = subprocess.run(  # noqa: S603
                words, input=document, capture_output=True, text=True, check=True, timeout=longest, cwd=folder
            )
    except subprocess.TimeoutExpired:
        click.echo(f"{tool}: nothing after {longest} s", err=True)
        return None
    except subprocess.CalledProcessError as error:
        said = (error.stderr or "").strip().splitlines()
        click.echo(f"{tool} failed: {said[-1] if said else error.returncode}", err=True)
        return None
    answer = json.loads(done.stdout.strip().splitlines()[-1])
    assert isinstance(answer, dict)
    return answer

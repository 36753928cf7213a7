"""`circe bench secure-sum`: sums with masks, the same sums without, and the same sums through Flower's SecAgg+."""

import json
import subprocess
from pathlib import Path

import click

from federation.commands.bench import Row, print_rows

LONGEST_SECONDS = 3600
FLOWER_SCRIPT = Path(__file__).parent.parent / "secure_sum" / "flower_measurement.py"


@click.command(name="secure-sum")
@click.option("--nodes", multiple=True, type=click.IntRange(5, 400), default=(10, 153, 400), show_default=True)
@click.option("--cells", multiple=True, type=click.IntRange(1), default=(100, 10_000), show_default=True)
@click.option(
    "--flower",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A Python that has flwr installed, in an environment of its own; without it Flower is left out.",
)
@click.option(
    "--flower-sample",
    default=3,
    show_default=True,
    type=click.IntRange(0),
    help="How many secrets Flower shares and joins for each sum; the others are reckoned from these. 0 for all.",
)
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def secure_sum(
    nodes: tuple[int, ...], cells: tuple[int, ...], flower: Path | None, flower_sample: int, form: str
) -> None:
    """Measure CPU, bytes and trips of secure sums, everybody answering, for nodes and hub apart."""
    from federation.secure_sum.measurement import measure_sums

    found: list[Row] = []
    for number in nodes:
        click.echo(f"adding up among {number} nodes", err=True)
        found += measure_sums(number, cells)
    if flower is None:
        click.echo("Flower's SecAgg+ is left out: give a Python that has flwr with --flower", err=True)
    else:
        found += [_measure_flower(flower, number, size, flower_sample) for number in nodes for size in cells]
    print_rows("secure-sum", found, form)


def _measure_flower(python: Path, nodes: int, cells: int, sample: int) -> Row:
    """Have Flower's own Python measure one sum; nothing of ours is imported there."""
    click.echo(f"adding up {cells} numbers among {nodes} clients of Flower", err=True)
    words = [str(python), "-I", str(FLOWER_SCRIPT), str(nodes), str(cells), str(sample)]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=LONGEST_SECONDS)  # noqa: S603
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        said = (error.stderr or "").strip().splitlines() if isinstance(error.stderr, str) else []
        reason = said[-1] if said else f"nothing after {LONGEST_SECONDS} s"
        raise click.ClickException(f"Flower could not be measured with {python}: {reason}") from None
    row = json.loads(done.stdout)
    assert isinstance(row, dict)
    return row

"""`circe bench noise`: how long a node's share of the noise takes, beside the question itself."""

import tempfile
from pathlib import Path

import click

from federation.commands.bench import Row, print_rows


@click.command()
@click.option("--rows", type=click.IntRange(1), default=2_000, show_default=True, help="Rows of the node's table.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def noise(rows: int, form: str) -> None:
    """Measure running tables of 27 to 3,888 cells at one node, and noising every cell of them."""
    from disclosure_control.noise.measurement import measure_noise

    with tempfile.TemporaryDirectory() as directory:
        found: list[Row] = list(measure_noise(Path(directory), rows))
    print_rows("noise", found, form)

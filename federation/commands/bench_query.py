"""`circe bench query`: planning, answering beside hand-written SQL, and answering over every authority."""

import tempfile
from pathlib import Path

import click

from federation.commands.bench import Row, print_rows


@click.command()
@click.option("--rows", multiple=True, type=click.IntRange(1), default=(100_000, 5_000_000), show_default=True)
@click.option(
    "--authorities", default=153, show_default=True, help="Nodes that the questions are asked of; 0 for none."
)
@click.option("--rows-each", default=1_000, show_default=True, help="Rows of each table at each of those nodes.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def query(rows: tuple[int, ...], authorities: int, rows_each: int, form: str) -> None:
    """Measure twenty questions of the policy paper: planned, answered from many rows, and answered everywhere."""
    from query_engine.engines.measurement import measure_federation, measure_questions

    found: list[Row] = []
    with tempfile.TemporaryDirectory() as directory:
        for number in rows:
            click.echo(f"answering from {number:,} rows of each table", err=True)
            home = Path(directory) / f"rows-{number}"
            home.mkdir()
            found += measure_questions(home, number)
        if authorities:
            click.echo(f"answering at {authorities} authorities", err=True)
            found += measure_federation(Path(directory) / "nodes", authorities, rows_each)
    print_rows("query", found, form)

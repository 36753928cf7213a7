"""`circe query report`: a report of an authority, a region or England, from the releases that a member may see."""

from pathlib import Path

import click


@click.command()
@click.option(
    "--state", type=click.Path(path_type=Path, file_okay=False), required=True, help="Your own member directory."
)
@click.option("--report", "name", default="metrics", show_default=True, help="Which; an unknown one lists them.")
@click.option("--place", default="nation", show_default=True, help="nation, region:London or authority:301.")
@click.option("--year", type=click.IntRange(201415, 209900), default=202425, show_default=True, help="Academic year.")
@click.option("--format", "form", type=click.Choice(["text", "csv", "pdf"]), default="text", show_default=True)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="The file to write; needed for a PDF.")
def report(state: Path, name: str, place: str, year: int, form: str, output: Path | None) -> None:
    """Write a report from released figures, each verified: as text, as tidy CSV, or as an accessible PDF."""
    from federation.client import connect
    from federation.reports.handing_out import hand_out

    with connect(state) as client:
        hand_out(client.report(name, place, year), form, output)

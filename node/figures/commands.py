"""`circe node figures`: the figures of the pages, at a terminal, under the same rules and in the same log."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from node.figures.showing import Shown

STATE = click.option(
    "--state", type=click.Path(path_type=Path, file_okay=False), required=True, help="The node's own directory."
)
PERSON = click.option("--as", "person_id", required=True, help="Who asks: one of the node's people.")
FIGURE = click.option("--figure", "measure", required=True, help="Its name in the list, such as absence.")
YEAR = click.option("--year", type=click.IntRange(201415, 209900), required=True, help="Academic year, as in 202425.")
BY = click.option("--by", default="", help="A column that the list has, by which the figure is split.")
FORM = click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)


@click.group()
def figures() -> None:
    """Figures of our children for those of our people who get no records."""


@figures.command("list")
@FORM
def list_them(form: str) -> None:
    """List the figures there are, and by what they are split."""
    from node.claim_commands import format_rows
    from node.figures.declared import load_declared

    declared = load_declared()
    rows = [("figure", each.name, f"{each.topic}: {each.title}") for each in declared.measure]
    rows += [("by", each.name, each.title) for each in declared.breakdown]
    click.echo(format_rows(("kind", "name", "what"), rows, form), nl=False)


@figures.command()
@STATE
@PERSON
@FIGURE
@YEAR
@BY
@click.option(
    "--whose", default="authority", show_default=True, help="authority; a school's URN; or own, a trust's all."
)
@click.option("--purpose", required=True, help="Why; it is logged.")
@FORM
def show(state: Path, person_id: str, measure: str, year: int, by: str, whose: str, purpose: str, form: str) -> None:
    """Show a figure, protected as the rows that leave the node are, and what stands beside it."""
    from node.claim_commands import format_rows
    from node.figures.comparing import find_beside
    from node.figures.showing import Wish, show_figure
    from node.refusal import Refused
    from node.service import open_node

    node = open_node(state)
    try:
        shown = show_figure(node, node.find_person(person_id), purpose, Wish(measure, by, year, whose))
    except Refused as refused:
        raise click.ClickException(refused.text) from None
    click.echo(format_rows(*_tabulate(shown), form), nl=False)
    for each in find_beside(node, shown.asked.measure, year):
        click.echo(f"{each.place}: {each.text} ({each.source})", err=True)


def _tabulate(shown: "Shown") -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    from federation.manifest import Path as LeavingPath
    from federation.plans import derive_plan
    from node.figures.reading import WITHHELD, name_columns, read_lines

    plan, measure = derive_plan(shown.asked.sql, LeavingPath.PER_AUTHORITY), shown.asked.measure
    lines = read_lines(measure, plan, shown.table.rows, shown.preset)
    rows = [(each.of, *each.counts, each.share.text if each.share else WITHHELD) for each in lines]
    return ("Of", *name_columns(measure), "Share"), rows


@figures.command()
@STATE
@PERSON
@click.option(
    "--report", "name", default="virtual-school", show_default=True, help="virtual-school, practice or factors."
)
@YEAR
@click.option(
    "--whose", default="authority", show_default=True, help="authority; a school's URN; or own, a trust's all."
)
@click.option("--purpose", required=True, help="Why; it is logged with each figure.")
@click.option("--format", "form", type=click.Choice(["text", "csv", "pdf"]), default="text", show_default=True)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="The file to write; needed for a PDF.")
def report(
    state: Path, person_id: str, name: str, year: int, whose: str, purpose: str, form: str, output: Path | None
) -> None:
    """Write a report of our own children: as text, as tidy CSV, or as an accessible PDF."""
    from federation.reports.handing_out import hand_out
    from node.figures.reports import write_own_report
    from node.service import open_node

    node = open_node(state)
    written = write_own_report(node, node.find_person(person_id), purpose, name, year, whose)
    hand_out(written, form, output)


@figures.command()
@FIGURE
@YEAR
@click.option("--by-region", is_flag=True, help="The question whose release gives the regions instead of England.")
def question(measure: str, year: int, by_region: bool) -> None:
    """Print the question whose release, by a sum over authorities, stands beside a figure."""
    from node.figures.declared import load_declared, write_sql

    click.echo(write_sql(load_declared().find_measure(measure), None, year, by_region=by_region))


@figures.command()
@STATE
@PERSON
def fetch(state: Path, person_id: str) -> None:
    """Fetch from the hub what was released since over our figures and those of others; print how many were new."""
    from federation.transport import connect_party
    from node.figures.releases import fetch_releases
    from node.polling import refresh_register
    from node.service import open_node

    node = open_node(state)
    with closing(connect_party(node.party, clock=node.clock)) as hub:
        refresh_register(node, hub)
        click.echo(fetch_releases(node, hub, node.find_person(person_id)))
